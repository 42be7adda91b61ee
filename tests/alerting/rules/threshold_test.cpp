// Thresholds as a person writes them, and as they apply.

#include "alerting/threshold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sidewatch {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

std::string what_is_wrong(std::string_view text) {
  const auto threshold = parse_threshold(text);
  return threshold ? "nothing" : threshold.error().what;
}

TEST(Threshold, ReadsEveryOperatorAndUnit) {
  EXPECT_EQ(parse_threshold("> 80").value(), (Threshold{Comparison::greater, 80, {}}));
  EXPECT_EQ(parse_threshold(">=80").value(), (Threshold{Comparison::greater_or_equal, 80, {}}));
  EXPECT_EQ(parse_threshold("<  -2.5").value(), (Threshold{Comparison::less, -2.5, {}}));
  EXPECT_EQ(parse_threshold(" <= 1e3 ").value(), (Threshold{Comparison::less_or_equal, 1000, {}}));
  EXPECT_EQ(parse_threshold("== 0").value(), (Threshold{Comparison::equal, 0, {}}));
  EXPECT_EQ(parse_threshold("!= 1").value(), (Threshold{Comparison::not_equal, 1, {}}));
  EXPECT_EQ(parse_threshold("> 80%").value(), (Threshold{Comparison::greater, 80, {}}));
  EXPECT_EQ(parse_threshold("< 512MiB").value(), (Threshold{Comparison::less, 536870912, {}}));
}

TEST(Threshold, SaysHowToWriteWhatItRefuses) {
  EXPECT_EQ(what_is_wrong("80"), "a threshold says on which side the problem is: write '> 80' or '< 80'");
  EXPECT_EQ(what_is_wrong("80%"), "a threshold says on which side the problem is: write '> 80%' or '< 80%'");
  EXPECT_EQ(what_is_wrong("= 80"), "write '==' for equal");
  EXPECT_EQ(what_is_wrong(""), "the threshold is empty; write for instance '> 80'");
  EXPECT_EQ(what_is_wrong("above 80"),
            "'above 80' is not a threshold; write an operator and a number, for instance '> 80'");
  for (const char* text : {">", "> x", "> 5 GB", "> NaN", "> inf", "> 80 %", "> 101%", "> 1 2", ">> 3", "> 0x10"}) {
    EXPECT_FALSE(parse_threshold(text)) << text;
  }
}

TEST(Threshold, EntersAtTheBoundAndLeavesAtTheClearValue) {
  const Threshold high{Comparison::greater, 80, 75};
  EXPECT_FALSE(high.entered(80));
  EXPECT_TRUE(high.entered(80.1));
  EXPECT_TRUE(high.kept(75.1));
  EXPECT_FALSE(high.kept(75));
  const Threshold low{Comparison::less_or_equal, 10, 20};
  EXPECT_TRUE(low.entered(10));
  EXPECT_FALSE(low.entered(10.5));
  EXPECT_TRUE(low.kept(20));
  EXPECT_FALSE(low.kept(20.5));
}

TEST(Threshold, NanSatisfiesNoComparison) {
  for (const auto comparison : {Comparison::greater, Comparison::greater_or_equal, Comparison::less,
                                Comparison::less_or_equal, Comparison::equal, Comparison::not_equal}) {
    const Threshold threshold{comparison, 0, {}};
    EXPECT_FALSE(threshold.entered(nan_value)) << to_string(comparison);
    EXPECT_FALSE(threshold.kept(nan_value)) << to_string(comparison);
  }
}

TEST(Threshold, InfinityComparesLikeANumber) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE((Threshold{Comparison::greater, 80, {}}.entered(infinity)));
  EXPECT_FALSE((Threshold{Comparison::less, 80, {}}.entered(infinity)));
}

TEST(Threshold, KnowsWhichOfTwoValuesIsWorse) {
  EXPECT_TRUE((Threshold{Comparison::greater, 80, {}}.worse(90, 85)));
  EXPECT_TRUE((Threshold{Comparison::less, 10, {}}.worse(1, 2)));
  EXPECT_TRUE((Threshold{Comparison::not_equal, 10, {}}.worse(3, 12)));
  EXPECT_TRUE((Threshold{Comparison::less, 10, {}}.worse(99, nan_value)));
  EXPECT_FALSE((Threshold{Comparison::less, 10, {}}.worse(nan_value, 99)));
}

}  // namespace
}  // namespace sidewatch
