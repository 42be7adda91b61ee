#include "metrics/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using Op = Matcher::Op;

bool matches(Op op, const char* pattern, std::string_view value) {
  const auto matcher = Matcher::make("path", op, pattern);
  EXPECT_TRUE(matcher) << pattern;
  return matcher && matcher->matches(value);
}

TEST(Matcher, ComparesWholeValues) {
  EXPECT_TRUE(matches(Op::equal, "/v1", "/v1"));
  EXPECT_FALSE(matches(Op::equal, "/v1", "/v1/x"));
  EXPECT_TRUE(matches(Op::not_equal, "/v1", "/v1/x"));
  EXPECT_FALSE(matches(Op::not_equal, "/v1", "/v1"));
}

TEST(Matcher, AnchorsRegularExpressionsAtBothEnds) {
  EXPECT_TRUE(matches(Op::regex, "/v1/.*", "/v1/x"));
  EXPECT_FALSE(matches(Op::regex, "/v1/.*", "x/v1/x"));
  EXPECT_FALSE(matches(Op::regex, "a|b", "ab"));
  EXPECT_TRUE(matches(Op::not_regex, "a|b", "ab"));
  EXPECT_FALSE(matches(Op::not_regex, "a|b", "b"));
}

TEST(Matcher, AnAbsentLabelIsAnEmptyValue) {
  EXPECT_TRUE(matches(Op::equal, "", ""));
  EXPECT_TRUE(matches(Op::regex, "", ""));
  EXPECT_TRUE(matches(Op::regex, ".*", ""));
  EXPECT_FALSE(matches(Op::regex, ".+", ""));
  EXPECT_FALSE(matches(Op::not_equal, "", ""));
}

TEST(Matcher, ADotMatchesANewlineOnlyWhereItIsTold) {
  EXPECT_FALSE(matches(Op::regex, "a.b", "a\nb"));
  EXPECT_TRUE(matches(Op::regex, "(?s)a.b", "a\nb"));
}

TEST(Matcher, APatternThatIsNotOneIsRefusedInItsOwnWords) {
  const auto open = Matcher::make("path", Op::regex, "a(b");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().what, "missing ): a(b");
  EXPECT_FALSE(Matcher::make("path", Op::regex, "a)(b"));
}

TEST(Matcher, KnowsWhichValuesItAsksForByName) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  const auto only = [](Op op, std::string value) { return Matcher::make("a", op, std::move(value))->only(); };
  EXPECT_THAT(only(Op::equal, "x.y"), ElementsAre("x.y"));
  EXPECT_THAT(only(Op::regex, "b|a|b"), ElementsAre("a", "b"));
  EXPECT_THAT(only(Op::regex, "(node|api)"), ElementsAre("api", "node"));
  EXPECT_THAT(only(Op::regex, "10\\.0\\.0\\.1:9100|x"), ElementsAre("10.0.0.1:9100", "x"));
  for (const char* others : {"", "a|", "|", "()", "a.", "a+", "(a)(b)", "((a))", "\\d", "[ab]", "(?i)a", "a{2}", "^a$"}) {
    EXPECT_THAT(only(Op::regex, others), IsEmpty()) << others;
  }
  EXPECT_THAT(only(Op::equal, ""), IsEmpty());
  EXPECT_THAT(only(Op::not_equal, "a"), IsEmpty());
  EXPECT_THAT(only(Op::not_regex, "a"), IsEmpty());
  EXPECT_TRUE(matches(Op::regex, "b|a\\.c", "a.c"));
  EXPECT_FALSE(matches(Op::regex, "b|a\\.c", "abc"));
}

TEST(Matcher, PrintsAsItIsWritten) {
  EXPECT_EQ(Matcher::make("path", Op::not_regex, "/v1/.*\"x")->to_string(), "path!~\"/v1/.*\\\"x\"");
  EXPECT_EQ(Matcher::make("job", Op::equal, "api")->to_string(), "job=\"api\"");
}

}  // namespace
}  // namespace sidewatch
