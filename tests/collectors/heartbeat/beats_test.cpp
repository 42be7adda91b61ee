// When a job is overdue, and what survives the agent.
#include "collectors/heartbeat/beats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::heartbeat {
namespace {

using namespace std::chrono_literals;

HeartbeatConfig job(const std::string& name, Duration every = 1h, Duration grace = 5min) {
  HeartbeatConfig config;
  config.name.value = name;
  config.every = every;
  config.grace = grace;
  return config;
}

class BeatsTest : public testing::Test {
 protected:
  BeatsTest() { beats.watch(now); }
  void ping(Ping ping) { EXPECT_TRUE(beats.ping("backup", ping, now, to_wall(now, 0ms))); }
  const Beat& backup() const { return beats.all().at("backup"); }
  SaveClocks clocks(Time at, const std::string& boot = "boot-1", Duration wall_step = 0ms) const {
    return {at, to_wall(at, wall_step), {boot, to_ms(at) - 1'000'000}};
  }

  Time now = time_at_ms(100'000'000);
  Beats beats{{job("backup"), job("report", 24h)}};
};

TEST_F(BeatsTest, AJobThatPingsInTimeIsNotOverdue) {
  ping(Ping::success);
  EXPECT_FALSE(backup().is_overdue(now + 1h + 5min));
  EXPECT_TRUE(backup().is_overdue(now + 1h + 5min + 1ms));
  now += 1h;
  ping(Ping::success);
  EXPECT_FALSE(backup().is_overdue(now + 1h));
  EXPECT_EQ(backup().successes, 2u);
}

TEST_F(BeatsTest, AJobThatWasNeverHeardOfIsDueFromTheFirstWatchOn) {
  EXPECT_FALSE(backup().is_overdue(now + 1h + 5min));
  EXPECT_TRUE(backup().is_overdue(now + 1h + 6min));
}

TEST_F(BeatsTest, AJobThatFailedWasHeardOf) {
  now += 1h;
  ping(Ping::failure);
  EXPECT_TRUE(backup().failed);
  EXPECT_FALSE(backup().is_overdue(now + 1h));
  ping(Ping::success);
  EXPECT_FALSE(backup().failed);
  EXPECT_EQ(backup().failures, 1u);
}

TEST_F(BeatsTest, ARunThatDoesNotEndWithinGraceIsOverdue) {
  ping(Ping::success);
  now += 50min;
  ping(Ping::start);
  EXPECT_FALSE(backup().is_overdue(now + 5min));
  EXPECT_TRUE(backup().is_overdue(now + 5min + 1ms)) << "it was not due yet, but the run hangs";
  now += 10min;
  ping(Ping::success);
  EXPECT_FALSE(backup().is_overdue(now));
  EXPECT_EQ(backup().seconds, 600);
}

TEST_F(BeatsTest, ARunWithoutAStartHasNoDuration) {
  ping(Ping::success);
  EXPECT_EQ(backup().seconds, std::nullopt);
  ping(Ping::start);
  now += 2s;
  ping(Ping::failure);
  EXPECT_EQ(backup().seconds, 2) << "of a run that failed too";
  ping(Ping::success);
  EXPECT_EQ(backup().seconds, 2) << "the last that is known";
}

TEST_F(BeatsTest, DoesNotKnowOtherNames) {
  EXPECT_FALSE(beats.ping("backups", Ping::success, now, {}));
}

TEST_F(BeatsTest, ARestartKeepsEverything) {
  ping(Ping::start);
  now += 90s;
  ping(Ping::failure);
  ping(Ping::start);
  const std::string saved = beats.save(clocks(now + 10s));
  Beats after{{job("backup"), job("new")}};
  const Time later = now + 30min;
  ASSERT_TRUE(after.restore(saved, clocks(later)));
  after.watch(later);
  const Beat& restored = after.all().at("backup");
  EXPECT_EQ(restored.last, now);
  EXPECT_EQ(restored.last_wall_ms, to_ms(now));
  EXPECT_EQ(restored.began, now);
  EXPECT_EQ(restored.since, now - 90s);
  EXPECT_EQ(restored.seconds, 90);
  EXPECT_TRUE(restored.failed);
  EXPECT_EQ(restored.starts, 2u);
  EXPECT_EQ(restored.failures, 1u);
  EXPECT_TRUE(restored.is_overdue(later)) << "time without the agent counts";
  EXPECT_EQ(after.all().at("new").since, later) << "what is new is watched from now on";
}

TEST_F(BeatsTest, AWallClockThatIsSetWhileTheAgentIsAwayChangesNothing) {
  ping(Ping::success);
  const std::string saved = beats.save(clocks(now));
  Beats after{{job("backup")}};
  // A new process takes the wall clock as it finds it for its timeline: here it was put a day ahead.
  const Time later = now + 24h + 10min;
  ASSERT_TRUE(after.restore(saved, {later, to_wall(later, 0ms), {"boot-1", to_ms(now + 10min) - 1'000'000}}));
  after.watch(later);
  EXPECT_FALSE(after.all().at("backup").is_overdue(later));
  EXPECT_TRUE(after.all().at("backup").is_overdue(later + 56min));
}

TEST_F(BeatsTest, AfterABootTheWallClockTells) {
  ping(Ping::success);
  const std::string saved = beats.save(clocks(now));
  Beats after{{job("backup")}};
  ASSERT_TRUE(after.restore(saved, clocks(now + 70min, "boot-2")));
  EXPECT_TRUE(after.all().at("backup").is_overdue(now + 70min));
  Beats behind{{job("backup")}};
  ASSERT_TRUE(behind.restore(saved, clocks(now - 3h, "boot-2")));
  EXPECT_EQ(behind.all().at("backup").last, now - 3h) << "a clock that is behind makes no ping of the future";
}

TEST_F(BeatsTest, WhatIsDamagedIsNotTakenOver) {
  Beats after{{job("backup")}};
  for (const char* text : {"", "{", "[]", "{}", "{\"version\": 2}", "7"}) EXPECT_FALSE(after.restore(text, clocks(now))) << text;
  EXPECT_TRUE(after.restore(R"({"version": 1, "boot_id": "boot-1", "boot_time_ms": 99000000, "heartbeats": [{"name": 7}, 3, {"name": "backup", "last_age_ms": -5, "starts": -1}]})", clocks(now)));
  EXPECT_EQ(after.all().at("backup").last, now);
  EXPECT_EQ(after.all().at("backup").starts, 0u);
}

}  // namespace
}  // namespace sidewatch::heartbeat
