// Groups that a template names: made as processes are found, bounded, and given up some time after the last one ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::Optional;

std::optional<double> refused(const Watch& w) {
  return w.series("sidewatch_process_overflows_total", {{"limit", "max_groups"}});
}

ProcessGroupConfig by_name(const std::string& name, std::size_t max_groups = 100) {
  ProcessMatch match;
  match.exe = {"service"};
  auto group = group_named(name, match);
  group.max_groups = max_groups;
  return group;
}

TEST(ProcessGroups, AreMadeForEachNameThatATemplateGives) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one"});
  proc.write({.pid = 11, .comm = "two"});
  proc.write({.pid = 12, .comm = "two"});
  auto w = watch(proc, {by_name("shop-{{.Comm}}")});
  w.good_pass();
  EXPECT_THAT(w.processes("shop-one"), Optional(1.0));
  EXPECT_THAT(w.processes("shop-two"), Optional(2.0));
  EXPECT_EQ(w.processes("shop-{{.Comm}}"), std::nullopt);
  EXPECT_THAT(refused(w), Optional(0.0));
}

TEST(ProcessGroups, AreSharedByEntriesThatGiveTheSameName) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one"});
  proc.write({.pid = 11, .comm = "fixed", .exe = "/bin/other"});
  auto w = watch(proc, {by_name("{{.Comm}}"), group_named("one", by_exe("other"))});
  w.good_pass();
  EXPECT_THAT(w.processes("one"), Optional(2.0));
}

TEST(ProcessGroups, MoveAProcessThatTakesAnotherNameWithoutCountingItsPastTwice) {
  FakeProc proc;
  auto w = watch(proc, {by_name("{{.Comm}}")});
  w.good_pass();
  proc.write({.pid = 10, .comm = "before", .user_ticks = 300});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "before", "mode", "user"), Optional(3.0));
  proc.write({.pid = 10, .comm = "after", .user_ticks = 400});
  w.good_pass();
  proc.write({.pid = 10, .comm = "after", .user_ticks = 500});
  w.good_pass();
  EXPECT_THAT(w.processes("before"), Optional(0.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "before", "mode", "user"), Optional(3.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "after", "mode", "user"), Optional(1.0));
}

TEST(ProcessGroups, KeepAZombieWhereItWas) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "comm", .cmdline = std::string("/opt/shop\0-v", 12)});
  auto w = watch(proc, {group_named("{{.ExeBase}}", by_comm("comm"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  proc.write({.pid = 10, .comm = "comm", .exe = "", .cmdline = "", .state = 'Z'});
  for (int i = 0; i < 5; ++i) {
    w.advance(std::chrono::seconds(10));  // it is described again in turn
    w.good_pass();
    EXPECT_THAT(w.value("states", "shop", "state", "Zombie"), Optional(1.0));
    EXPECT_EQ(w.processes("comm"), std::nullopt);
  }
}

TEST(ProcessGroups, TakeDescendantsIntoTheGroupOfTheirParent) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one"});
  proc.write({.pid = 11, .ppid = 10, .comm = "sh", .exe = "/bin/sh"});
  auto w = watch(proc, {by_name("{{.Comm}}")});
  w.good_pass();
  EXPECT_THAT(w.processes("one"), Optional(2.0));
}

TEST(ProcessGroups, ShareOneGroupBeyondTheLimitAndCountWhoHadTo) {
  FakeProc proc;
  for (int pid = 10; pid < 15; ++pid) proc.write({.pid = pid, .comm = "c" + std::to_string(pid)});
  auto w = watch(proc, {by_name("{{.Comm}}", 2)});
  for (int i = 0; i < 4; ++i) {
    w.advance(std::chrono::seconds(10));
    w.good_pass();
    EXPECT_THAT(w.processes("c10"), Optional(1.0));
    EXPECT_THAT(w.processes("c11"), Optional(1.0));
    EXPECT_THAT(w.processes("overflow"), Optional(3.0));
    EXPECT_THAT(refused(w), Optional(3.0)) << "one that stays there is counted once";
  }
}

TEST(ProcessGroups, GiveUpAnEmptyGroupForOneThatNeedsTheRoom) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "old"});
  auto w = watch(proc, {by_name("{{.Comm}}", 1)});
  w.good_pass();
  proc.end(10);
  w.good_pass();
  EXPECT_THAT(w.processes("old"), Optional(0.0));
  proc.write({.pid = 11, .comm = "new"});
  w.good_pass();
  EXPECT_EQ(w.processes("old"), std::nullopt);
  EXPECT_THAT(w.processes("new"), Optional(1.0));
  EXPECT_THAT(refused(w), Optional(0.0));
}

TEST(ProcessGroups, AreForgottenSomeTimeAfterTheirLastProcessEnded) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one"});
  auto config = by_name("{{.Comm}}");
  config.forget_after = std::chrono::seconds(60);
  auto w = watch(proc, {config, group_named("fixed", by_comm("nobody"))});
  w.good_pass();
  proc.end(10);
  w.good_pass();
  w.advance(std::chrono::seconds(50));
  w.good_pass();
  EXPECT_THAT(w.processes("one"), Optional(0.0)) << "a restart is still to be seen";
  w.advance(std::chrono::seconds(10));
  w.good_pass();
  w.good_pass();
  EXPECT_EQ(w.processes("one"), std::nullopt);
  EXPECT_THAT(w.processes("fixed"), Optional(0.0)) << "what is named in the configuration stays";
}

TEST(ProcessGroups, AreForgottenButNotHowManyThreadsTheyRefused) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one", .threads = 3});
  for (const int id : {10, 11, 12}) proc.write(10, {.id = id, .comm = "t" + std::to_string(id)});
  auto config = by_name("{{.Comm}}");
  config.forget_after = std::chrono::seconds(60);
  config.details.threads = true;
  config.details.max_thread_names = 1;
  auto w = watch(proc, {config});
  const auto threads_refused = [&w] {
    return w.series("sidewatch_process_overflows_total", {{"limit", "max_thread_names"}});
  };
  w.good_pass();
  EXPECT_THAT(threads_refused(), Optional(2.0));
  proc.end(10);
  w.good_pass();
  w.advance(std::chrono::seconds(60));
  for (int pass = 0; pass < 2; ++pass) {
    w.good_pass();
    EXPECT_THAT(threads_refused(), Optional(2.0)) << "what is counted stays counted";
  }
}

TEST(ProcessGroups, SeeARestartOfAGroupThatATemplateMade) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "one"});
  auto w = watch(proc, {by_name("{{.Comm}}")});
  w.good_pass();
  proc.end(10);
  w.good_pass();
  proc.write({.pid = 20, .start_ticks = 5000, .comm = "one"});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "one"), Optional(1.0));
}

TEST(ProcessGroups, StayBoundedWhenEveryProcessHasANameOfItsOwn) {
  FakeProc proc;
  auto w = watch(proc, {by_name("{{.PID}}", 5)});
  for (int pid = 100; pid < 160; ++pid) {
    proc.write({.pid = pid});
    w.good_pass();
    proc.end(pid);
  }
  w.good_pass();
  std::size_t groups = 0;
  for (int pid = 100; pid < 160; ++pid) groups += w.processes(std::to_string(pid)).has_value() ? 1 : 0;
  EXPECT_LE(groups, 5u);
  EXPECT_GE(groups, 4u);
}

}  // namespace
}  // namespace sidewatch
