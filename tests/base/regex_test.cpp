#include "base/regex.h"

#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

TEST(Regex, MatchesWholeOrPart) {
  const auto regex = Regex::compile("ab+");
  ASSERT_TRUE(regex);
  EXPECT_TRUE(regex->full_match("abb"));
  EXPECT_FALSE(regex->full_match("xabb"));
  EXPECT_TRUE(regex->partial_match("xabb"));
}

TEST(Regex, SaysWhyAPatternIsRefused) {
  const auto regex = Regex::compile("a(b");
  ASSERT_FALSE(regex);
  EXPECT_EQ(regex.error().what, "missing ): a(b");
}

TEST(Regex, RefusesAPatternWhoseProgramIsTooLarge) {
  EXPECT_FALSE(Regex::compile("((((x{100}){100}){100}){100})"));
}

TEST(Regex, IsLinearOnThePatternThatBlowsUpBacktrackers) {
  const auto regex = Regex::compile("(a+)+$");
  ASSERT_TRUE(regex);
  EXPECT_FALSE(regex->full_match(std::string(50'000, 'a') + "b"));
}

TEST(Regex, DefaultMatchesNothing) {
  const Regex regex;
  EXPECT_FALSE(regex.full_match(""));
  EXPECT_FALSE(regex.partial_match("a"));
}

}  // namespace
}  // namespace sidewatch
