#include "alerting/unit_test/unit_test_file.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

UnitTestFile read(const std::string& text) {
  config::Problems problems;
  auto file = parse_unit_test_file("t.yml", text, problems);
  EXPECT_EQ(problems.text(), "");
  return file;
}

std::string problems_of(const std::string& text) {
  config::Problems problems;
  parse_unit_test_file("t.yml", text, problems);
  return problems.text();
}

TEST(UnitTestFile, HasTheDefaultsOfPromtool) {
  const auto file = read("tests:\n  - input_series:\n    alert_rule_test:\n");
  EXPECT_EQ(file.evaluation_interval, 1min);
  EXPECT_FALSE(file.fuzzy_compare);
  ASSERT_EQ(file.tests.size(), 1U);
  EXPECT_EQ(file.tests[0].interval, 0s) << "which stands for the evaluation interval";
  EXPECT_EQ(file.tests[0].start, Time());
}

TEST(UnitTestFile, ReadsEveryKey) {
  const auto file = read(R"(
rule_files: [a.yml, "b/*.yml"]
evaluation_interval: 30s
group_eval_order: [two, one]
fuzzy_compare: true
tests:
  - name: a name
    interval: 15s
    start_timestamp: 2026-03-01T12:00:00Z
    external_labels: {region: north}
    external_url: http://x/
    input_series:
      - {series: 'up{a="1"}', values: 1 _ stale}
    alert_rule_test:
      - eval_time: 1h30m
        alertname: Down
        groupname: one
        exp_alerts:
          - {exp_labels: {code: 500}, exp_annotations: {summary: "100 %"}}
          - {}
    promql_expr_test:
      - {expr: sum(up), eval_time: 90s, exp_samples: [{labels: '{}', value: -.inf}, {value: 1_000.5}, {labels: up, value: .nan}]}
    message_test:
      - {eval_time: 5m, alertname: Down, exp_messages: [{at: 1m, reason: escalated, level: critical, exp_labels: {a: "1"}}]}
)");
  EXPECT_EQ(file.rule_files.size(), 2U);
  EXPECT_EQ(file.evaluation_interval, 30s);
  EXPECT_EQ(file.group_eval_order, (std::vector<std::string>{"two", "one"}));
  EXPECT_TRUE(file.fuzzy_compare);
  const UnitTest& test = file.tests.at(0);
  EXPECT_EQ(test.name, "a name");
  EXPECT_EQ(test.interval, 15s);
  EXPECT_EQ(to_rfc3339(to_wall(test.start, 0s)), "2026-03-01T12:00:00.000Z");
  EXPECT_EQ(test.external_labels, (Labels{{"region", "north"}}));
  EXPECT_EQ(test.external_url, "http://x/");
  EXPECT_EQ(test.series.at(0).values.size(), 3U);
  const AlertCheck& alert = test.alert_checks.at(0);
  EXPECT_EQ(alert.eval_time, 90min);
  EXPECT_EQ(alert.group, "one");
  EXPECT_EQ(alert.alerts.at(0).labels, (Labels{{"alertname", "Down"}, {"code", "500"}}));
  EXPECT_EQ(alert.alerts.at(0).annotations, (Labels{{"summary", "100 %"}}));
  EXPECT_EQ(alert.alerts.at(1).labels, (Labels{{"alertname", "Down"}}));
  const auto& samples = test.expression_checks.at(0).samples;
  EXPECT_EQ(samples.at(0).value, -INFINITY);
  EXPECT_EQ(samples.at(1).value, 1000.5);
  EXPECT_TRUE(std::isnan(samples.at(2).value));
  const ExpectedMessage& message = test.message_checks.at(0).messages.at(0);
  EXPECT_EQ(message.at, 1min);
  EXPECT_EQ(message.reason, Reason::escalated);
  EXPECT_EQ(message.level, Level::critical);
}

TEST(UnitTestFile, TakesAStartInSecondsToo) {
  EXPECT_EQ(to_ms(read("tests: [{start_timestamp: 1609459200.5}]").tests.at(0).start), 1'609'459'200'500);
}

TEST(UnitTestFile, PointsIntoTheNotation) {
  EXPECT_EQ(problems_of("tests:\n"
                        "  - input_series:\n"
                        "      - series: 'up{a=1}'\n"
                        "        values: '1 2x'\n"),
            "t.yml:3:23: unexpected character inside braces: '1'\n"
            "t.yml:4:22: x lacks how often, as in 1x5\n");
  EXPECT_EQ(problems_of("tests:\n"
                        "  - input_series:\n"
                        "      - series: up\n"
                        "        values: |\n"
                        "          1 2\n"
                        "          3 four\n"),
            "t.yml:6:13: unexpected \"four\", expected a number, NaN, Inf, _ or stale\n");
}

TEST(UnitTestFile, SaysWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"test: []", "t.yml:1:1: unknown key 'test', did you mean 'tests'?\n"},
      {"evaluation_interval: 1", "t.yml:1:22: '1' lacks a unit, write 1s (or ms, m, h, d)\n"},
      {"evaluation_interval: 0s", "t.yml:1:22: 'evaluation_interval' must be between 1ms and 365d, is 0s\n"},
      {"group_eval_order: [a, a]", "t.yml:1:19: the group 'a' is named twice\n"},
      {"tests: [{alert_rule_test: [{eval_time: 1m}]}]",
       "t.yml:1:28: 'alertname' is missing in tests.alert_rule_test\n"},
      {"tests: [{promql_expr_test: [{expr: 'sum(', exp_samples: [{labels: 'a{', value: x}]}]}]",
       "t.yml:1:41: unclosed left parenthesis\nt.yml:1:70: unexpected end of input inside braces\n"
       "t.yml:1:80: 'x' is not a number\n"},
      {"tests: [{promql_expr_test: [{expr: 'up[5m]'}]}]",
       "t.yml:1:37: the expression gives neither an instant vector nor a scalar\n"},
      {"tests: [{input_series: [{series: '{a=\"1\"}'}]}]", "t.yml:1:35: the series has no name\n"},
      {"tests: [{input_series: [{series: 'up {a=\"1\"}'}]}]", "t.yml:1:37: no space may stand before the '{'\n"},
      {"tests: [{start_timestamp: yesterday}]",
       "t.yml:1:27: 'yesterday' is no time; write seconds since 1970 or 2026-03-01T12:00:00Z\n"},
      {"tests: [{external_labels: {a-b: c}}]", "t.yml:1:33: 'a-b' is not a label name\n"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(problems_of(text), expected) << text;
}

TEST(UnitTestFile, TakesTheLaterOfTwoEqualSeries) {
  const auto file = read("tests: [{input_series: [{series: 'a{x=\"1\"}', values: 1}, {series: '{x=\"1\", __name__=\"a\"}', values: 2 3}]}]");
  ASSERT_EQ(file.tests.at(0).series.size(), 1U);
  EXPECT_EQ(file.tests.at(0).series.at(0).values.size(), 2U);
}

}  // namespace
}  // namespace sidewatch
