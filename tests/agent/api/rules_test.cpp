#include "agent/api/rules.h"

#include <gmock/gmock.h>

#include <limits>
#include <memory>

#include "tests/agent/api/world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

AlertView firing_alert() {
  AlertView alert;
  alert.rule = "MemoryHigh";
  alert.key = "0123456789abcdef";
  alert.incident = "0123456789abcdef-1";
  alert.labels = {{"alertname", "MemoryHigh"}, {"severity", "critical"}};
  alert.annotations = {{"summary", "Memory at 97% of \"all\""}};
  alert.firing = true;
  alert.level = Level::critical;
  alert.value = 97.25;
  alert.peak = 99;
  alert.active_at = WallTime(Duration(1'772'366'400'000));
  alert.fired_at = WallTime(Duration(1'772'366'430'250));
  alert.suppressed = 2;
  return alert;
}

TEST(AlertsAsJson, HasPrometheussKeysAndItsOwn) {
  EXPECT_EQ(alerts_as_json({firing_alert()}),
            R"({"status":"success","data":{"alerts":[{)"
            R"("labels":{"alertname":"MemoryHigh","severity":"critical"},)"
            R"("annotations":{"summary":"Memory at 97% of \"all\""},)"
            R"("state":"firing","activeAt":"2026-03-01T12:00:00.000Z","value":"97.25",)"
            R"("level":"critical","peak":99,"fingerprint":"0123456789abcdef","incident":"0123456789abcdef-1",)"
            R"("noData":false,"recovering":false,"suppressed":2,"firedAt":"2026-03-01T12:00:30.250Z"}]}})");
}

TEST(AlertsAsJson, SaysPendingAndNullWhereNothingFiredYet) {
  AlertView alert = firing_alert();
  alert.firing = false;
  alert.incident.clear();
  alert.fired_at.reset();
  const std::string json = alerts_as_json({alert});
  EXPECT_THAT(json, HasSubstr(R"("state":"pending")"));
  EXPECT_THAT(json, HasSubstr(R"("incident":"")"));
  EXPECT_THAT(json, HasSubstr(R"("firedAt":null)"));
}

TEST(AlertsAsJson, IsJsonWhateverTheValueIs) {
  AlertView alert = firing_alert();
  alert.value = alert.peak = std::numeric_limits<double>::quiet_NaN();
  alert.unknown = true;
  const std::string json = alerts_as_json({alert});
  EXPECT_TRUE(JsonValue::parse(json));
  EXPECT_THAT(json, HasSubstr(R"("value":"NaN")"));
  EXPECT_THAT(json, HasSubstr(R"("peak":null)"));
  EXPECT_THAT(json, HasSubstr(R"("noData":true)"));
  alert.value = -std::numeric_limits<double>::infinity();
  EXPECT_THAT(alerts_as_json({alert}), HasSubstr(R"("value":"-Inf")"));
}

RuleView alerting(const std::string& name) {
  auto rule = std::make_shared<RuleDescription>();
  rule->name = name;
  rule->query = "up == 1";
  rule->duration = 90s;
  rule->labels = {{"severity", "page"}};
  rule->annotations = {{"summary", "v {{ $value }}"}};
  RuleView view;
  view.rule = rule;
  view.health = RuleHealth::ok;
  view.last_evaluation = WallTime(Duration(1'772'366'400'000));
  view.evaluation_seconds = 0.25;
  return view;
}

RuleView recording(const std::string& name) {
  auto rule = std::make_shared<RuleDescription>();
  rule->kind = RuleDescription::Kind::recording;
  rule->name = name;
  rule->query = "sum(up)";
  RuleView view;
  view.rule = rule;
  return view;
}

