#include "metrics/matcher.h"

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

TEST(Matcher, PrintsAsItIsWritten) {
  EXPECT_EQ(Matcher::make("path", Op::not_regex, "/v1/.*\"x")->to_string(), "path!~\"/v1/.*\\\"x\"");
  EXPECT_EQ(Matcher::make("job", Op::equal, "api")->to_string(), "job=\"api\"");
}

}  // namespace
}  // namespace sidewatch
