// Which of some series match every matcher. Values that many series share are run through a pattern once.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "metrics/labels.h"
#include "metrics/matcher.h"

namespace sidewatch {

class Selection {
 public:
  // The matchers outlive the selection, and so do the series that it is asked about.
  explicit Selection(std::span<const Matcher> matchers) : matchers_(matchers), seen_(matchers.size()) {}

  bool takes(std::string_view metric, const Labels& labels);

  // Whether a metric of this name can have series that match.
  bool takes_metric(std::string_view metric) const;

 private:
  struct Answer {
    std::string_view value;
    bool matches = false;
  };
  bool matches(std::size_t matcher, std::string_view value);

  std::span<const Matcher> matchers_;
  std::vector<std::vector<Answer>> seen_;  // of each matcher with a pattern, by the value's hash
};

}  // namespace sidewatch
