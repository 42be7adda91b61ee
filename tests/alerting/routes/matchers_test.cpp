#include "alerting/routes/matchers.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

std::string read(std::string_view text) {
  const auto matchers = parse_matchers(text);
  return matchers ? to_string(*matchers) : matchers.error().what;
}

TEST(Matchers, AreReadAsAlertmanagerReadsThem) {
  EXPECT_EQ(read(R"(severity="critical")"), R"(severity="critical")");
  EXPECT_EQ(read(R"(severity=critical)"), R"(severity="critical")");
  EXPECT_EQ(read(R"( team =~ "pay.*" )"), R"(team=~"pay.*")");
  EXPECT_EQ(read(R"(team!~pay.*)"), R"(team!~"pay.*")");
  EXPECT_EQ(read(R"(a!="")"), R"(a!="")");
  EXPECT_EQ(read(R"({a="x", b=~"y|z",})"), R"(a="x", b=~"y|z")");
  EXPECT_EQ(read(R"(a=two words , b=c)"), R"(a="two words", b="c")");
  EXPECT_EQ(read(R"(path=~"\d+,\"{2}\"")"), R"(path=~"\\d+,\"{2}\"")");
  EXPECT_EQ(read(R"(a="line\nbreak\\n")"), R"(a="line\nbreak\\n")");
}

TEST(Matchers, HoldForAllLabelsOrDoNotHold) {
  const auto matchers = parse_matchers(R"(team=~"pay.*", region!="eu", zone="")");
  ASSERT_TRUE(matchers);
  EXPECT_TRUE(all_match(*matchers, Labels{{"team", "payments"}}));
  EXPECT_FALSE(all_match(*matchers, Labels{{"team", "repay"}})) << "expressions match the whole value";
  EXPECT_FALSE(all_match(*matchers, Labels{{"team", "pay"}, {"region", "eu"}}));
  EXPECT_FALSE(all_match(*matchers, Labels{{"team", "pay"}, {"zone", "a"}}));
  EXPECT_TRUE(all_match({}, Labels{}));
}

TEST(Matchers, SayWhatIsWrongWithThem) {
  EXPECT_EQ(read(""), R"('': a matcher begins with the name of a label, as in severity="critical")");
  EXPECT_EQ(read(R"(severity=="critical")"),
            R"('severity=="critical"': behind the label's name stands =, !=, =~ or !~, as in severity="critical")");
  EXPECT_EQ(read("severity"), R"('severity': behind the label's name stands =, !=, =~ or !~, as in severity="critical")");
  EXPECT_EQ(read("severity="), R"('severity=': severity has no value; put it in double quotes, "" for none)");
  EXPECT_EQ(read(R"(severity="critical)"), R"('severity="critical': the quote behind severity is not closed)");
  EXPECT_EQ(read(R"(a='x')"), R"('a='x'': a has no value; put it in double quotes, "" for none)");
  EXPECT_EQ(read(R"({a="x")"), R"('{a="x"': the brace { is not closed)");
  EXPECT_EQ(read(R"(a=x{2})"),
            R"('a=x{2}': '{2}' is too much; matchers are separated by commas, and a value with quotes or braces stands in )"
            R"(double quotes)");
  EXPECT_EQ(read("a=~("), "the regular expression for a: missing ): (");
  EXPECT_EQ(read(R"(a="x",)"), R"('a="x",': a matcher begins with the name of a label, as in severity="critical")");
}

}  // namespace
}  // namespace sidewatch
