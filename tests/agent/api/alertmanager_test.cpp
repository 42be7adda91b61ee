#include "agent/api/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/http/router.h"
#include "alerting/routes/matchers.h"
#include "base/json.h"
#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const WallTime noon{Duration(1'772'366'400'000)};  // 2026-03-01 12:00:00 UTC

class AlertmanagerApi : public testing::Test {
 protected:
  AlertmanagerApi() {
    AlertView alert;
    alert.key = "0123456789abcdef";
    alert.labels = {{"alertname", "MemoryHigh"}, {"instance", "web-1"}, {"severity", "critical"}};
    alert.annotations = {{"summary", "Memory at 97%"}};
    alert.firing = true;
    alert.level = Level::critical;
    alert.fired_at = noon - 5min;
    alerts_.publish({alert});
    configure(Router({std::string("oncall"), "chat"}));
  }

  void configure(Router router, const std::string& mute_times = "mute_times: []") {
    router.name_host("web-9");
    ConfigView view;
    view.router = std::move(router);
    view.mute_times = read_mute_times(mute_times).mutes;
    config_.publish(std::move(view));
  }
  static Route route(std::string_view match, std::vector<std::string> receivers, std::vector<std::string> mute = {}) {
    Route route;
    if (!match.empty()) route.matchers = parse_matchers(match).value();
    route.receivers = std::move(receivers);
    route.mute = std::move(mute);
    return route;
  }
  std::vector<std::string> receivers_of_first(const std::string& query = "") {
    std::vector<std::string> names;
    const auto alerts = send("GET", "/api/v2/alerts" + query).json;
    for (const auto& one : alerts.items().at(0)["receivers"].items()) names.emplace_back(one["name"].text_or(""));
    return names;
  }

  struct Reply {
    int status = 0;
    std::string body;
    JsonValue json;
  };
  Reply send(const std::string& method, const std::string& target, const std::string& body = "", bool from_here = true) {
    std::vector<HttpRoute> routes;
    add_alertmanager_routes(routes, {silences_, alerts_, config_,
                                     [this] { return now_; }, noon - 1h, allow_remote_,
                                     [this](std::string_view what, const Silence& s) {
                                       logged_.push_back(std::string(what) + " " + s.created_by);
                                     }});
    HttpRouter router(std::move(routes));
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.peer.is_loopback = from_here;
    request.fields.push_back({"Content-Type", "application/json"});
    const auto answer = router.answer(request);
    const auto response = answer.route ? answer.route->handler(request) : answer.response;
    const std::string text = response.body ? *response.body : std::string();
    auto json = JsonValue::parse(text);
    return {response.status, text, json ? std::move(*json) : JsonValue{}};
  }
  std::string silence(const std::string& more = "") {
    return R"({"matchers":[{"name":"instance","value":"web-.*","isRegex":true,"isEqual":true}],"createdBy":"ann",)"
           R"("comment":"new disk","startsAt":"2026-03-01T12:00:00Z","endsAt":"2026-03-01T14:00:00.000Z")" + more + "}";
  }

  Silences silences_ = Silences::open("", noon).value();
  Published<std::vector<AlertView>> alerts_;
  Published<ConfigView> config_;
  WallTime now_ = noon;
  bool allow_remote_ = false;
  std::vector<std::string> logged_;
};

