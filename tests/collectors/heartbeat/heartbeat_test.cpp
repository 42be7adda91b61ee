// Pings in, answers, a file and samples out.
#include "collectors/heartbeat/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/eventfd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "tests/collectors/read_plans.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::heartbeat {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HeartbeatTest : public testing::Test {
 protected:
  HeartbeatTest() { begin(); }

  // The agent's life begins, or begins again: nothing is said to the old one before the test is over.
  void begin() {
    if (collector) killed.push_back(std::move(collector));
    HeartbeatConfig config;
    config.name.value = "backup";
    config.every = 1h;
    config.grace = 5min;
    target = std::make_shared<HeartbeatTarget>(
        std::vector{config}, [this] { return BootPosition{"boot", to_ms(now)}; }, patience);
    target->keep_in(state_dir);
    collector = make_heartbeat_collector(target, catalog);
  }
  PushAnswer ping(std::vector<std::string> segments) {
    PushRequest request;
    request.method = "GET";
    request.segments = std::move(segments);
    request.now = now;
    request.wall = to_wall(now, 0ms);
    return target->take(request);
  }
  std::map<std::string, double> pass() {
    Batch batch;
    const auto outcome = collector->collect(batch, now);
    EXPECT_TRUE(outcome);
    trouble = outcome ? outcome->first_partial_error : outcome.error().text();
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      EXPECT_EQ(info->labels.get("heartbeat"), "backup");
      const std::string result(info->labels.get("result"));
      found[info->family->name + (result.empty() ? "" : " " + result)] = sample.value;
    }
    return found;
  }

  // The collector's thread between two passes.
  class Listening {
   public:
    explicit Listening(Collector& collector) : thread_([this, &collector] { collector.listen(wake_.get()); }) {}
    ~Listening() {
      eventfd_write(wake_.get(), 1);
      thread_.join();
    }
    Listening(const Listening&) = delete;

   private:
    const Descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::thread thread_;
  };
  // Pings while somebody listens.
  std::string ping_and_keep(std::vector<std::string> segments) {
    const Listening listening(*collector);
    return ping(std::move(segments)).body;
  }

  TempDir directory;
  Duration patience = 30s;
  std::string state_dir = directory.path();
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Time now = time_at_ms(100'000'000'250);
  std::shared_ptr<HeartbeatTarget> target;
  std::vector<std::unique_ptr<Collector>> killed;
  std::unique_ptr<Collector> collector;
  std::string trouble;
};

// Without a listener: a ping does not wait.
class HeartbeatSeriesTest : public HeartbeatTest {
 protected:
  HeartbeatSeriesTest() {
    patience = 0s;
    state_dir = "";
    begin();
  }
};

TEST_F(HeartbeatSeriesTest, ServesWhatIsKnownOfAJob) {
  EXPECT_EQ(ping({"backup", "start"}).status, 200);
  now += 30s;
  EXPECT_EQ(ping({"backup"}).body, "OK\n");
  EXPECT_EQ(pass(), (std::map<std::string, double>{{"heartbeat_last_ping_timestamp_seconds", 100'000'030.25},
                                                   {"heartbeat_overdue", 0},
                                                   {"heartbeat_failed", 0},
                                                   {"heartbeat_running", 0},
                                                   {"heartbeat_pings_total start", 1},
                                                   {"heartbeat_pings_total success", 1},
                                                   {"heartbeat_pings_total failure", 0},
                                                   {"heartbeat_duration_seconds", 30},
                                                   {"heartbeat_expected_interval_seconds", 3600}}));
  now += 1h + 6min;
  EXPECT_EQ(pass().at("heartbeat_overdue"), 1);
}

TEST_F(HeartbeatSeriesTest, IsNotOverdueRightAfterTheStartWithoutHistory) {
  auto samples = pass();
  EXPECT_EQ(samples.at("heartbeat_overdue"), 0);
  EXPECT_EQ(samples.count("heartbeat_last_ping_timestamp_seconds"), 0u) << "there was none";
  now += 2h;
  EXPECT_EQ(pass().at("heartbeat_overdue"), 1);
}

