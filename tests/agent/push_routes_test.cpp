#include "agent/push_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "base/gzip.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t max_bytes = 1000;

// Says what it was given, and answers as told.
class RecordingTarget final : public PushTarget {
 public:
  PushAnswer take(const PushRequest& request) override {
    method = request.method;
    segments = request.segments;
    content_type = request.content_type;
    content_encoding = request.content_encoding;
    body = request.body;
    version = request.header("X-Version");
    now = request.now;
    wall = request.wall;
    return answer;
  }
  std::string method, content_type, content_encoding, body, version;
  std::vector<std::string> segments;
  Time now;
  WallTime wall;
  PushAnswer answer;
};

class MovedClock final : public Clock {
 public:
  Time now() const override { return {}; }
  Duration wall_step() const override { return std::chrono::hours(1); }
};

class PushRoutesTest : public testing::Test {
 protected:
  PushRoutesTest() { targets.publish({{"things", target}}); }

  HttpResponse push(const std::string& body, const std::vector<HttpField>& fields = {}, const std::string& target_path = "/push",
                    const std::string& method = "POST") {
    HttpRequest request;
    request.method = method;
    request.target = target_path;
    request.fields = fields;
    request.body = body;
    request.received = time_at_ms(5000);
    for (const auto& route : routes()) {
      if (route.method == method && target_path.starts_with(route.path.substr(0, route.path.find('{')))) return route.handler(request);
    }
    ADD_FAILURE() << "no route " << method << " " << target_path;
    return {};
  }
  std::vector<HttpRoute> routes() {
    static constexpr PushPath paths[] = {{"things", "POST", "/push", "things", "snappy"},
                                         {"things", "PUT", "/deep/{rest...}", "things", ""},
                                         {"others", "POST", "/others", "other things", ""}};
    std::vector<HttpRoute> routes;
    add_push_routes(routes, {targets, instruments, clock, max_bytes}, paths);
    return routes;
  }
  // "kind/code" or "kind/reason", and the number.
  std::map<std::string, double> counted(std::string_view name) {
    std::map<std::string, double> all;
    instruments.visit([&](const Metric& metric, const Labels& labels, double value) {
      if (metric.name != name) return;
      all[std::string(labels.get("kind")) + "/" + std::string(labels.get("code")) + std::string(labels.get("reason"))] = value;
    });
    return all;
  }

  std::shared_ptr<RecordingTarget> target = std::make_shared<RecordingTarget>();
  Published<PushTargets> targets;
  Instruments instruments;
  MovedClock clock;
};

TEST_F(PushRoutesTest, HandTheTargetWhatWasPushed) {
  target->answer = PushAnswer::text(202, "taken");
  target->answer.headers.emplace_back("X-Written", "3");
  const auto response = push("body", {{"Content-Type", "text/x"}, {"X-Version", "7"}});
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(*response.body, "taken\n");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].value, "3");
  EXPECT_EQ(target->method, "POST");
  EXPECT_EQ(target->body, "body");
  EXPECT_EQ(target->content_type, "text/x");
  EXPECT_EQ(target->version, "7");
  EXPECT_EQ(target->now, time_at_ms(5000));
  EXPECT_EQ(target->wall.time_since_epoch(), Duration(5000) + std::chrono::hours(1));
}

TEST_F(PushRoutesTest, SayWhichKeyIsMissing) {
  const auto response = push("body", {}, "/others");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(*response.body,
            "nothing here takes what you push: set collectors.others in the agent's configuration to take other things\n");
  EXPECT_THAT(counted("sidewatch_push_requests_total"), ElementsAre(testing::Pair("others/404", 1)));
}

TEST_F(PushRoutesTest, DecodeEachSegmentByItself) {
  push("", {}, "/deep/job/a%2Fb/x%20y//z/?q=/no", "PUT");
  EXPECT_THAT(target->segments, ElementsAre("job", "a/b", "x y", "", "z", ""));
  push("", {}, "/push");
  EXPECT_TRUE(target->segments.empty());
}

TEST_F(PushRoutesTest, UnpackGzip) {
  EXPECT_EQ(push(gzip_compress("many samples"), {{"Content-Encoding", "GZIP"}}).status, 200);
  EXPECT_EQ(target->body, "many samples");
  EXPECT_EQ(target->content_encoding, "");
}