TEST_F(AlertmanagerApi, SetsShowsAndEndsASilence) {
  const auto set = send("POST", "/api/v2/silences", silence());
  ASSERT_EQ(set.status, 200) << set.body;
  const std::string id(set.json["silenceID"].text_or(""));
  EXPECT_EQ(id.size(), 36U);
  const auto listed = send("GET", "/api/v2/silences");
  ASSERT_EQ(listed.json.items().size(), 1U);
  const JsonValue& one = listed.json.items()[0];
  EXPECT_EQ(one["id"].text_or(""), id);
  EXPECT_EQ(one["status"]["state"].text_or(""), "active");
  EXPECT_EQ(one["comment"].text_or(""), "new disk");
  EXPECT_EQ(one["matchers"].items().at(0)["value"].text_or(""), "web-.*");
  EXPECT_TRUE(one["matchers"].items().at(0)["isRegex"].boolean_or(false));
  EXPECT_EQ(one["endsAt"].text_or(""), "2026-03-01T14:00:00.000Z");
  EXPECT_EQ(send("GET", "/api/v2/silence/" + id).json["id"].text_or(""), id);
  now_ += 1min;
  EXPECT_EQ(send("DELETE", "/api/v2/silence/" + id).status, 200);
  EXPECT_EQ(send("GET", "/api/v2/silence/" + id).json["status"]["state"].text_or(""), "expired");
  EXPECT_EQ(send("DELETE", "/api/v2/silence/" + id).status, 400);
  EXPECT_EQ(send("DELETE", "/api/v2/silence/nobody").status, 404);
  EXPECT_EQ(send("GET", "/api/v2/silence/nobody").status, 404);
  EXPECT_THAT(logged_, ElementsAre("set ann", "ended ann"));
}