TEST_F(HeartbeatSeriesTest, TakesTheAddressesOfHealthchecks) {
  struct Case {
    std::vector<std::string> segments;
    const char* counted;
  };
  for (const auto& [segments, counted] : std::vector<Case>{{{"backup"}, "success"},
                                                           {{"backup", ""}, "success"},
                                                           {{"backup", "0"}, "success"},
                                                           {{"backup", "start"}, "start"},
                                                           {{"backup", "fail"}, "failure"},
                                                           {{"backup", "1"}, "failure"},
                                                           {{"backup", "255"}, "failure"}}) {
    const std::string series = std::string("heartbeat_pings_total ") + counted;
    const double before = pass().at(series);
    EXPECT_EQ(ping(segments).status, 200) << segments.back();
    EXPECT_EQ(pass().at(series), before + 1) << segments.back();
  }
}

TEST_F(HeartbeatSeriesTest, RefusesWhatIsNoPing) {
  for (const std::vector<std::string>& segments :
       {std::vector<std::string>{}, {"backup", "256"}, {"backup", "-1"}, {"backup", "1x"}, {"backup", "stop"},
        {"backup", "start", "now"}}) {
    EXPECT_THAT(ping(segments).body, HasSubstr("a ping goes to /ping/NAME,")) << segments.size();
  }
  const auto unknown = ping({"backups"});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "there is no heartbeat of that name; collectors.heartbeat lists those that there are\n");
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 0);
}

TEST_F(HeartbeatTest, ALifeThatEndedSuddenlyCostsNoPing) {
  pass();
  now += 50min;
  EXPECT_EQ(ping_and_keep({"backup"}), "OK\n");
  now += 30min;
  begin();
  auto samples = pass();
  EXPECT_EQ(samples.at("heartbeat_overdue"), 0);
  EXPECT_EQ(samples.at("heartbeat_last_ping_timestamp_seconds"), 100'003'000.25);
  EXPECT_EQ(samples.at("heartbeat_pings_total success"), 1);
  now += 36min;
  EXPECT_EQ(pass().at("heartbeat_overdue"), 1) << "an hour and six minutes after the ping";
}

TEST_F(HeartbeatTest, ASuddenEndCostsNothingOfARunThatWasShorterThanASecond) {
  pass();
  ping_and_keep({"backup", "start"});
  now += 50ms;
  ping_and_keep({"backup", "0"});
  begin();
  auto samples = pass();
  EXPECT_EQ(samples.at("heartbeat_running"), 0);
  EXPECT_EQ(samples.at("heartbeat_pings_total success"), 1);
  EXPECT_EQ(samples.at("heartbeat_duration_seconds"), 0.05);
  now += 50ms;
  ping_and_keep({"backup", "fail"});
  begin();
  EXPECT_EQ(pass().at("heartbeat_failed"), 1);
}

TEST_F(HeartbeatTest, AnEndInPeaceKeepsEverything) {
  patience = 0s;
  begin();
  pass();
  for (int i = 0; i < 5; ++i) ping({"backup"});
  collector.reset();
  EXPECT_EQ(ping({"backup"}).status, 503) << "nobody would keep it";
  begin();
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 5);
  ping({"backup"});
  begin();
  ping({"backup"});  // before the first pass
  collector.reset();
  begin();
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 6) << "and the one that nobody kept is lost";
}

TEST_F(HeartbeatTest, APingDoesNotWaitForADiskThatHangs) {
  patience = 10ms;
  begin();
  pass();
  const auto answer = ping({"backup"});  // nobody listens
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "OK, but the disk is slow: a crash of the agent could still cost this ping\n");
  EXPECT_EQ(answer.samples, 1u);
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 1);
}

TEST_F(HeartbeatTest, OnlyTheFirstPingWaitsInVain) {
  patience = 300ms;
  begin();
  pass();
  ping({"backup"});  // nobody listens
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    now += 1s;
    EXPECT_THAT(ping({"backup"}).body, HasSubstr("the disk is slow"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s) << "each of them would wait 300 ms";
  pass();
  now += 1s;
  EXPECT_EQ(ping_and_keep({"backup"}), "OK\n");
}

TEST_F(HeartbeatTest, OnlySoManyPingsMayComeBeforeTheFirstPass) {
  patience = 0s;
  begin();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ping({"backup"}).status, 200);
  EXPECT_EQ(ping({"backup"}).status, 503);
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 1000);
  EXPECT_EQ(ping({"backup"}).status, 200);
}

