// What a counter had come to is there when it comes back, and what all of them take is bounded.
#include "collectors/kept_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Labels counter(std::size_t number) { return {{"__name__", "hits"}, {"page", std::to_string(number)}}; }

TEST(KeptSums, GiveEachCounterItsOwnOnce) {
  KeptSums sums;
  sums.keep(counter(1), {1});
  sums.keep(counter(2), {2, 0.5});
  sums.keep(counter(1), {3});
  EXPECT_THAT(sums.take(counter(1)), ElementsAre(3));
  EXPECT_THAT(sums.take(counter(1)), IsEmpty());
  EXPECT_THAT(sums.take(counter(2)), ElementsAre(2, 0.5));
}

TEST(KeptSums, ForgetTheOldestWhereThereAreTooManyNumbers) {
  constexpr std::size_t each = 4;
  constexpr std::size_t counters = 3 * KeptSums::max_numbers / each;
  KeptSums sums;
  for (std::size_t i = 0; i < counters; ++i) sums.keep(counter(i), std::vector<double>(each, 1));
  std::size_t there = 0;
  std::size_t oldest = counters;
  for (std::size_t i = counters; i-- > 0;) {
    if (sums.take(counter(i)).empty()) continue;
    ++there;
    oldest = i;
  }
  EXPECT_LE(there * each, KeptSums::max_numbers);
  EXPECT_GE(there * each, KeptSums::max_numbers / 2);
  EXPECT_EQ(there, counters - oldest) << "those that ended last";
  sums.keep(counter(0), std::vector<double>(KeptSums::max_numbers, 1));
  EXPECT_THAT(sums.take(counter(0)), IsEmpty());
}

}  // namespace
}  // namespace sidewatch
