// How processes are found on a machine of many, where listing all of them each time would be the most of the cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::Optional;

// A machine of 300 processes, which has given out the PIDs up to 5000.
struct LargeProc : FakeProc {
  LargeProc() {
    std::filesystem::create_symlink(std::to_string(getpid()), std::filesystem::path(root()) / "self");
    for (pid_t pid = 100; pid < 400; ++pid) write({.pid = pid, .comm = "other", .exe = "/bin/other"});
    count(300, 5000);
  }
  void count(int tasks, pid_t last_pid) {
    write_file(std::filesystem::path(root()) / "loadavg",
               "0.10 0.20 0.30 1/" + std::to_string(tasks) + " " + std::to_string(last_pid) + "\n");
  }
};

TEST(ProcessListing, LooksUpOnlyTheNewPidsOfALargeMachine) {
  LargeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  proc.write({.pid = 5003});
  proc.write({.pid = 50});  // which no listing tells of yet
  proc.count(303, 5004);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0)) << "5003, and not 50";
  for (int second = 0; second < 5; ++second) w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(2.0)) << "a whole listing comes all the same";
}

TEST(ProcessListing, DoesNotTakeAThreadForAProcess) {
  LargeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  proc.write({.pid = 5001});
  proc.write({.pid = 5002});
  auto stat = FakeProc::stat_text({.pid = 5002});
  const auto signal = stat.find(" 17 ");
  ASSERT_NE(signal, std::string::npos);
  write_file(proc.path(5002) / "stat", stat.replace(signal, 4, " -1 "));
  proc.count(302, 5002);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessListing, LooksAgainForAForkThatHadNoProcessYet) {
  LargeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  proc.count(300, 5001);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  proc.write({.pid = 5001});
  proc.count(301, 5001);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessListing, ListsTheWholeMachineWhenItsPidsBeginAnewOrAreMany) {
  for (const pid_t last_pid : {60, 5100}) {
    LargeProc proc;
    auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
    w.good_pass();
    proc.write({.pid = 55});
    proc.count(301, last_pid);
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(1.0)) << last_pid;
  }
}

TEST(ProcessListing, SeesTheReplacementOfAMemberOfALargeMachineAsARestart) {
  LargeProc proc;
  proc.write({.pid = 50});
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  proc.end(50);
  proc.write({.pid = 5001, .start_ticks = 5000});
  proc.count(300, 5001);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
}

TEST(ProcessListing, MeetsAPidAgainThatEndedUnnoticed) {
  LargeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  proc.write({.pid = 5001, .comm = "other", .exe = "/bin/other"});
  proc.count(301, 5001);
  w.good_pass();
  proc.end(5001);
  proc.write({.pid = 5001, .start_ticks = 9000});
  proc.count(301, 5002);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

}  // namespace
}  // namespace sidewatch
