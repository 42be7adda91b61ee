// How the mappings of several files become one.
#pragma once

#include "config/node.h"
#include "config/section_impl.h"

namespace sidewatch::config {

// `first` with what `second`, read later, adds: mappings key by key, lists appended. A single value set in both is
// reported at its second place, naming the first; the first stays.
NodePtr merge(const NodePtr& first, const NodePtr& second, const SectionContext& context);

}  // namespace sidewatch::config
