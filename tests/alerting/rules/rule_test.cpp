// Rules as people write them: what is read, and the exact words for what is wrong.
//
// tests/cases/rules/<case>.yaml is a broken configuration, <case>.expected what is said about it.

#include "alerting/rule_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "config/document.h"
#include "config/reference.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string problems_of(const std::string& name, const std::string& yaml) {
  config::Problems problems;
  std::vector<RuleGroup> rules;
  auto document = config::Document::parse(name, yaml, [](const auto&) { return std::nullopt; }, problems);
  document.visit([&](config::Section& top) { configure_rules(top, rules); });
  return problems.text();
}

TEST(RuleCases, SayExactlyWhatIsWrongAndWhere) {
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(SIDEWATCH_SOURCE_DIR) / "tests/cases/rules")) {
    const fs::path path = entry.path();
    if (path.extension() != ".yaml") continue;
    ++cases;
    fs::path expected = path;
    expected.replace_extension(".expected");
    const std::string said = problems_of(path.filename().string(), content(path));
    EXPECT_NE(said, "") << path << " is meant to be broken";
    EXPECT_EQ(said, content(expected)) << path;
  }
  EXPECT_GE(cases, 20U);
}

TEST(Rule, ReadsTheWholeOfTheDesign) {
  const auto rules = alerting_rules_of(R"(
rules:
  - alert: HostMemoryHigh
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: "> 80%"
    critical: {above: 95, clear: 90, for: {at_least: 3, of: 5}}
    clear: 75
    for: 30s
    keep_firing_for: 1m
    cooldown: 10m
    no_data: warning
    no_data_after: 2m
    labels: {team: core, zone: "{{ $labels.zone }}"}
    summary: "Memory at {{ $value | humanize }}% on {{ $labels.instance }}"
    description: more
)");
  ASSERT_EQ(rules.size(), 1U);
  const Rule& rule = rules[0];
  EXPECT_EQ(rule.name, "HostMemoryHigh");
  EXPECT_EQ(rule.mark.line, 3);
  Policy policy;
  policy.warning = LevelPolicy{{Comparison::greater, 80, 75}, {30s, 0, 0}};
  policy.critical = LevelPolicy{{Comparison::greater, 95, 90}, {0s, 3, 5}};
  policy.keep_firing_for = 1min;
  policy.no_data = NoData::warning;
  policy.no_data_after = 2min;
  EXPECT_EQ(rule.policy, policy);
  EXPECT_EQ(rule.cooldown, 10min);
  ASSERT_EQ(rule.labels.size(), 2U);
  EXPECT_EQ(rule.labels[0].first, "team");
  ASSERT_EQ(rule.annotations.size(), 2U);
  EXPECT_EQ(rule.annotations[0].first, "description");
  EXPECT_EQ(rule.annotations[0].second.text(), "more");
}

TEST(Rule, HasSensibleDefaults) {
  const auto rules = alerting_rules_of("rules: [{alert: A, expr: x, critical: '< 5'}]");
  ASSERT_EQ(rules.size(), 1U);
  Policy policy;
  policy.critical = LevelPolicy{{Comparison::less, 5, {}}, {}};
  policy.no_data_after = 5min;
  EXPECT_EQ(rules[0].policy, policy);
  EXPECT_EQ(rules[0].cooldown, 5min);
  EXPECT_FALSE(rules[0].policy.warning);
}

TEST(Rule, ReadsEveryWayToWriteABound) {
  const auto rules = alerting_rules_of(R"(
rules:
  - {alert: A, expr: x, warning: {above: 1}}
  - {alert: B, expr: x, warning: {at_least: 512MiB}}
  - {alert: C, expr: x, warning: {below: 90%}}
  - {alert: D, expr: x, warning: {at_most: -4}}
  - {alert: E, expr: x, warning: {equal: 0}}
  - {alert: F, expr: x, warning: {not_equal: 1}, critical: "== 0"}
)");
  std::vector<std::string> bounds;
  for (const Rule& rule : rules) bounds.push_back(to_string(rule.policy.warning->threshold));
  EXPECT_EQ(bounds, (std::vector<std::string>{"> 1", ">= 536870912", "< 90", "<= -4", "== 0", "!= 1"}));
}

TEST(Rule, FingerprintIsOfTheMeaningAlone) {
  const auto fingerprint = [](const std::string& fields) {
    const auto rules = alerting_rules_of("rules: [{alert: A, expr: x, warning: '> 1'" + fields + "}]");
    return rules.empty() ? "" : rules[0].fingerprint();
  };
  const std::string plain = fingerprint("");
  EXPECT_EQ(fingerprint(", summary: words, labels: {a: b}, cooldown: 1h"), plain);
  std::vector<std::string> all = {plain};
  for (const char* change : {", critical: '> 2'", ", clear: 0", ", for: 1s", ", for: {at_least: 1, of: 2}",
                             ", keep_firing_for: 1s", ", no_data: ok", ", no_data_after: 1s"}) {
    all.push_back(fingerprint(change));
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(Rule, DescribesItsKeysForTheReference) {
  const auto reference = config::Reference::of([](config::Section& top) {
    std::vector<RuleGroup> rules;
    configure_rules(top, rules);
  });
  const std::string text = reference.markdown();
  for (const char* key : {"alert", "expr", "warning", "critical", "above", "clear", "at_least", "keep_firing_for",
                          "cooldown", "no_data_after", "summary"}) {
    EXPECT_NE(text.find(key), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace sidewatch
