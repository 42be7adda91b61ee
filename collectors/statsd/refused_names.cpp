#include "collectors/statsd/refused_names.h"

#include <algorithm>
#include <utility>

namespace sidewatch::statsd {

void RefusedNames::add(const std::string& name) {
  came_ = true;
  if (last_ || examples_.size() >= max_examples) return;
  std::string example = name.substr(0, max_example_bytes);
  if (name.size() > max_example_bytes) example += "...";
  if (std::ranges::find(examples_, example) == examples_.end()) examples_.push_back(std::move(example));
}

std::optional<PassNews> RefusedNames::news(std::size_t max_names, Time now) {
  if (std::exchange(came_, false)) {
    const bool is_new = !last_;
    last_ = now;
    if (!is_new) return std::nullopt;
    std::string named;
    for (const auto& example : std::exchange(examples_, {})) named += (named.empty() ? "" : ", ") + example;
    return PassNews{true, "lines are left out: there are " + std::to_string(max_names) +
                              " metrics already (collectors.statsd.max_names), and further names come, such as " + named +
                              "; where names hold a user, a number or the like, a mapping makes one metric with labels of "
                              "them (collectors.statsd.mapping_files)"};
  }
  if (!last_ || now - *last_ < calm) return std::nullopt;
  last_.reset();
  return PassNews{false, "no line was left out for its metric's name for ten minutes"};
}

}  // namespace sidewatch::statsd
