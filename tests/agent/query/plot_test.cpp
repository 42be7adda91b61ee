#include "agent/query/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "agent/query/table.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

promql::Series ramp(std::string_view name, double from, double by) {
  promql::Series series{{{"__name__", name}}, {}};
  for (int i = 0; i <= 60; ++i) series.points.push_back({time_at_ms(i * 10'000), from + by * i});
  return series;
}

PlotOptions ten_minutes() {
  PlotOptions options;
  options.columns = 50;
  options.rows = 6;
  options.start = time_at_ms(0);
  options.end = time_at_ms(600'000);
  options.step = 10s;
  return options;
}

TEST(Plot, DrawsOneSeriesWithDots) {
  EXPECT_EQ(plot({ramp("a", 0, 1)}, ten_minutes()),
            "60 ┤                                      ⢀⣀⡠⠤⠤⠒⠚⠁\n"
            "   │                               ⣀⣀⠤⠔⠒⠒⠉⠉\n"
            "40 ┤                       ⢀⣀⠤⠤⠒⠒⠉⠉\n"
            "20 ┤               ⣀⣀⠤⠤⠒⠒⠉⠉⠁\n"
            "   │       ⢀⣀⡤⠤⠒⠒⠉⠉\n"
            " 0 ┤⣀⡠⠤⠖⠒⠉⠉⠁\n"
            "   └┴─────────────────────┴──────────────────────┴\n"
            "    00:00:00              00:04:53        00:10:00\n"
            "    1970-01-01 00:00:00 to 1970-01-01 00:10:00 UTC\n"
            "\n"
            "a  min 0, max 60, last 60\n");
}

TEST(Plot, GivesEachOfSeveralSeriesAMarkWhereThereIsNoColour) {
  auto options = ten_minutes();
  options.unicode = false;
  const std::string drawn = plot({ramp("a", 0, 1), ramp("b", 60, -1)}, options);
  EXPECT_THAT(drawn, HasSubstr("\n* a  min 0, max 60, last 60\n+ b  min 0, max 60, last 0\n"));
  EXPECT_THAT(drawn, Not(HasSubstr("\x1b")));
  for (const char c : drawn) EXPECT_GE(c, 0) << "not ASCII";
}

TEST(Plot, ColoursSeriesOnATerminal) {
  auto options = ten_minutes();
  options.colour = true;
  const std::string drawn = plot({ramp("a", 0, 1), ramp("b", 60, -1)}, options);
  EXPECT_THAT(drawn, HasSubstr("\x1b[32m⣿⣿ \x1b[0ma  min 0"));
  EXPECT_THAT(drawn, HasSubstr("\x1b[33m⣿⣿ \x1b[0mb  min 0"));
}

TEST(Plot, LeavesGapsOpenAndSkipsWhatIsNoNumber) {
  auto series = ramp("a", 5, 0);
  series.points.erase(series.points.begin() + 10, series.points.begin() + 50);
  series.points[5].value = std::nan("");
  series.points[15].value = std::numeric_limits<double>::infinity();
  const std::string drawn = plot({series}, ten_minutes());
  EXPECT_THAT(drawn, HasSubstr("4 ┤⠉⠉⠉⠁⠈⠉⠉                                ⠉⠉⠉ ⠈⠉⠉⠁\n")) << drawn;
  EXPECT_THAT(drawn, HasSubstr("max +Inf, last 5"));
  EXPECT_EQ(plot({{{}, {{time_at_ms(0), std::nan("")}}}}, ten_minutes()),
            "there is nothing to draw: no value is a finite number\n");
}

TEST(Plot, StaysWithinItsColumnsAndSaysWhatItLeavesOut) {
  std::vector<promql::Series> many;
  for (int i = 0; i < 15; ++i) many.push_back(ramp("s", i, 1));
  auto options = ten_minutes();
  options.columns = 60;
  const std::string drawn = plot(many, options);
  EXPECT_THAT(drawn, EndsWith("\nand 3 more that are not drawn; topk() picks some\n"));
  std::istringstream lines(drawn);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(count_characters(line), 60U) << line;
}

TEST(PlotScale, StandsAtRoundNumbersInTheUnitsOfTheExpression) {
  const auto texts = [](double low, double high, const char* expression) {
    std::string all;
    for (const auto& tick : scale_for(low, high, 4, unit_of(expression)).ticks) all += tick.text + "|";
    return all;
  };
  EXPECT_EQ(texts(0, 60, "x"), "0|20|40|60|");
  EXPECT_EQ(texts(98.5, 99.5, "x"), "98.5|99|99.5|");
  EXPECT_EQ(texts(-1, 1, "x"), "-1|0|1|");
  EXPECT_EQ(texts(0, 2.5e6, "x"), "0 M|1 M|2 M|3 M|");
  EXPECT_EQ(texts(0, 1.6e9, "node_memory_MemFree_bytes"), "0 GiB|0.5 GiB|1 GiB|1.5 GiB|");
  EXPECT_EQ(texts(0, 3000, "rate(node_network_receive_bytes_total[1m])"), "0 KiB/s|1 KiB/s|2 KiB/s|3 KiB/s|");
  EXPECT_EQ(texts(0.001, 0.004, "latency_seconds"), "0 ms|2 ms|4 ms|");
  EXPECT_EQ(texts(0, 1, "a_bytes / b_bytes"), "0|0.5|1|");
  EXPECT_EQ(texts(5, 5, "x"), "2|4|6|8|");
  EXPECT_EQ(texts(0, 0, "x"), "-1|0|1|");
}

TEST(PlotScale, CoversAnyFiniteValues) {
  for (const double low : {-1e300, -5.0, -1e-300, 0.0, 3e-310, 7.0, 1e17}) {
    for (const double size : {0.0, 1e-320, 1e-9, 1.0, 1e17, 1e300}) {
      const auto scale = scale_for(low, low + size, 5, {});
      const double about = (scale.high - scale.low) * 1e-6;
      EXPECT_LE(scale.low, low + about) << low << " + " << size;
      EXPECT_GE(scale.high, low + size - about) << low << " + " << size;
      EXPECT_LT(scale.low, scale.high) << low << " + " << size;
      EXPECT_LE(scale.ticks.size(), 20U) << low << " + " << size;
    }
  }
}

}  // namespace
}  // namespace sidewatch
