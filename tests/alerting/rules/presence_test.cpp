// Rules in Prometheus's form: what is given is an alert, under Prometheus's rules for labels, times and levels.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/rule_file.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<RuleGroup> one_rule(const std::string& fields) {
  return file_rules_of("groups: [{name: g, rules: [{alert: High, " + fields + "}]}]");
}

std::vector<std::string> shown(const World& world) {
  std::vector<std::string> alerts;
  for (const auto& alert : world.engine.alerts(0ms)) {
    alerts.push_back(std::string(alert.firing ? "firing " : "pending ") + std::string(to_string(alert.level)) + " " +
                     alert.labels.to_string());
  }
  return alerts;
}

TEST(Presence, AnElementOfTheResultFiresAndItsAbsenceResolves) {
  World world(one_rule("expr: load > 5, labels: {severity: warning}"));
  world.after(5, "load", 4);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(5, "load", 7);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7"));
  world.after(5, "load", 9);
  world.after(5, "load", 6);
  EXPECT_EQ(world.engine.alerts(0ms).at(0).value, 6);
  EXPECT_EQ(world.engine.alerts(0ms).at(0).peak, 9);
  world.after(5, "load", 2);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok NaN"));
  EXPECT_EQ(world.messages.back().peak, 9);
}

TEST(Presence, TheWorstOfWhatIsTooLowIsTheLowest) {
  World world(one_rule("expr: free < 10 and on() up"));
  world.deliver("up", {{{}, 1}});
  world.after(5, "free", 8);
  world.after(5, "free", 3);
  world.after(5, "free", 6);
  EXPECT_EQ(world.engine.alerts(0ms).at(0).peak, 3);
}

TEST(Presence, ForIsCountedAndBrokenByOneAbsence) {
  World world(one_rule("expr: load > 5, for: 10s"));
  world.after(5, "load", 7);
  EXPECT_THAT(shown(world), ElementsAre("pending warning {alertname=\"High\"}"));
  world.after(5, "load", 2);
  EXPECT_THAT(shown(world), IsEmpty());
  world.after(5, "load", 7);
  world.after(5, "load", 7);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(5, "load", 7);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7"));
}

TEST(Presence, KeepFiringForHoldsItAndKeepsItsLastValue) {
  World world(one_rule("expr: load > 5, keep_firing_for: 10s"));
  world.after(5, "load", 7);
  world.after(5, "load", 2);
  ASSERT_EQ(world.engine.alerts(0ms).size(), 1U);
  EXPECT_TRUE(world.engine.alerts(0ms)[0].recovering);
  EXPECT_EQ(world.engine.alerts(0ms)[0].value, 7);
  world.after(10, "load", 2);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7", "resolved ok NaN"));
}

TEST(Presence, TheSeverityLabelIsTheLevel) {
  for (const auto& [severity, level] : {std::pair{"critical", "critical"}, {"page", "critical"}, {"CRITICAL", "critical"},
                                        {"warning", "warning"}, {"info", "warning"}, {"none", "warning"}}) {
    World world(one_rule("expr: load > 5, labels: {severity: " + std::string(severity) + "}"));
    world.after(5, "load", 7);
    EXPECT_THAT(world.take_told(), ElementsAre("fired " + std::string(level) + " 7")) << severity;
    EXPECT_EQ(world.messages.back().labels.get("severity"), severity);
  }
}

TEST(Presence, LabelsAreThoseOfSeriesAndRuleAndNothingElse) {
  World world(one_rule(R"(expr: 'load > 5', labels: {team: "{{ $labels.host }}-team", host: "", alertname: no})"));
  world.after(5, "load", {{{{"host", "a"}, {"job", "x"}}, 7}});
  EXPECT_THAT(shown(world), ElementsAre("firing warning {alertname=\"High\", job=\"x\", team=\"a-team\"}"));
  EXPECT_EQ(world.engine.alert_series().at(0).to_string(),
            "{alertname=\"High\", alertstate=\"firing\", job=\"x\", team=\"a-team\"}");
}

