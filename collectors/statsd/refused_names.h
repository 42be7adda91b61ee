// What is said about metrics for whose names there is no room (max_names): once when it begins, with examples, and once when
// it is over. Mostly a name holds what should be a label (user.123.login), and then a mapping makes one metric of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"

namespace sidewatch::statsd {

class RefusedNames {
 public:
  static constexpr std::size_t max_examples = 3;
  static constexpr std::size_t max_example_bytes = 60;
  static constexpr Duration calm = std::chrono::minutes(10);  // without another, until it is over

  void add(const std::string& name);

  // Once in a pass. Absent: nothing has changed.
  std::optional<PassNews> news(std::size_t max_names, Time now);

 private:
  std::vector<std::string> examples_;
  bool came_ = false;         // since the last pass
  std::optional<Time> last_;  // absent: all is well
};

}  // namespace sidewatch::statsd
