// A piece of configuration, as it stands under `collectors:`, read by one kind of collector.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "config/document.h"
#include "config/section.h"

namespace sidewatch {

struct ReadPlans {
  std::vector<CollectorPlan> plans;
  std::string problems;  // in the file "f"; the environment is empty
};

inline ReadPlans read_plans(void (*configure)(config::Section&, std::vector<CollectorPlan>&), const std::string& yaml) {
  ReadPlans read;
  config::Problems problems;
  auto document = config::Document::parse("f", yaml, [](const auto&) { return std::nullopt; }, problems);
  document.visit([&](config::Section& collectors) { configure(collectors, read.plans); });
  read.problems = problems.text();
  return read;
}

// The same as a type that can be described: config::reference_markdown<PlansOf<configure_process>>().
template <void (*configure)(config::Section&, std::vector<CollectorPlan>&)>
struct PlansOf {
  std::vector<CollectorPlan> plans;
};
template <void (*configure)(config::Section&, std::vector<CollectorPlan>&)>
void declare(config::Section& collectors, PlansOf<configure>& of) {
  configure(collectors, of.plans);
}

}  // namespace sidewatch
