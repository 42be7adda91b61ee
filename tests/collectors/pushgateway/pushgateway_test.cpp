// Requests in, answers, samples and a file out.
#include "collectors/pushgateway/pushgateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/temp_dir.h"

namespace sidewatch::pushgateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class PushgatewayTest : public testing::Test {
 protected:
  PushgatewayTest() { begin(); }

  void begin() {
    target = std::make_unique<PushgatewayTarget>(GroupLimits{});
    target->keep_in(state_dir);
  }
  PushAnswer send(std::string_view method, std::vector<std::string> segments, std::string_view body = "",
                  std::string_view content_type = "text/plain; version=0.0.4") {
    PushRequest request;
    request.method = method;
    request.segments = std::move(segments);
    request.body = body;
    request.content_type = content_type;
    request.now = now;
    request.wall = to_wall(now, 0ms);
    return target->take(request);
  }
  std::map<std::string, double> pass() {
    Batch batch;
    trouble.clear();
    target->write(catalog, handles, batch, now, trouble);
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      found[info->family->name + info->labels.to_string()] = sample.value;
    }
    return found;
  }

  TempDir directory;
  std::string state_dir = directory.path();
  Catalog catalog{Catalog::Limits{}, Labels{}};
  GroupHandles handles;
  Time now = time_at_ms(100'000'000'000);
  std::unique_ptr<PushgatewayTarget> target;
  std::string trouble;
};

TEST_F(PushgatewayTest, ServesWhatABatchJobPushed) {
  EXPECT_EQ(send("PUT", {"job", "backup"}, "# TYPE bytes_total counter\nbytes_total{disk=\"a\"} 7\n").status, 200);
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair(R"(push_time_seconds{job="backup"})", 100'000'000),
                                           Pair(R"(push_failure_time_seconds{job="backup"})", 0),
                                           Pair(R"(bytes_total{disk="a", job="backup"})", 7)));
  EXPECT_EQ(send("DELETE", {"job", "backup"}).status, 202);
  EXPECT_TRUE(pass().empty());
  EXPECT_TRUE(handles.by_version.empty());
  EXPECT_EQ(send("DELETE", {"job", "never"}).status, 202);
}

TEST_F(PushgatewayTest, ReadsOpenMetricsWhereItIsSaidToBe) {
  const std::string_view page = "# TYPE a counter\n# UNIT a seconds\na_total 1\n# EOF\n";
  EXPECT_EQ(send("PUT", {"job", "x"}, "# TYPE a counter\na_total 1\n# EOF\n", "application/openmetrics-text; version=1.0.0").status, 200);
  EXPECT_EQ(pass().at(R"(a_total{job="x"})"), 1);
  EXPECT_EQ(send("PUT", {"job", "x"}, "a 1\n", "application/openmetrics-text; version=1.0.0").status, 400) << "its end is missing";
  EXPECT_EQ(send("PUT", {"job", "x"}, "a 1\n", "application/x-www-form-urlencoded").status, 200) << "as curl says it";
  EXPECT_EQ(send("PUT", {"job", "x"}, page, "application/openmetrics-text").status, 400);
}

TEST_F(PushgatewayTest, TellsWhereAPageIsWrongAndWhenAPushWasRefused) {
  send("PUT", {"job", "x"}, "a 1\n");
  now += 1min;
  const auto wrong = send("POST", {"job", "x"}, "a 1\nb{ 2\n");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("2:"));
  EXPECT_EQ(pass().at(R"(push_failure_time_seconds{job="x"})"), 0) << "as in the Pushgateway";
  EXPECT_EQ(send("POST", {"job", "x"}, "node_load1 1\n").status, 400);
  const auto samples = pass();
  EXPECT_EQ(samples.at(R"(push_failure_time_seconds{job="x"})"), 100'000'060);
  EXPECT_EQ(samples.at(R"(push_time_seconds{job="x"})"), 100'000'000);
  EXPECT_EQ(samples.at(R"(a{job="x"})"), 1);
}

TEST_F(PushgatewayTest, RefusesTimestampsAndASeriesThatIsGivenTwice) {
  EXPECT_EQ(send("PUT", {"job", "x"}, "a 1 1700000000000\n").status, 400);
  EXPECT_EQ(send("PUT", {"job", "x"}, "a 1\na 2\n").status, 400);
}

TEST_F(PushgatewayTest, RefusesWhatTheAgentMeasuresItself) {
  const auto refused = send("PUT", {"job", "x"}, "node_load1 99\n");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("the name node_load1 belongs to"));
  EXPECT_EQ(send("PUT", {"job", "x"}, "ALERTS 1\n").status, 400);
  EXPECT_EQ(send("PUT", {"job", "x"}, "process_cpu_seconds_total 1\n").status, 200) << "client libraries push their own";
  EXPECT_EQ(send("PUT", {"job", "x"}, "push_time_seconds 1\n").status, 200) << "left out, as in the Pushgateway";
}