TEST_F(HeartbeatTest, ALifeThatNeverWasPingedCountsFromTheFirstOne) {
  pass();
  now += 50min;
  begin();
  EXPECT_EQ(pass().at("heartbeat_overdue"), 0);
  now += 16min;
  EXPECT_EQ(pass().at("heartbeat_overdue"), 1);
}

TEST_F(HeartbeatTest, APingRightAfterAStartIsAddedToWhatWasKept) {
  pass();
  ping_and_keep({"backup"});
  patience = 0s;
  begin();
  ping({"backup"});  // before the first pass
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 2);
}

TEST_F(HeartbeatTest, WritesOnceASecondAndTheRestWithThePass) {
  const auto text_of_file = [&] {
    std::string text;
    std::getline(std::ifstream(directory / "heartbeats.json"), text);
    return text;
  };
  pass();
  ping_and_keep({"backup"});
  const std::string first = text_of_file();
  EXPECT_THAT(first, HasSubstr(R"("successes":1)"));
  now += 500ms;
  EXPECT_EQ(ping({"backup"}).body, "OK\n") << "nobody listens, and nobody need";
  EXPECT_EQ(text_of_file(), first);
  pass();
  EXPECT_THAT(text_of_file(), HasSubstr(R"("successes":2)"));
  now += 1s;
  ping_and_keep({"backup"});
  EXPECT_THAT(text_of_file(), HasSubstr(R"("successes":3)"));
}

TEST_F(HeartbeatTest, GoesOnWhenTheDiskRefuses) {
  state_dir = directory / "none";
  begin();
  pass();
  EXPECT_EQ(ping_and_keep({"backup"}), "OK\n");
  EXPECT_EQ(pass().at("heartbeat_pings_total success"), 1);
  EXPECT_THAT(trouble, HasSubstr("heartbeats would not survive a restart: "));
  std::filesystem::create_directory(state_dir);
  pass();
  EXPECT_EQ(trouble, "");
  EXPECT_TRUE(std::filesystem::exists(state_dir + "/heartbeats.json"));
}

TEST_F(HeartbeatTest, SaysOnceThatWhatWasKeptIsDamaged) {
  std::ofstream(directory / "heartbeats.json") << "{\"version\": 1, \"heartb";
  begin();
  EXPECT_EQ(pass().at("heartbeat_overdue"), 0);
  EXPECT_THAT(trouble, HasSubstr("the heartbeats of the last run are lost: "));
  pass();
  EXPECT_EQ(trouble, "");
}

TEST_F(HeartbeatTest, KeepsNothingWithoutAStateDirectory) {
  state_dir = "";
  begin();
  ping({"backup"});
  pass();
  EXPECT_EQ(trouble, "");
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

// What is wrong with `collectors: {heartbeat: ...}`.
std::string problems_of(const std::string& yaml) { return read_plans(configure_heartbeat, "heartbeat: " + yaml).problems; }

TEST(HeartbeatConfigTest, PointsAtWhatIsWrong) {
  EXPECT_EQ(problems_of("[{name: a.b-c_1, every: 1d, grace: 1h}, {name: other, every: 90s}]"), "");
  EXPECT_THAT(problems_of("[{name: a, every: 1d}, {name: a, every: 1d}]"), HasSubstr("there is a heartbeat of that name already"));
  EXPECT_THAT(problems_of("[{name: 'a/b', every: 1d}]"), HasSubstr("f:1:21: a heartbeat's name has letters"));
  EXPECT_THAT(problems_of("[{name: a}]"), HasSubstr("every"));
  EXPECT_THAT(problems_of("[{name: a, every: 0s}]"), HasSubstr("f:1:30: 'every' must be between 1s and"));
}

}  // namespace
}  // namespace sidewatch::heartbeat
