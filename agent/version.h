#pragma once

#include <string_view>

namespace sidewatch {

std::string_view version();  // "0.1.0"

}  // namespace sidewatch
