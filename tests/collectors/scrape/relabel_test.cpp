// Every action gives what Prometheus's documentation and its own code say.
#include "collectors/scrape/relabel.h"

#include <gtest/gtest.h>

namespace sidewatch::scrape {
namespace {

struct Rule {
  RelabelAction action;
  std::vector<std::string> source = {};
  std::string regex = "(.*)";
  std::string target = {};
  std::string replacement = "$1";
  std::int64_t modulus = 0;
  std::string separator = ";";
};

std::string result(const std::vector<Rule>& rules, Labels labels) {
  std::vector<RelabelRule> made;
  for (const Rule& rule : rules) {
    RelabelRule& one = made.emplace_back();
    one.action = rule.action;
    one.source_labels = rule.source;
    one.regex.value = rule.regex;
    one.target_label = rule.target;
    one.replacement = rule.replacement;
    one.modulus = rule.modulus;
    one.separator = rule.separator;
    one.compile();
  }
  std::vector<Label> list(labels.begin(), labels.end());
  return relabel(made, list) ? Labels(list).to_string() : "dropped";
}

using enum RelabelAction;

TEST(Relabel, ReplacesAnAnchoredMatchByItsGroups) {
  const Labels from{{"a", "foo-bar"}, {"b", "x"}};
  EXPECT_EQ(result({{replace, {"a"}, "(.*)-(.*)", "c", "${2}_$1"}}, from), R"({a="foo-bar", b="x", c="bar_foo"})");
  EXPECT_EQ(result({{replace, {"a"}, "foo", "c", "y"}}, from), R"({a="foo-bar", b="x"})");
  EXPECT_EQ(result({{replace, {"a", "b"}, "(.*)", "c"}}, from), R"({a="foo-bar", b="x", c="foo-bar;x"})");
  EXPECT_EQ(result({{replace, {"a", "none"}, "(.*)", "c", "$1", 0, "/"}}, from), R"({a="foo-bar", b="x", c="foo-bar/"})");
  EXPECT_EQ(result({{replace, {"a"}, "(.*)-(.*)", "got_${1}", "$2"}}, from), R"({a="foo-bar", b="x", got_foo="bar"})");
  EXPECT_EQ(result({{replace, {}, "(.*)", "d", "fixed"}}, from), R"({a="foo-bar", b="x", d="fixed"})");
}

TEST(Relabel, AnEmptyReplacementTakesTheLabelAwayAndAnIllegalTargetDoesNothing) {
  const Labels from{{"a", "1 2"}, {"b", "x"}};
  EXPECT_EQ(result({{replace, {"a"}, ".*", "b", ""}}, from), R"({a="1 2"})");
  EXPECT_EQ(result({{replace, {"a"}, "(.*)", "$1", "y"}}, from), R"({a="1 2", b="x"})");
}

TEST(Relabel, AMatchMayGoOverLineEnds) {
  EXPECT_EQ(result({{replace, {"a"}, "x.*y", "b", "hit"}}, {{"a", "x\ny"}}), "{a=\"x\\ny\", b=\"hit\"}");
}

TEST(Relabel, KeepsAndDrops) {
  const Labels from{{"__name__", "up"}, {"a", "1"}, {"b", "1"}};
  EXPECT_NE(result({{keep, {"__name__"}, "up|down"}}, from), "dropped");
  EXPECT_EQ(result({{keep, {"__name__"}, "u"}}, from), "dropped");
  EXPECT_EQ(result({{drop, {"__name__"}, "u.*"}}, from), "dropped");
  EXPECT_NE(result({{drop, {"none"}, ".+"}}, from), "dropped");
  EXPECT_NE(result({{keepequal, {"a"}, "", "b"}}, from), "dropped");
  EXPECT_EQ(result({{keepequal, {"a"}, "", "__name__"}}, from), "dropped");
  EXPECT_EQ(result({{dropequal, {"a"}, "", "b"}}, from), "dropped");
  EXPECT_NE(result({{dropequal, {"a"}, "", "none"}}, from), "dropped");
}

TEST(Relabel, WorksOnTheNamesOfLabels) {
  const Labels from{{"meta_zone", "eu"}, {"meta_rack", "7"}, {"other", "x"}};
  EXPECT_EQ(result({{labelmap, {}, "meta_(.+)"}}, from),
            R"({meta_rack="7", meta_zone="eu", other="x", rack="7", zone="eu"})");
  EXPECT_EQ(result({{labeldrop, {}, "meta_.*"}}, from), R"({other="x"})");
  EXPECT_EQ(result({{labelkeep, {}, "meta_.*"}}, from), R"({meta_rack="7", meta_zone="eu"})");
}

TEST(Relabel, ChangesCaseAndSpreadsByHash) {
  const Labels from{{"a", "FoO"}};
  EXPECT_EQ(result({{lowercase, {"a"}, "", "b"}}, from), R"({a="FoO", b="foo"})");
  EXPECT_EQ(result({{uppercase, {"a"}, "", "b"}}, from), R"({a="FoO", b="FOO"})");
  // Prometheus's own test of hashmod: the MD5 of "foo;bar;baz" gives 976 of 1000.
  const Labels three{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};
  EXPECT_EQ(result({{hashmod, {"c"}, "", "d", "$1", 1000}}, three), R"({a="foo", b="bar", c="baz", d="976"})");
}

TEST(Relabel, GoesThroughTheRulesInTheirOrder) {
  EXPECT_EQ(result({{replace, {"__name__"}, "app_(.*)", "__name__", "$1"}, {labeldrop, {}, "pod"}, {keep, {"__name__"}, "x"}},
                   {{"__name__", "app_x"}, {"pod", "p"}}),
            R"({__name__="x"})");
}

}  // namespace
}  // namespace sidewatch::scrape