TEST_F(PushgatewayTest, NeverMakesMoreSeriesThanItsBudgetHoweverOftenAGroupIsReplaced) {
  handles = GroupHandles(5);
  EXPECT_EQ(send("PUT", {"job", "x"}, "a{id=\"1\"} 1\na{id=\"2\"} 2\n").status, 200);
  EXPECT_EQ(pass().size(), 4U);
  EXPECT_EQ(handles.left_out, 0U);
  EXPECT_EQ(send("PUT", {"job", "x"}, "a{id=\"3\"} 3\na{id=\"4\"} 4\n").status, 200);
  const auto second = pass();
  EXPECT_EQ(second.count(R"(push_time_seconds{job="x"})"), 1U) << "these were there before";
  EXPECT_EQ(second.size(), 3U);
  EXPECT_EQ(handles.left_out, 1U);
  EXPECT_EQ(catalog.size(), 5U);
}

TEST_F(PushgatewayTest, ARefusalThatThePushgatewayDoesNotKnowMakesNoGroup) {
  EXPECT_EQ(send("PUT", {"job", "new"}, "bad bad bad\n").status, 400);
  EXPECT_EQ(send("PUT", {"job", "new"}, "node_load1 99\n").status, 400);
  EXPECT_TRUE(pass().empty());
  EXPECT_EQ(send("PUT", {"job", "new"}, "a 1 1700000000000\n").status, 400);
  EXPECT_EQ(pass().size(), 2u) << "its two times, as in the Pushgateway";
}

TEST_F(PushgatewayTest, TakesNothingOnceItHasEnded) {
  send("PUT", {"job", "x"}, "a 1\n");
  target->end();
  EXPECT_EQ(send("PUT", {"job", "y"}, "a 1\n").status, 503);
  EXPECT_EQ(send("DELETE", {"job", "x"}).status, 503);
  begin();
  EXPECT_EQ(pass().at(R"(a{job="x"})"), 1);
}

TEST_F(PushgatewayTest, RefusesAPathThatNamesNoGroup) {
  EXPECT_EQ(send("PUT", {"jobs", "x"}, "a 1\n").status, 400);
  EXPECT_EQ(send("DELETE", {"job", "x", "y"}).status, 400);
}

TEST_F(PushgatewayTest, KeepsGroupsOverARestart) {
  send("PUT", {"job", "x"}, "a 1\n");
  pass();  // which writes them down
  begin();
  EXPECT_EQ(pass().at(R"(a{job="x"})"), 1);
  send("DELETE", {"job", "x"});
  target->save();
  begin();
  EXPECT_TRUE(pass().empty());
}

TEST_F(PushgatewayTest, APushRightAfterAStartIsAddedToWhatWasKept) {
  send("PUT", {"job", "x"}, "a 1\n");
  target->save();
  begin();
  send("PUT", {"job", "y"}, "a 2\n");
  EXPECT_EQ(pass().size(), 6u);
}

TEST_F(PushgatewayTest, WritesEveryFewSeconds) {
  const std::string file = directory / "pushgateway.json";
  send("PUT", {"job", "x"}, "a 1\n");
  pass();
  const auto first = std::filesystem::last_write_time(file);
  const auto size = std::filesystem::file_size(file);
  now += 1s;
  send("PUT", {"job", "longer"}, "a 1\n");
  pass();
  EXPECT_EQ(std::filesystem::file_size(file), size);
  now += 4s;
  pass();
  EXPECT_GT(std::filesystem::file_size(file), size);
  EXPECT_GE(std::filesystem::last_write_time(file), first);
}

TEST_F(PushgatewayTest, GoesOnWhenTheDiskRefusesOrIsDamaged) {
  state_dir = directory / "none";
  begin();
  send("PUT", {"job", "x"}, "a 1\n");
  EXPECT_EQ(pass().size(), 3u);
  EXPECT_THAT(trouble, HasSubstr("what was pushed would not survive a restart: "));
  std::filesystem::create_directory(state_dir);
  std::ofstream(state_dir + "/pushgateway.json") << "{\"version\":1,\"gro";
  begin();
  pass();
  EXPECT_THAT(trouble, HasSubstr("what was pushed before the last restart is lost: "));
  pass();
  EXPECT_EQ(trouble, "");
}

}  // namespace
}  // namespace sidewatch::pushgateway
