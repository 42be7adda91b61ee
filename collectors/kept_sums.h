// What counters had come to when their series ended, so that they go on there when they come back.
//
// A counter that nobody sends for a while ends, and would begin at its first value anew: whoever looks at two such values
// sees nothing come. Here the numbers of each are kept, whatever its series were, and no more than `max_numbers` in all.
// They are kept in two halves: when the younger is full the elder is forgotten, so what ended last is always there.
//
// Known by a hash of name and labels. Of two counters with one hash, which somebody must have looked for, one may go on where
// the other was. Does not lock.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "metrics/labels.h"

namespace sidewatch {

class KeptSums {
 public:
  static constexpr std::size_t max_numbers = 10'000;

  // `counter`: its labels, __name__ among them.
  void keep(const Labels& counter, std::vector<double> sums);

  // What was kept, which it is no longer then. Empty: nothing was.
  std::vector<double> take(const Labels& counter);

 private:
  using Half = std::unordered_map<std::size_t, std::vector<double>>;
  Half younger_;
  Half elder_;
  std::size_t numbers_in_younger_ = 0;
};

}  // namespace sidewatch
