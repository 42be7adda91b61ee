#include "agent/api/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/http/router.h"
#include "base/json.h"

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
  }

  struct Reply {
    int status = 0;
    std::string body;
    JsonValue json;
  };
  Reply send(const std::string& method, const std::string& target, const std::string& body = "", bool from_here = true) {
    std::vector<HttpRoute> routes;
    add_alertmanager_routes(routes, {silences_, alerts_, [] { return std::vector<std::string>{"oncall", "chat"}; },
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

TEST_F(AlertmanagerApi, FiltersSilencesByWhatTheyAreAbout) {
  send("POST", "/api/v2/silences", silence());
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=instance%3D%22web-.*%22").json.items().size(), 1U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=instance%3D%22db%22").json.items().size(), 0U);
  EXPECT_EQ(send("GET", "/api/v2/silences?filter=team%3D%22a%22").json.items().size(), 0U);
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
