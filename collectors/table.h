// The table of all collectors: a new one is one more line in table.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "config/section.h"

namespace sidewatch {

struct CollectorKind {
  std::string_view key;  // under `collectors:`
  // Declares this kind's key in the `collectors` section and adds a plan for each collector configured.
  void (*configure)(config::Section& collectors, std::vector<CollectorPlan>& plans);
};

std::span<const CollectorKind> collector_kinds();

}  // namespace sidewatch
