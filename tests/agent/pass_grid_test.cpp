#include "agent/pass_grid.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/agent/scripted.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// Where in its interval a collector's second pass, and so every later one, comes.
Duration place(const std::string& collector, Duration interval, Time now) {
  return first_passes(collector, interval, now).second.time_since_epoch() % interval;
}

TEST(PassGrid, LetsWhatDoesNotAskOverHttpBeginAtOnceAndTogether) {
  for (const auto* name : {"host", "process:checkout", "redis:cache", "probe", "scraper"}) {
    const auto passes = first_passes(name, 5s, start_of_test);
    EXPECT_EQ(passes.first, start_of_test) << name;
    EXPECT_EQ(passes.second, start_of_test + 5s) << name;
  }
}

TEST(PassGrid, SpreadsScrapesAndJsonOverTheirInterval) {
  std::set<Duration> tenths;
  for (int i = 0; i < 40; ++i) {
    tenths.insert(place("scrape:shop:127.0.0.1:" + std::to_string(9000 + i), 10s, start_of_test) / 1000);
  }
  EXPECT_GE(tenths.size(), 9u);
  EXPECT_NE(place("json:a", 10s, start_of_test), place("json:b", 10s, start_of_test));
}

TEST(PassGrid, KeepsTheirPlaceOverARestart) {
  for (const Duration interval : {200ms, 1000ms, 7000ms, 3'600'000ms}) {
    for (const auto later : {1ms, 123ms, 86'400'123ms}) {
      EXPECT_EQ(place("scrape:shop", interval, start_of_test), place("scrape:shop", interval, start_of_test + later));
    }
  }
}

TEST(PassGrid, LetsNobodyWaitForTheFirstPassNorForTheSecond) {
  for (const Duration interval : {50ms, 200ms, 1000ms, 3'600'000ms}) {
    for (int i = 0; i < 100; ++i) {
      const auto passes = first_passes("scrape:" + std::to_string(i), interval, start_of_test);
      EXPECT_GE(passes.first, start_of_test);
      EXPECT_LT(passes.first, start_of_test + std::min<Duration>(interval, 200ms));
      EXPECT_GE(passes.second, passes.first + interval / 2);
      EXPECT_LT(passes.second, passes.first + interval / 2 + interval);
    }
  }
}

}  // namespace
}  // namespace sidewatch
