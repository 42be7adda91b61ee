#include "alerting/rule_value.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

std::string unit(const std::string& text) {
  const auto expression = promql::Expression::parse(text);
  return expression ? unit_of(*expression) : expression.error().text();
}

TEST(RuleValue, TellsTheUnitByTheNamesAndByWhatIsDoneToThem) {
  const struct {
    const char* expression;
    const char* unit;
  } cases[] = {
      {"node_memory_MemAvailable_bytes", "bytes"},
      {"node_network_receive_bytes_total", "bytes"},
      {"rate(node_network_receive_bytes_total[5m])", "bytes/s"},
      {"sum by (device) (irate(node_network_receive_bytes_total[5m]))", "bytes/s"},
      {"increase(node_network_receive_bytes_total[5m])", "bytes"},
      {"node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", "bytes"},
      {"node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "ratio"},
      {"1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "ratio"},
      {"100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)", "percent"},
      {"100 - 100 * x_ratio", "percent"},
      {"100 * rate(node_pressure_cpu_waiting_seconds_total[5m])", "percent"},
      {"time() - process_start_time_seconds", "seconds"},
      {"(probe_ssl_earliest_cert_expiry - time()) / 86400", "days"},
      {"lag_bytes / 1048576", "MiB"},
      {"avg_over_time(probe_duration_seconds[5m])", "seconds"},
      {"avg_over_time(probe_duration_seconds[5m:30s])", "seconds"},
      {"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "seconds"},
      {"x_ratio and on (instance) y > 5", "ratio"},
      {"-node_hwmon_temp_celsius", "celsius"},
      {"max without (cpu) (node_cpu_frequency_hertz) > 5", "hertz"},
  };
  for (const auto& [expression, expected] : cases) EXPECT_EQ(unit(expression), expected) << expression;
}

TEST(RuleValue, TellsNoUnitWhereThereIsADoubt) {
  for (const char* expression : {
           "up", "node_load5", "42", "sum(rate(http_requests_total[5m]))", "8 * node_network_speed_bytes",
           "process_start_time_seconds", "a_bytes + b_seconds", "a_bytes / requests", "a_bytes or b_seconds",
           "rate(http_request_duration_seconds_bucket[5m])", "rate(http_request_duration_seconds_sum[5m])",
           "http_request_duration_seconds_bucket", "count(a_bytes)", "a_bytes > bool 5", "a_bytes * b_bytes",
           "sum(process_start_time_seconds)", "deriv(rate(a_bytes_total[1m])[5m:])", "histogram_quantile(0.5, a_bytes)"}) {
    EXPECT_EQ(unit(expression), "") << expression;
  }
}

TEST(RuleValue, SplitsAComparisonIntoValueAndThreshold) {
  const auto split = [](const std::string& text) { return split_comparison(promql::Expression::parse(text).value()); };
  const auto found = split("(rate(errors_total[5m]) >= -0.5)");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value.to_string(), "rate(errors_total[5m])");
  EXPECT_EQ(found->threshold, (Threshold{Comparison::greater_or_equal, -0.5, std::nullopt}));
  for (const char* text : {"up", "up == bool 0", "a > b", "absent(up)", "a > 5 and b > 6"}) {
    EXPECT_FALSE(split(text)) << text;
  }
}

TEST(RuleValue, TakesTheUnitThatTheRuleNames) {
  EXPECT_EQ(alerting_rules_of("rules: [{alert: A, expr: x, warning: \"> 1\", unit: requests/s}]").at(0).unit, "requests/s");
  EXPECT_EQ(alerting_rules_of("rules: [{alert: A, expr: x_bytes, warning: \"> 1\"}]").at(0).unit, "bytes");
}

TEST(Message, CarriesUnitThresholdAndTheCourseUpToNow) {
  World world("rules: [{alert: Full, expr: disk_bytes, warning: \"> 80\", critical: \"> 95\"}]");
  for (double value = 0; value <= 80; value += 10) world.after(30, "disk_bytes", {{{{"path", "/"}}, value}, {{{"path", "/b"}}, 7}});
  world.after(30, "disk_bytes", {{{{"path", "/"}}, 90}, {{{"path", "/b"}}, 7}});
  ASSERT_EQ(world.messages.size(), 1U);
  const Notification& told = world.messages[0];
  EXPECT_EQ(told.unit, "bytes");
  EXPECT_EQ(told.threshold, (Threshold{Comparison::greater, 80, std::nullopt}));
  ASSERT_EQ(told.recent.size(), 24U);
  EXPECT_EQ(told.recent.back(), 90);
  EXPECT_EQ(told.recent[22], 80);
  EXPECT_EQ(told.recent[14], 0);
  EXPECT_TRUE(std::isnan(told.recent[13])) << "before the first sample";
  world.after(30, "disk_bytes", {{{{"path", "/"}}, 97}});
  EXPECT_EQ(world.messages.back().threshold->bound, 95);
  world.after(30, "disk_bytes", {{{{"path", "/"}}, 20}});
  EXPECT_EQ(world.messages.back().threshold->bound, 95) << "the end tells what the incident was about";
  EXPECT_EQ(world.messages.back().recent.back(), 20);
}

TEST(Message, CarriesTheComparedValueOfARuleInPrometheussForm) {
  World world(file_rules_of("groups: [{name: g, rules: [{alert: Busy, expr: \"load_ratio > 0.5\"}]}]"));
  world.after(30, "load_ratio", {{{{"host", "a"}}, 0.25}});
  world.after(30, "load_ratio", {{{{"host", "a"}}, 0.75}});
  ASSERT_EQ(world.messages.size(), 1U);
  EXPECT_EQ(world.messages[0].unit, "ratio");
  EXPECT_EQ(world.messages[0].threshold, (Threshold{Comparison::greater, 0.5, std::nullopt}));
  ASSERT_EQ(world.messages[0].recent.size(), 24U);
  EXPECT_EQ(world.messages[0].recent[22], 0.25) << "also while it did not fire";
  EXPECT_EQ(world.messages[0].recent[23], 0.75);
}

}  // namespace
}  // namespace sidewatch