TEST_F(AlertmanagerApi, SaysAsAJsonStringWhatIsWrong) {
  const auto refused = [&](const std::string& body) {
    const auto reply = send("POST", "/api/v2/silences", body);
    EXPECT_EQ(reply.status, 400) << body;
    return std::string(reply.json.text_or("(no string)"));
  };
  EXPECT_THAT(refused("{"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refused(R"({"matchers":[]})"), HasSubstr("endsAt must be given"));
  EXPECT_THAT(refused(R"({"matchers":[],"endsAt":"2026-03-01T14:00:00Z"})"), HasSubstr("at least one matcher"));
  EXPECT_THAT(refused(R"({"matchers":[{"name":"a","value":"(","isRegex":true}],"endsAt":"2026-03-01T14:00:00Z"})"),
              HasSubstr("matcher a: "));
  EXPECT_EQ(send("POST", "/api/v2/silences", silence(R"(,"id":"nobody")")).status, 404);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=%7B%7B").status, 400);
}

TEST_F(AlertmanagerApi, LetsOnlyThisMachineChangeSilencesUnlessToldOtherwise) {
  EXPECT_EQ(send("POST", "/api/v2/silences", silence(), false).status, 403);
  EXPECT_EQ(send("DELETE", "/api/v2/silence/x", "", false).status, 403);
  EXPECT_EQ(send("GET", "/api/v2/silences", "", false).status, 200);
  allow_remote_ = true;
  EXPECT_EQ(send("POST", "/api/v2/silences", silence(), false).status, 200);
}

TEST_F(AlertmanagerApi, ListsWhatFiresAndWhichSilenceHoldsIt) {
  auto alerts = send("GET", "/api/v2/alerts").json;
  ASSERT_EQ(alerts.items().size(), 1U);
  EXPECT_EQ(alerts.items()[0]["labels"]["alertname"].text_or(""), "MemoryHigh");
  EXPECT_EQ(alerts.items()[0]["startsAt"].text_or(""), "2026-03-01T11:55:00.000Z");
  EXPECT_EQ(alerts.items()[0]["status"]["state"].text_or(""), "active");
  EXPECT_EQ(alerts.items()[0]["receivers"].items().size(), 2U);
  EXPECT_EQ(send("GET", "/api/v2/alerts?filter=instance%3D%22web-2%22").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/alerts?filter=instance%3D~%22web-.%22").json.items().size(), 1U);
  const std::string id(send("POST", "/api/v2/silences", silence()).json["silenceID"].text_or(""));
  alerts = send("GET", "/api/v2/alerts").json;
  EXPECT_EQ(alerts.items().at(0)["status"]["state"].text_or(""), "suppressed");
  EXPECT_EQ(alerts.items().at(0)["status"]["silencedBy"].items().at(0).text_or(""), id);
  EXPECT_EQ(send("GET", "/api/v2/alerts?silenced=false").json.items().size(), 0U);
}

TEST_F(AlertmanagerApi, NamesTheReceiversThatTheRoutesChoose) {
  configure(Router({"pager", "chat"}, {route(R"(severity="critical")", {"pager"}), route("", {"chat"})}));
  EXPECT_THAT(receivers_of_first(), ElementsAre("pager"));
  EXPECT_THAT(receivers_of_first("?receiver=pa.*"), ElementsAre("pager"));
  EXPECT_EQ(send("GET", "/api/v2/alerts?receiver=chat").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/alerts?receiver=page").json.items().size(), 0U) << "it fits the whole name";
  EXPECT_EQ(send("GET", "/api/v2/alerts?receiver=%28").status, 400);
  EXPECT_EQ(send("GET", "/api/v2/alerts?inhibited=false").json.items().size(), 1U) << "nothing is inhibited";
}

TEST_F(AlertmanagerApi, GivesAnAlertWithoutInstanceItsMachineAsOne) {
  AlertView disk;
  disk.key = "fedcba9876543210";
  disk.labels = {{"alertname", "HostDiskFull"}, {"mountpoint", "/"}};
  disk.firing = true;
  alerts_.publish({disk});
  const auto alerts = send("GET", "/api/v2/alerts?filter=instance%3D%22web-9%22").json;
  ASSERT_EQ(alerts.items().size(), 1U);
  EXPECT_EQ(alerts.items()[0]["labels"]["instance"].text_or(""), "web-9");
  EXPECT_EQ(alerts.items()[0]["fingerprint"].text_or(""), "fedcba9876543210");
}

TEST_F(AlertmanagerApi, SaysWhenWhatFiresIsMuted) {
  const std::string nights = "mute_times: [{name: lunch, times: [{from: \"12:00\", to: \"13:00\"}]}]";
  configure(Router({"oncall", "chat"}, {route("", {"oncall", "chat"}, {"lunch"})}), nights);
  auto alerts = send("GET", "/api/v2/alerts").json;
  const JsonValue& status = alerts.items().at(0)["status"];
  EXPECT_EQ(status["state"].text_or(""), "suppressed");
  EXPECT_EQ(status["mutedBy"].items().at(0).text_or(""), "lunch");
  EXPECT_EQ(status["muted"].text_or(""), "until 13:00 UTC: lunch");
  EXPECT_EQ(status["silencedBy"].items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/alerts?active=false").json.items().size(), 1U);
  EXPECT_EQ(send("GET", "/api/v2/alerts?silenced=false").json.items().size(), 1U) << "no silence holds it";
  now_ += 1h;
  alerts = send("GET", "/api/v2/alerts").json;
  EXPECT_EQ(alerts.items().at(0)["status"]["state"].text_or(""), "active");
  EXPECT_EQ(alerts.items().at(0)["status"]["mutedBy"].kind(), JsonValue::Kind::array);
  EXPECT_EQ(alerts.items().at(0)["status"]["mutedBy"].items().size(), 0U);
  now_ -= 1h;
  Route first = route("", {"oncall"});
  first.goes_on = true;
  configure(Router({"oncall", "chat"}, {first, route("", {"chat"}, {"lunch"})}), nights);
  EXPECT_EQ(send("GET", "/api/v2/alerts").json.items().at(0)["status"]["state"].text_or(""), "active") << "oncall is told";
}

TEST_F(AlertmanagerApi, FiltersSilencesByWhatTheyAreAbout) {
  send("POST", "/api/v2/silences", silence());
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=instance%3D%22web-.*%22").json.items().size(), 1U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=instance%3D%22db%22").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=team%3D%22a%22").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=team%21%3D%22a%22").json.items().size(), 1U) << "it has no team";
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=team%21~%22.%2B%22").json.items().size(), 1U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=team%21%3D%22%22").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=instance%21%3D%22web-.*%22").json.items().size(), 0U);
}

TEST_F(AlertmanagerApi, SaysWhatItIs) {
  const auto status = send("GET", "/api/v2/status").json;
  EXPECT_EQ(status["cluster"]["status"].text_or(""), "disabled");
  EXPECT_EQ(status["uptime"].text_or(""), "2026-03-01T11:00:00.000Z");
  EXPECT_NE(status["versionInfo"]["version"].text_or(""), "");
  EXPECT_EQ(send("GET", "/api/v2/receivers").json.items().at(1)["name"].text_or(""), "chat");
}

}  // namespace
}  // namespace sidewatch
