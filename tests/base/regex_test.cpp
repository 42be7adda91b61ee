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
  EXPECT_FALSE(Regex::compile("((((x{100}){100}){100}){100})")) << "repetitions";
  EXPECT_FALSE(Regex::compile("(\\pL{100}){10}")) << "few repetitions of what takes much room";
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

TEST(Regex, EndsATemplateEarlyThatWouldGrowTooLong) {
  const auto regex = Regex::compile("(.*)");
  EXPECT_EQ(regex->expand_full_match("abc", "$1$1$1$1$1", 7).value_or("").size(), 9U);
  EXPECT_EQ(regex->expand_full_match("abc", "$1$1$1", 9).value_or("").size(), 9U);
}

TEST(Regex, FillsWhatItsGroupsMatchedIntoATemplate) {
  const auto expand = [](std::string_view pattern, std::string_view text, std::string_view replacement) {
    return Regex::compile(pattern)->expand_full_match(text, replacement, 1000).value_or("no match");
  };
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "$2 at $1"), "80 at host");
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "${1}0$0"), "host0host:80");
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "$1x"), "");  // the group named 1x
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "$1-$3$name$01"), "host-");
  EXPECT_EQ(expand("(?P<größe>\\d+)(b)?", "7", "$größe.${größe}$2"), "7.7");
  EXPECT_EQ(expand("a", "a", "$$1 $ $- ${ ${} ${0 $"), "$1 $ $- ${ ${} ${0 $");
  EXPECT_EQ(expand("a", "ab", "x"), "no match");
  EXPECT_EQ(expand("a|ab", "ab", "$0"), "ab");
  EXPECT_EQ(Regex().expand_full_match("", "", 1000), std::nullopt);
  EXPECT_EQ(Regex().expand_partial_match("", "", 1000), std::nullopt);
  EXPECT_EQ(Regex::compile("(b+)c")->expand_partial_match("abbcbc", "$0 $1", 1000), "bbc bb");
  EXPECT_EQ(Regex::compile("(b+)c")->expand_partial_match("abb", "$1", 1000), std::nullopt);
}

}  // namespace
}  // namespace sidewatch