TEST(Presence, ALabelThatChangesMakesAnotherAlert) {
  World world(one_rule(R"(expr: 'load > 5', labels: {severity: "{{ if gt $value 9.0 }}critical{{ else }}warning{{ end }}"})"));
  world.after(5, "load", 7);
  world.after(5, "load", 10);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7", "fired critical 10", "resolved ok NaN"));
  EXPECT_NE(world.messages[0].alert_key, world.messages[1].alert_key);
}

TEST(Presence, TwoAlertsWithTheSameLabelsAreAnError) {
  World world(one_rule("expr: load > 5, labels: {host: same}"));
  world.after(5, "load", {{{{"host", "a"}}, 7}});
  const auto result = world.after(5, "load", {{{{"host", "a"}}, 7}, {{{"host", "b"}}, 7}});
  EXPECT_EQ(result.rules_failed, 1U);
  EXPECT_EQ(world.engine.rules().at(0).last_error,
            "vector contains metrics with the same labelset after applying alert labels");
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7")) << "a failed evaluation ends nothing";
}

TEST(Presence, TemplatesSeeTheSeriesAlone) {
  World world(one_rule(R"(expr: 'load > 5', labels: {team: core}, annotations: {summary: "{{ $labels }} {{ $value }} {{ $labels.team }}"})"));
  world.after(5, "load", {{{{"host", "a"}}, 1e6}});
  EXPECT_EQ(world.messages.at(0).annotations.get("summary"), "map[__name__:load host:a] 1e+06 ");
}

TEST(Presence, AResolvedMessageSaysWhatWasSaidLast) {
  const char* rule = R"(expr: 'load > 5', annotations: {summary: "load {{ $value }} on {{ $labels.host }}"})";
  World world(one_rule(rule));
  world.after(5, "load", {{{{"host", "a"}}, 8}});
  world.after(5, "load", {{{{"host", "a"}}, 9}});
  world.after(5, "load", {{{{"host", "a"}}, 1}});
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "load 9 on a");
  world.after(600, "load", {{{{"host", "a"}}, 7}});
  world.restart(one_rule(rule), 10);
  world.after(5, "load", {{{{"host", "a"}}, 1}});
  EXPECT_EQ(world.messages.back().reason, Reason::resolved);
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "load 7 on a");
}

TEST(Presence, ARestartGoesOnWhereItWas) {
  const char* rule = "expr: load > 5, for: 20s";
  World world(one_rule(rule));
  world.after(5, "load", 7);
  world.after(15, "load", 7);
  const auto report = world.restart(one_rule(rule), 100);
  EXPECT_EQ(report.restored, 1U);
  EXPECT_EQ(report.orphaned, 0U);
  world.after(0, "load", 7);
  EXPECT_THAT(world.take_told(), IsEmpty()) << "time away is not time above";
  world.after(5, "load", 7);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7"));
}

TEST(Presence, OverTheGroupsLimitNothingChanges) {
  World world(file_rules_of("groups: [{name: g, limit: 1, rules: [{alert: High, expr: load > 5}]}]"));
  world.after(5, "load", {{{{"host", "a"}}, 7}});
  world.after(5, "load", {{{{"host", "a"}}, 7}, {{{"host", "b"}}, 7}});
  EXPECT_EQ(world.engine.rules().at(0).last_error, "exceeded limit of 1 with 2 alerts");
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7"));
}

TEST(Presence, WithNoDataKeepAVanishedSourceEndsNothing) {
  World plain(one_rule("expr: load > 5"));
  plain.after(5, "load", 7);
  plain.after(5, "load", World::Values{});
  EXPECT_THAT(plain.take_told(), ElementsAre("fired warning 7", "resolved ok NaN"));

  World keeping(one_rule("expr: load > 5, no_data: keep"));
  keeping.after(5, "load", 7);
  keeping.after(5, "load", World::Values{});
  EXPECT_THAT(keeping.take_told(), ElementsAre("fired warning 7"));
  EXPECT_TRUE(keeping.engine.alerts(0ms).at(0).unknown);
  keeping.after(5, "load", 3);
  EXPECT_THAT(keeping.take_told(), ElementsAre("resolved ok NaN"));
}

}  // namespace
}  // namespace sidewatch
