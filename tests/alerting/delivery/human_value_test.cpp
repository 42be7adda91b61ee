#include "alerting/human_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sidewatch {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

TEST(HumanValue, SaysANumberInItsUnit) {
  const struct {
    double value;
    const char* unit;
    const char* text;
  } cases[] = {
      {0, "", "0"},
      {93.25, "", "93.25"},
      {1234567, "", "1234567"},
      {0.000012345, "", "1.234e-05"},
      {12345.678, "", "12346"},
      {93.25, "percent", "93.25 %"},
      {0.875, "ratio", "87.5 %"},
      {0, "bytes", "0 B"},
      {1023, "bytes", "1023 B"},
      {1024, "bytes", "1 KiB"},
      {1.5 * 1024 * 1024 * 1024, "bytes", "1.5 GiB"},
      {1024.0 * 1024 * 1024 - 1, "bytes", "1 GiB"},
      {-2048, "bytes", "-2 KiB"},
      {12.5 * 1024 * 1024, "bytes/s", "12.5 MiB/s"},
      {0.25, "seconds", "250 ms"},
      {0.0000015, "seconds", "1.5 µs"},
      {2.5e-9, "seconds", "2.5 ns"},
      {59.94, "seconds", "59.94 s"},
      {7500, "seconds", "2h 5m"},
      {-90, "seconds", "-1m 30s"},
      {2.4e9, "hertz", "2.4 GHz"},
      {71, "celsius", "71 °C"},
      {12, "connections", "12 connections"},
      {3, "requests/s", "3 requests/s"},
      {none, "bytes", "no value"},
      {std::numeric_limits<double>::infinity(), "seconds", "+Inf"},
  };
  for (const auto& [value, unit, text] : cases) EXPECT_EQ(human_value(value, unit), text) << value << " " << unit;
}

TEST(Sparkline, ShowsTheCourseFromTheLowestToTheHighest) {
  EXPECT_EQ(sparkline(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(sparkline(std::vector<double>{-1e308, 1e308}), "▁█");
}

TEST(Sparkline, LeavesAGapWhereThereIsNoValueAndShowsWhatIsBeyondAllNumbersAtTheEdge) {
  EXPECT_EQ(sparkline(std::vector<double>{1, none, 2, std::numeric_limits<double>::infinity()}), "▁ ██");
}

TEST(Sparkline, IsALineAtTheBottomWhereNothingChanges) {
  EXPECT_EQ(sparkline(std::vector<double>{5, 5, 5}), "▁▁▁");
}

TEST(Sparkline, IsEmptyWhereThereIsNothingToCompare) {
  EXPECT_EQ(sparkline(std::vector<double>{}), "");
  EXPECT_EQ(sparkline(std::vector<double>{none, 3}), "");
}

TEST(Sparkline, ShowsTheLastOfManyValues) {
  EXPECT_EQ(sparkline(std::vector<double>{100, 1, 2, 3}, 3), "▁▅█");
}

}  // namespace
}  // namespace sidewatch
