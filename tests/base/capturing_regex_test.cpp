#include "base/capturing_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sidewatch {
namespace {

using ::testing::ElementsAre;

std::vector<std::string_view> groups_of(std::string_view pattern, std::string_view text) {
  std::vector<std::string_view> groups;
  const auto regex = CapturingRegex::compile(pattern);
  if (!regex) return {"refused"};
  if (!regex->match(text, groups)) return {"no match"};
  return groups;
}

TEST(CapturingRegex, GivesTheWholeMatchAndThenEachGroup) {
  EXPECT_THAT(groups_of("(\\w+)=(\\d+)", "took ms=12 ok"), ElementsAre("ms=12", "ms", "12"));
  EXPECT_THAT(groups_of("a(x)?(b)", "ab"), ElementsAre("ab", "", "b"));
  EXPECT_THAT(groups_of("^b", "ab"), ElementsAre("no match"));
}

TEST(CapturingRegex, KnowsTheNamesOfItsGroups) {
  EXPECT_THAT(CapturingRegex::compile("(?P<a>.)(.)(?P<b>.)")->group_names(), ElementsAre("a", "", "b"));
}

TEST(CapturingRegex, TakesNamesAsOtherLanguagesWriteThem) {
  EXPECT_THAT(CapturingRegex::compile("(?<a>.)(?P<b>.)")->group_names(), ElementsAre("a", "b"));
  EXPECT_THAT(groups_of("[(?<x>]+\\(?<(?<n>y)", "<?x>(<y"), ElementsAre("<?x>(<y", "y"));
  EXPECT_THAT(groups_of("[]?<(]\\[(?<n>.)", "][z"), ElementsAre("][z", "z"));
  EXPECT_THAT(groups_of("(?<=a)b", "ab"), ElementsAre("refused"));
  EXPECT_THAT(groups_of("(?<", "ab"), ElementsAre("refused"));
}

TEST(CapturingRegex, RefusesMoreGroupsThanItHasPlacesFor) {
  std::string pattern;
  for (std::size_t i = 0; i <= CapturingRegex::max_groups; ++i) pattern += "(a)";
  EXPECT_THAT(groups_of(pattern, ""), ElementsAre("refused"));
}

TEST(CapturingRegex, DefaultMatchesNothing) {
  std::vector<std::string_view> groups;
  EXPECT_FALSE(CapturingRegex().match("", groups));
  EXPECT_FALSE(CapturingRegex().matches(""));
}

}  // namespace
}  // namespace sidewatch
