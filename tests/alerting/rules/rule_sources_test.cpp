// Rules that come with the agent: taken by name, changed key by key, and giving way to what the user wrote.

#include "alerting/rule_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/shipped_rules.h"
#include "config/document.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Loaded {
  std::vector<RuleGroup> groups;
  std::vector<std::string> problems;

  const Rule* find(std::string_view name) const {
    for (const RuleGroup& group : groups) {
      for (const AnyRule& any : group.rules) {
        if (name_of(any) == name) return std::get_if<Rule>(&any);
      }
    }
    return nullptr;
  }
};

Loaded load(const std::string& yaml) {
  config::Problems problems;
  RuleSources sources;
  auto document = config::Document::parse("a.yaml", yaml, config::process_environment(), problems);
  document.visit([&](config::Section& top) { declare(top, sources); });
  std::vector<std::string> files;
  Loaded loaded;
  loaded.groups = load_rules(sources, files, problems);
  add_unless_named(loaded.groups, {std::move(sources.builtin)});
  for (const auto& [mark, text] : problems.sorted()) {
    loaded.problems.push_back(mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column) + ": " + text);
  }
  return loaded;
}

TEST(ShippedRules, AreTakenBySetAndOnlyWhenAskedFor) {
  EXPECT_EQ(load("rules: []").find("HostMemoryHigh"), nullptr);
  const auto host = load("shipped_rules: host");
  EXPECT_THAT(host.problems, IsEmpty());
  EXPECT_NE(host.find("HostMemoryHigh"), nullptr);
  EXPECT_EQ(host.find("ProcessAbsent"), nullptr);
  const auto both = load("shipped_rules: [host, process, host]");
  EXPECT_NE(both.find("ProcessAbsent"), nullptr);
  EXPECT_EQ(count_rules(both.groups), count_rules(host.groups) + count_rules(shipped_rules("process")));
}

TEST(ShippedRules, AreKnownByNamesThatStayOverRestarts) {
  const auto host = load("shipped_rules: host");
  EXPECT_EQ(host.find("HostMemoryHigh")->identity(), "host.yaml;cpu-and-memory;HostMemoryHigh");
}

TEST(ShippedRules, GiveWayToARuleOfTheSameName) {
  const auto loaded = load("shipped_rules: host\nrules: [{alert: HostMemoryHigh, expr: mine, warning: '> 1'}]");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.find("HostMemoryHigh")->expr->text(), "mine");
  EXPECT_EQ(count_rules(loaded.groups), count_rules(load("shipped_rules: host").groups));
}

TEST(RuleChanges, ChangeOnlyTheKeysThatAreGiven) {
  const auto unchanged = load("shipped_rules: host");
  const Rule& before = *unchanged.find("HostDiskFull");
  const auto loaded = load(R"(
shipped_rules: host
rule_changes:
  - {alert: HostDiskFull, warning: {above: 93, clear: 91}, cooldown: 2h, labels: {team: storage}}
)");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const Rule& rule = *loaded.find("HostDiskFull");
  EXPECT_EQ(rule.policy.warning->threshold, (Threshold{Comparison::greater, 93, 91}));
  EXPECT_EQ(rule.policy.warning->hold, before.policy.warning->hold) << "the delay stays";
  EXPECT_EQ(rule.policy.critical, before.policy.critical);
  EXPECT_EQ(rule.policy.no_data, before.policy.no_data);
  EXPECT_EQ(rule.expr->text(), before.expr->text());
  EXPECT_EQ(rule.cooldown, Duration(2h));
  ASSERT_EQ(rule.labels.size(), 1U);
  EXPECT_EQ(rule.labels[0].second.text(), "storage");
  EXPECT_EQ(rule.annotations.size(), before.annotations.size());
}

TEST(RuleChanges, ADelayGoesForBothLevelsUnlessALevelHasItsOwn) {
  const auto loaded = load(R"(
shipped_rules: host
rule_changes:
  - {alert: HostMemoryHigh, for: 7m}
  - {alert: HostConntrackFull, for: 7m, critical: {above: 96, for: 3s}}
)");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const Policy& memory = loaded.find("HostMemoryHigh")->policy;
  EXPECT_EQ(memory.warning->hold, Hold{7min});
  EXPECT_EQ(memory.critical->hold, Hold{7min});
  const Policy& conntrack = loaded.find("HostConntrackFull")->policy;
  EXPECT_EQ(conntrack.warning->hold, Hold{7min});
  EXPECT_EQ(conntrack.critical->hold, Hold{3s});
  EXPECT_EQ(conntrack.critical->threshold.clear, std::nullopt) << "a level is replaced whole";
}

TEST(RuleChanges, AddALevelThatTheRuleDoesNotHave) {
  const auto loaded = load(R"(
shipped_rules: host
rule_changes: [{alert: HostCpuHigh, critical: "> 99", expr: other}]
)");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const Rule& rule = *loaded.find("HostCpuHigh");
  EXPECT_EQ(rule.policy.critical->threshold, (Threshold{Comparison::greater, 99, {}}));
  EXPECT_EQ(rule.policy.critical->hold, rule.policy.warning->hold) << "as long as the other level";
  EXPECT_EQ(rule.expr->text(), "other");
}

TEST(RuleChanges, SwitchOffAlsoWhatIsAlwaysThere) {
  const auto loaded = load(R"(
shipped_rules: host
rule_changes: [{alert: HostCpuHigh, enabled: false}, {alert: CollectorFailing, enabled: false}]
)");
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.find("HostCpuHigh"), nullptr);
  EXPECT_EQ(loaded.find("CollectorFailing"), nullptr);
  EXPECT_NE(loaded.find("HistoryNotOnDisk"), nullptr);
}

TEST(RuleChanges, AreJudgedTogetherWithWhatStays) {
  EXPECT_THAT(load("shipped_rules: host\nrule_changes: [{alert: HostDiskFull, warning: '> 99'}]").problems,
              ElementsAre(HasSubstr("critical '> 96' and warning '> 99' are the wrong way round")));
  EXPECT_THAT(load("shipped_rules: host\nrule_changes: [{alert: HostDiskFull, warning: {above: 90, clear: 95}}]").problems,
              ElementsAre(HasSubstr("clear must be 90 or less")));
}

TEST(RuleChanges, OfARuleThatIsWrittenAnewAreAProblem) {
  EXPECT_THAT(load(R"(
shipped_rules: host
rule_changes: [{alert: HostCpuHigh, for: 1m}]
rules: [{alert: HostCpuHigh, expr: mine, warning: '> 1'}]
)").problems,
              ElementsAre("a.yaml:3:24: the rule 'HostCpuHigh' is written anew at a.yaml:4:17; change it there"));
}

}  // namespace
}  // namespace sidewatch
