// Where in a span something comes, by its name alone: what shares an interval never comes all at once, and the same thing
// always comes at the same time, also after a restart.
#pragma once

#include <string_view>

#include "base/time.h"

namespace sidewatch {

// From 0 to less than `span`, which is at least a millisecond; names that are much alike come far apart.
Duration spread_over(std::string_view name, Duration span);

}  // namespace sidewatch
