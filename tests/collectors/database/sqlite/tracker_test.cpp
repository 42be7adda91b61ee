// What follows from looks that come one after the other.
#include "collectors/database/sqlite/tracker.h"

#include <gtest/gtest.h>

namespace sidewatch::database::sqlite {
namespace {

using namespace std::chrono_literals;

class TrackerTest : public ::testing::Test {
 protected:
  TrackerTest() {
    look.header.wal = true;
    look.wal_in_use = true;
    look.index.emplace();
    look.log.emplace();
  }

  Since after(Duration passed) {
    now += passed;
    return tracker.take(look, now);
  }

  Tracker tracker;
  Look look;
  Time now = time_at_ms(1'000'000);
};

TEST_F(TrackerTest, CountsCommitsFromTheFirstLookOn) {
  look.index->commits = 500;
  EXPECT_EQ(after(0s).commits, 0);
  look.index->commits = 507;
  EXPECT_EQ(after(1s).commits, 7);
  EXPECT_EQ(after(1s).commits, 7);
}

TEST_F(TrackerTest, GoesOnCountingWhereTheLogWasRecoveredOrTheModeChanged) {
  look.index->commits = 500;
  after(0s);
  look.index->commits = 510;
  EXPECT_EQ(after(1s).commits, 10);
  look.index->commits = 2;  // recovered
  EXPECT_EQ(after(1s).commits, 10);
  look.index->commits = 5;
  EXPECT_EQ(after(1s).commits, 13);
  look.index.reset();
  EXPECT_EQ(after(1s).commits, 13) << "nobody has it open";
  look.header.wal = false;
  look.header.changes = 90;
  EXPECT_EQ(after(1s).commits, 13);
  look.header.changes = 91;
  EXPECT_EQ(after(1s).commits, 14);
}

TEST_F(TrackerTest, CountsHowOftenTheLogBeganAnew) {
  look.log->restarts = 3;
  EXPECT_EQ(after(0s).wal_restarts, 0);
  look.log->restarts = 5;
  EXPECT_EQ(after(1s).wal_restarts, 2);
  look.log.reset();
  EXPECT_EQ(after(1s).wal_restarts, 2);
  look.header.wal = false;
  EXPECT_EQ(after(1s).wal_restarts, std::nullopt);
}

TEST_F(TrackerTest, TimesAWriterThatDoesNotCommit) {
  EXPECT_EQ(after(0s).write_lock_seconds, 0);
  look.writer = 77;
  EXPECT_EQ(after(5s).write_lock_seconds, 0);
  EXPECT_EQ(after(5s).write_lock_seconds, 5);
  EXPECT_EQ(after(5s).write_lock_seconds, 10);
  look.index->commits += 1;
  EXPECT_EQ(after(5s).write_lock_seconds, 0) << "it committed and began again";
  EXPECT_EQ(after(5s).write_lock_seconds, 5);
  look.writer = 78;
  EXPECT_EQ(after(5s).write_lock_seconds, 0) << "another one";
  look.writer = 0;
  EXPECT_EQ(after(5s).write_lock_seconds, 0);
}

TEST_F(TrackerTest, TimesTheReaderThatSeesTheOldestState) {
  look.index->frames = 100;
  look.index->marks = {0, 100, 60, 0, 0};
  look.slots = {false, true, false, false, false};
  EXPECT_EQ(after(0s).oldest_reader_seconds, 0) << "it sees the newest";
  look.index->frames = 150;
  EXPECT_EQ(after(5s).reader_lag_frames, 50u);
  look.slots[2] = true;
  const auto both = after(5s);
  EXPECT_EQ(both.reader_lag_frames, 90u);
  EXPECT_EQ(both.oldest_reader_seconds, 5);
  look.slots = {};
  const auto none = after(5s);
  EXPECT_EQ(none.reader_lag_frames, 0u);
  EXPECT_EQ(none.oldest_reader_seconds, 0);
}

TEST_F(TrackerTest, BeginsAnewWithAReaderOfAnotherState) {
  look.index->frames = 100;
  look.index->marks = {0, 50, 0, 0, 0};
  look.slots = {false, true, false, false, false};
  after(0s);
  EXPECT_EQ(after(5s).oldest_reader_seconds, 5);
  look.index->marks[1] = 90;
  EXPECT_EQ(after(5s).oldest_reader_seconds, 0);
}

TEST_F(TrackerTest, TakesAReaderOfTheDatabaseAloneForLateOnlyWhenThereIsSomethingToCopy) {
  look.index->frames = 100;
  look.index->backfilled = 100;
  look.slots = {true, false, false, false, false};
  EXPECT_EQ(after(0s).reader_lag_frames, 0u);
  look.index->frames = 130;
  EXPECT_EQ(after(5s).reader_lag_frames, 130u);
}

}  // namespace
}  // namespace sidewatch::database::sqlite
