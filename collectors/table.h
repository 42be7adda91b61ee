// The table of all collectors: a new one is one more line in table.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "config/section.h"

namespace sidewatch {

class Instruments;

// What collectors may lean on besides the catalog.
struct CollectorContext {
  const Instruments* instruments = nullptr;  // what the `self` collector copies
  const Store* store = nullptr;              // whose size the `self` collector reports; may be absent
  std::string version;                       // of the agent, as sidewatch_build_info says it
  std::string procfs = "/proc";              // where `process` looks; another root is read without libproc2
};

struct CollectorKind {
  std::string_view key;  // under `collectors:`
  // Declares this kind's key in the `collectors` section and adds a plan for each collector configured.
  void (*configure)(config::Section& collectors, const CollectorContext& context, std::vector<CollectorPlan>& plans);
};

std::span<const CollectorKind> collector_kinds();

}  // namespace sidewatch