TEST_F(PushRoutesTest, RefuseWhatUnpacksToTooMuchOrNotAtAll) {
  const auto bomb = push(gzip_compress(std::string(max_bytes + 1, 'x')), {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(bomb.status, 413);
  EXPECT_EQ(*bomb.body, "the body unpacks to more than 1000 bytes (http.max_push_bytes)\n");
  const auto broken = push("no gzip", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(*broken.body, HasSubstr("not what its Content-Encoding says"));
  EXPECT_EQ(push("x", {{"Content-Encoding", "br"}}).status, 415);
  EXPECT_EQ(push("x", {{"Content-Encoding", "gzip, gzip"}}).status, 415);
  EXPECT_EQ(target->body, "") << "nothing of that was handed on";
  EXPECT_THAT(counted("sidewatch_push_refused_total"),
              ElementsAre(testing::Pair("things/damaged", 1), testing::Pair("things/encoding", 2), testing::Pair("things/too_large", 1)));
}

TEST_F(PushRoutesTest, LeaveAnEncodingToTheTargetThatKnowsIt) {
  EXPECT_EQ(push("packed", {{"Content-Encoding", "snappy"}}).status, 200);
  EXPECT_EQ(target->content_encoding, "snappy");
  EXPECT_EQ(target->body, "packed");
  EXPECT_EQ(push("packed", {{"Content-Encoding", "snappy"}}, "/deep/x", "PUT").status, 415) << "its path does not take it";
}

TEST_F(PushRoutesTest, CountWhatCame) {
  target->answer.samples = 5;
  target->answer.refused = {{"name", 2}, {"value", 1}};
  push("a");
  push("b");
  EXPECT_EQ(counted("sidewatch_push_requests_total").at("things/200"), 2);
  EXPECT_EQ(counted("sidewatch_push_samples_total").at("things/"), 10);
  EXPECT_EQ(counted("sidewatch_push_refused_total").at("things/name"), 4);
  EXPECT_EQ(counted("sidewatch_push_refused_total").at("things/value"), 2);
}

TEST_F(PushRoutesTest, AskWhoFoundNoRoomToComeAgain) {
  const auto response = routes().at(0).refuse({}, 503, "no room");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(*response.body, "no room\n");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].name, "Retry-After");
  EXPECT_EQ(counted("sidewatch_push_requests_total").at("things/503"), 1);
}

TEST_F(PushRoutesTest, CountWhatTheServerRefusesBeforeItIsRead) {
  EXPECT_EQ(*routes().at(0).refuse({}, 413, "too large").body, "too large\n");
  EXPECT_EQ(counted("sidewatch_push_requests_total").at("things/413"), 1);
  EXPECT_THAT(counted("sidewatch_push_refused_total"), ElementsAre(testing::Pair("things/too_large", 1)));
}

TEST_F(PushRoutesTest, WordEveryRefusalAsTheProtocolOfItsPathDoes) {
  static constexpr PushPath paths[] = {{"others", "POST", "/others", "other things", "",
                                        [](int status, const std::string& sentence, std::string_view content_type) {
                                          auto answer = PushAnswer::text(status, "no: " + sentence);
                                          answer.content_type = content_type;
                                          return answer;
                                        }}};
  std::vector<HttpRoute> all;
  add_push_routes(all, {targets, instruments, clock, max_bytes}, paths);
  HttpRequest request;
  request.fields = {{"Content-Type", "text/odd"}};
  const auto missing = all.at(0).handler(request);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.content_type, "text/odd");
  EXPECT_THAT(*missing.body, testing::StartsWith("no: nothing here takes"));
  targets.publish({{"others", target}});
  request.fields.push_back({"Content-Encoding", "br"});
  EXPECT_THAT(*all.at(0).handler(request).body, testing::StartsWith("no: send the body with"));
  const auto busy = all.at(0).refuse(request, 503, "no room");
  EXPECT_EQ(*busy.body, "no: no room\n");
  EXPECT_EQ(busy.content_type, "text/odd");
}

TEST_F(PushRoutesTest, RunOnWorkersAndAsPushes) {
  for (const auto& route : routes()) {
    EXPECT_TRUE(route.takes_pushes) << route.path;
    EXPECT_EQ(route.runs, HttpRoute::Runs::on_worker) << route.path;
    EXPECT_FALSE(route.reads_only) << route.path;
  }
}

}  // namespace
}  // namespace sidewatch