class ApiRules : public ApiWorld {
 protected:
  ApiRules() {
    RuleView firing = alerting("Fire");
    firing.state = RuleState::firing;
    firing.alerts = {firing_alert()};
    RuleView failing = recording("job:up:sum");
    failing.health = RuleHealth::err;
    failing.last_error = "many-to-many";
    groups.publish({{"first", "a.yaml", 30s, 5, std::nullopt, 0.5, {alerting("Up"), firing, failing}},
                    {"second", "b.yaml", 0s, 0, std::nullopt, 0, {recording("x")}}});
  }
  std::vector<HttpRoute> routes() override {
    std::vector<HttpRoute> all;
    add_rule_routes(all, alerts, groups);
    return all;
  }
  // "group: rule rule" of each group that is shown.
  std::vector<std::string> shown(const std::string& query) {
    const auto json = JsonValue::parse(data("/api/v1/rules?" + query));
    EXPECT_TRUE(json);
    std::vector<std::string> lines;
    for (const auto& group : (*json)["groups"].items()) {
      std::string line = std::string(group["name"].text_or("")) + ":";
      for (const auto& rule : group["rules"].items()) line += " " + std::string(rule["name"].text_or(""));
      lines.push_back(line);
    }
    return lines;
  }
  Published<std::vector<AlertView>> alerts;
  Published<std::vector<RuleGroupView>> groups;
};

TEST_F(ApiRules, ServesThePublishedAlerts) {
  const Reply none = get("/api/v1/alerts");
  EXPECT_EQ(none.status, 200);
  EXPECT_EQ(none.content_type, "application/json");
  EXPECT_EQ(none.body, R"({"status":"success","data":{"alerts":[]}})");
  alerts.publish(std::vector<AlertView>(2));
  const auto json = JsonValue::parse(get("/api/v1/alerts").body);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["data"]["alerts"].items().size(), 2u);
}

TEST_F(ApiRules, ShowsARuleAsPrometheusDoes) {
  EXPECT_EQ(data("/api/v1/rules?rule_name[]=Up"),
            R"({"groups":[{"name":"first","file":"a.yaml","rules":[{"state":"inactive","name":"Up","query":"up == 1",)"
            R"("duration":90,"keepFiringFor":0,"labels":{"severity":"page"},"annotations":{"summary":"v {{ $value }}"},)"
            R"("alerts":[],"health":"ok","evaluationTime":0.25,"lastEvaluation":"2026-03-01T12:00:00.000Z",)"
            R"("type":"alerting"}],"interval":30,"limit":5,"evaluationTime":0.5,)"
            R"("lastEvaluation":"0001-01-01T00:00:00Z"}]})");
  EXPECT_EQ(data("/api/v1/rules?rule_name[]=job:up:sum"),
            R"x({"groups":[{"name":"first","file":"a.yaml","rules":[{"name":"job:up:sum","query":"sum(up)",)x"
            R"("health":"err","lastError":"many-to-many","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z",)"
            R"("type":"recording"}],"interval":30,"limit":5,"evaluationTime":0.5,)"
            R"("lastEvaluation":"0001-01-01T00:00:00Z"}]})");
}

TEST_F(ApiRules, ShowsTheAlertsOfARule) {
  EXPECT_THAT(data("/api/v1/rules?rule_name[]=Fire"), HasSubstr(R"("alerts":[{"labels":{"alertname":"MemoryHigh")"));
  EXPECT_THAT(data("/api/v1/rules?rule_name[]=Fire"), HasSubstr(R"("state":"firing","name":"Fire")"));
  EXPECT_THAT(data("/api/v1/rules?rule_name[]=Fire&exclude_alerts=true"), HasSubstr(R"("alerts":[])"));
}

TEST_F(ApiRules, ShowsOnlyWhatIsAskedFor) {
  EXPECT_THAT(shown(""), ElementsAre("first: Up Fire job:up:sum", "second: x"));
  EXPECT_THAT(shown("type=alert"), ElementsAre("first: Up Fire", "second:"));
  EXPECT_THAT(shown("type=RECORD"), ElementsAre("first: job:up:sum", "second: x"));
  EXPECT_THAT(shown("rule_group[]=second"), ElementsAre("second: x"));
  EXPECT_THAT(shown("file[]=a.yaml&file[]=c.yaml"), ElementsAre("first: Up Fire job:up:sum"));
  EXPECT_THAT(shown("rule_name[]=x&rule_name[]=Up"), ElementsAre("first: Up", "second: x"));
  EXPECT_EQ(error("/api/v1/rules?type=x"), "400 bad_data: invalid parameter \"type\": not supported value \"x\"");
}

}  // namespace
}  // namespace sidewatch
