// The context switches of a process with several threads, over a procfs of plain files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::Optional;

struct SwitchingProc : FakeProc {
  // A thread of the process 10; the main one's stand in the status of the process, where FakeProc writes 30.
  void thread(int id, int voluntary, int nonvoluntary = 1) const {
    write_file(task / std::to_string(id) / "status",
               "voluntary_ctxt_switches:\t" + std::to_string(voluntary) +
                   "\nnonvoluntary_ctxt_switches:\t" + std::to_string(nonvoluntary) + "\n");
  }
  void hide_threads() const {
    std::filesystem::rename(task, path(10) / "kept");
    write_file(task, "no directory");
  }
  void show_threads() const {
    std::filesystem::remove(task);
    std::filesystem::rename(path(10) / "kept", task);
  }
  const std::filesystem::path task = path(10) / "task";
};

std::optional<double> switches(const Watch& w, const std::string& type = "voluntary") {
  return w.value("context_switches_total", "shop", "ctxswitchtype", type);
}

TEST(ContextSwitches, OfThreadsThatEndedAreKept) {
  SwitchingProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 3});
  proc.thread(10, 30);  // the main thread's stand in the status of the process
  proc.thread(11, 100);
  proc.thread(12, 1000);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1130.0));
  EXPECT_THAT(switches(w, "nonvoluntary"), Optional(5.0));
  proc.end_thread(10, 12);
  proc.write({.pid = 10, .threads = 2});
  proc.thread(11, 150);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1180.0));
  proc.write({.pid = 10, .threads = 3});
  proc.thread(12, 5);  // another thread with the number of the one that ended
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1185.0));
  proc.write({.pid = 10, .threads = 1});
  proc.end_thread(10, 11);
  proc.end_thread(10, 12);
  proc.thread(10, 30);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1185.0));
}

TEST(ContextSwitches, OfNoThreadCountTwiceWhenThreadsCannotBeListedForAWhile) {
  SwitchingProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 3});
  proc.thread(10, 30);
  proc.thread(11, 100);
  proc.thread(12, 1000);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1130.0));
  proc.hide_threads();
  proc.write({.pid = 10, .threads = 4});
  EXPECT_EQ(w.good_pass().partial_errors, 1U);
  EXPECT_THAT(switches(w), Optional(1130.0));
  proc.write({.pid = 10, .threads = 3});
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1130.0));
  proc.show_threads();
  proc.thread(12, 1007);
  proc.thread(13, 10);
  proc.write({.pid = 10, .threads = 4});
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1147.0));
}

TEST(ContextSwitches, FromBeforeTheFirstLookAreNotCountedWhenThreadsCouldNotBeListedThen) {
  SwitchingProc proc;
  proc.write({.pid = 10, .threads = 3});
  proc.thread(10, 30);
  proc.thread(11, 100);
  proc.thread(12, 1000);
  proc.hide_threads();
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  EXPECT_EQ(w.good_pass().partial_errors, 1U);
  EXPECT_EQ(switches(w), std::nullopt) << "nothing is known but of the main thread";
  proc.show_threads();
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(0.0));
  proc.thread(12, 1007);
  w.advance(std::chrono::seconds(5));
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(7.0));
}

TEST(ContextSwitches, OfAThreadThatCouldNotBeReadAtFirstCountFromThenOn) {
  SwitchingProc proc;
  proc.write({.pid = 10, .threads = 2});
  proc.thread(10, 30);
  std::filesystem::create_directories(proc.task / "11" / "status");  // cannot be read
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(0.0));
  std::filesystem::remove(proc.task / "11" / "status");
  proc.thread(11, 1000);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(0.0));
  proc.thread(11, 1004);
  w.advance(std::chrono::seconds(5));
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(4.0));
}

TEST(ContextSwitches, OfAProcessBornUnderObservationAreCountedWholeEvenThen) {
  SwitchingProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 2});
  proc.thread(10, 30);
  proc.thread(11, 100);
  proc.hide_threads();
  w.good_pass();
  proc.show_threads();
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(130.0));
}

TEST(ContextSwitches, OfAThreadThatWasBeyondTheLimitCountFromThenOn) {
  SwitchingProc proc;
  constexpr int threads = 256;  // twice as many as are followed
  proc.write({.pid = 10, .threads = threads});
  for (int id = 100; id < 100 + threads; ++id) proc.thread(id, 1000);
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(0.0));
  for (int id = 100; id < 100 + threads; id += 2) proc.end_thread(10, id);
  proc.write({.pid = 10, .threads = threads / 2});
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(0.0));
  for (int id = 101; id < 100 + threads; id += 2) proc.thread(id, 1001);
  w.advance(std::chrono::seconds(5));
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(threads / 2.0));
}

TEST(ContextSwitches, AreReadOfOneThreadAfterTheOther) {
  SwitchingProc proc;
  const auto all_switch = [&proc](int times) {
    for (int id = 10; id < 20; ++id) proc.thread(id, times);
  };
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 10});
  all_switch(100);
  w.good_pass();
  const double before = *switches(w);
  all_switch(200);
  std::vector<double> grown;
  for (int second = 1; second <= 5; ++second) {
    w.good_pass();
    grown.push_back(*switches(w) - before);
  }
  EXPECT_THAT(grown.front(), testing::AllOf(testing::Ge(100.0), testing::Le(200.0))) << "two of the ten a second";
  EXPECT_THAT(grown.back(), 900.0) << "all but the main one, whose own status says the same as before";
  all_switch(300);
  w.advance(std::chrono::seconds(4));
  w.good_pass();
  EXPECT_THAT(*switches(w) - before, 1800.0) << "all at once at the default interval";
}

TEST(ContextSwitches, OfAThreadThatTookThePlaceOfAnotherAreNoticed) {
  SwitchingProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 2});
  proc.thread(10, 30);
  proc.thread(11, 100);
  w.good_pass();
  proc.end_thread(10, 11);
  proc.thread(12, 7);
  for (int second = 0; second < 6; ++second) w.good_pass();
  EXPECT_THAT(switches(w), Optional(137.0));
}

}  // namespace
}  // namespace sidewatch
