// Who is a member of which group, over a procfs of plain files: conditions, families, PIDs used again.
#include "collectors/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "collectors/process/selector.h"
#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

TEST(ProcessMembership, TellsAReusedPidFromTheProcessBefore) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .start_ticks = 2000, .user_ticks = 900});
  w.good_pass();
  proc.end(10);
  proc.write({.pid = 10, .start_ticks = 3000, .user_ticks = 100});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(10.0));
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
  EXPECT_THAT(w.value("oldest_start_time_seconds", "shop"), Optional(1700000030.0));
}

TEST(ProcessMembership, DoesNotTakeAStrangerWithAReusedPidForAMember) {
  for (const std::size_t kept_files : {256u, 0u}) {
    FakeProc proc;
    proc.write({.pid = 10, .start_ticks = 2000, .user_ticks = 900});
    auto w = watch(proc, {group_named("shop", by_exe("service"))}, kept_files);
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(1.0));
    // In place, so that not even another inode number gives it away.
    proc.write({.pid = 10, .start_ticks = 3000, .comm = "thief", .exe = "/bin/thief", .user_ticks = 5000});
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(0.0));
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(0.0));
    EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(0.0));
  }
}

TEST(ProcessMembership, TakesDescendantsInUnlessToldNotTo) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 11, .ppid = 10, .comm = "sh", .exe = "/bin/sh"});
  proc.write({.pid = 12, .ppid = 11, .comm = "curl", .exe = "/bin/curl"});
  proc.write({.pid = 13, .ppid = 1, .comm = "sh", .exe = "/bin/sh"});
  auto with = watch(proc, {group_named("shop", by_exe("service"))});
  auto without = watch(proc, {group_named("shop", by_exe("service"), false)});
  with.good_pass();
  without.good_pass();
  EXPECT_THAT(with.processes("shop"), Optional(3.0));
  EXPECT_THAT(without.processes("shop"), Optional(1.0));
  proc.write({.pid = 14, .ppid = 12, .comm = "late", .exe = "/bin/late"});
  with.good_pass();
  EXPECT_THAT(with.processes("shop"), Optional(4.0));
  proc.end(11);
  proc.write({.pid = 12, .ppid = 1, .comm = "curl", .exe = "/bin/curl"});
  with.good_pass();
  EXPECT_THAT(with.processes("shop"), Optional(3.0)) << "an orphan stays a member";
}

TEST(ProcessMembership, DoesNotTakeAnOrphanForAChildOfWhoGotTheNumberOfItsParent) {
  FakeProc proc;
  proc.write({.pid = 10, .start_ticks = 1000, .comm = "sh", .exe = "/bin/sh"});
  proc.write({.pid = 11, .ppid = 10, .start_ticks = 2000, .comm = "curl", .exe = "/bin/curl"});
  proc.write({.pid = 12, .ppid = 11, .start_ticks = 3000, .comm = "cat", .exe = "/bin/cat"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.end(10);
  w.good_pass();
  proc.write({.pid = 10, .start_ticks = 9000});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, FindsTheFamilyOfAChildWhosePidIsSmallerThanItsParents) {
  FakeProc proc;
  proc.write({.pid = 900});
  proc.write({.pid = 5, .ppid = 900, .comm = "sh", .exe = "/bin/sh"});
  proc.write({.pid = 4, .ppid = 5, .comm = "curl", .exe = "/bin/curl"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(3.0));
}

TEST(ProcessMembership, SurvivesParentsInACircle) {
  FakeProc proc;
  proc.write({.pid = 10, .ppid = 11, .exe = "/bin/a"});
  proc.write({.pid = 11, .ppid = 10, .exe = "/bin/a"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
}

TEST(ProcessMembership, GivesAProcessToTheFirstGroupThatMatchesIt) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 11, .ppid = 10, .comm = "worker", .exe = "/usr/bin/worker"});
  auto w = watch(proc, {group_named("workers", by_comm("worker")), group_named("shop", by_exe("service")),
                        group_named("all", by_cmdline("."))});
  w.good_pass();
  EXPECT_THAT(w.processes("workers"), Optional(1.0));
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.processes("all"), Optional(1.0)) << "init alone";
}

TEST(ProcessMembership, MatchesAWholePathOrAFileNameOfAProgramEvenIfItWasReplaced) {
  FakeProc proc;
  proc.write({.pid = 10, .exe = "/opt/shop/service (deleted)"});
  proc.write({.pid = 11, .exe = "/opt/other/service"});
  proc.write({.pid = 12, .exe = "/opt/shop/service-helper"});
  auto w = watch(proc, {group_named("path", by_exe("/opt/shop/service")), group_named("name", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("path"), Optional(1.0));
  EXPECT_THAT(w.processes("name"), Optional(1.0));
}

TEST(ProcessMembership, ComparesOnlyTheFifteenBytesOfANameThatTheKernelKeeps) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "prometheus-node"});
  auto w = watch(proc, {group_named("exporter", by_comm("prometheus-node-exporter")),
                        group_named("short", by_comm("prometheus"))});
  w.good_pass();
  EXPECT_THAT(w.processes("exporter"), Optional(1.0));
  EXPECT_THAT(w.processes("short"), Optional(0.0));
}

TEST(ProcessMembership, RequiresEveryConditionOfAMatch) {
  FakeProc proc;
  proc.write({.pid = 10, .cmdline = std::string("service\0--port\0008080\0", 20)});
  proc.write({.pid = 11, .cmdline = std::string("service\0--port\0009090\0", 20)});
  auto match = by_exe("service");
  match.cmdline = {Regex::compile("--port 8080$").value()};
  auto w = watch(proc, {group_named("shop", match)});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, RequiresEveryPatternOfACommandLine) {
  FakeProc proc;
  proc.write({.pid = 10, .cmdline = std::string("service\0--port\0008080\0", 20)});
  proc.write({.pid = 11, .cmdline = std::string("service\0--port\0009090\0", 20)});
  proc.write({.pid = 12, .cmdline = std::string("other\0--port\0008080\0", 18)});
  ProcessMatch match;
  match.cmdline = {Regex::compile("^service").value(), Regex::compile("--port (?P<port>8\\d+)").value()};
  auto w = watch(proc, {group_named("{{.Matches.port}}", match)});
  w.good_pass();
  EXPECT_THAT(w.processes("8080"), Optional(1.0));
  EXPECT_EQ(w.processes("9090"), std::nullopt);
}

TEST(ProcessMembership, FollowsAPidFile) {
  FakeProc proc;
  TempDir run;
  const auto file = run.path() / "service.pid";
  ProcessMatch match;
  match.pid_file = file.string();
  proc.write({.pid = 10});
  proc.write({.pid = 20, .user_ticks = 100});
  auto w = watch(proc, {group_named("shop", match)});
  EXPECT_EQ(w.good_pass().partial_errors, 0u) << "a service that does not run has no PID file";
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  write_file(file, "20\n");
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("oldest_start_time_seconds", "shop"), Optional(1700000010.0));
  write_file(file, "4000\n");
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
}

TEST(ProcessMembership, TellsOnceThatAPidFileHoldsNone) {
  FakeProc proc;
  TempDir run;
  ProcessMatch match;
  match.pid_file = (run.path() / "service.pid").string();
  write_file(match.pid_file, "not a number\n");
  auto w = watch(proc, {group_named("shop", match)});
  const auto outcome = w.good_pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_THAT(texts_of(outcome.news), ElementsAre(match.pid_file + ": holds no PID"));
  const auto next = w.good_pass();
  EXPECT_EQ(next.partial_errors, 0u);
  EXPECT_TRUE(next.news.empty());
  write_file(match.pid_file, "1\n");
  const auto good = w.good_pass();
  EXPECT_THAT(texts_of(good.news), ElementsAre(match.pid_file + ": names a process again"));
  EXPECT_FALSE(good.news.front().trouble);
}

ProcessMatch by_port(int port) {
  ProcessMatch match;
  match.port = port;
  return match;
}

TEST(ProcessMembership, FindsWhoListensOnAPort) {
  FakeProc proc;
  proc.listen({{8080, 555}, {9090, 666}});
  proc.write({.pid = 10, .sockets = {555}});
  proc.write({.pid = 11, .sockets = {666}});
  auto w = watch(proc, {group_named("shop", by_port(8080), false)});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  proc.listen({{9090, 666}});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  proc.write({.pid = 11, .sockets = {666, 777}});  // long known, and listens only now
  proc.listen({{8080, 777}, {9090, 666}});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, DoesNotTakeInitForTheServiceWhoseSocketItHolds) {
  FakeProc proc;
  proc.listen({{8080, 555}});
  proc.write({.pid = 1, .ppid = 0, .comm = "systemd", .sockets = {555}});
  proc.write({.pid = 10, .sockets = {555}});
  auto w = watch(proc, {group_named("shop", by_port(8080))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, TellsThatAListenerCannotBeSeenAndThatItIsOnceEach) {
  FakeProc proc;
  proc.listen({{8080, 555}});
  auto w = watch(proc, {group_named("shop", by_port(8080))});
  EXPECT_EQ(w.good_pass().partial_errors, 0u) << "it may have begun to listen in this moment";
  const auto outcome = w.good_pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_EQ(outcome.first_partial_error, "") << "else the next pass would say that all can be read again";
  EXPECT_THAT(texts_of(outcome.news), ElementsAre("group shop: somebody listens on port 8080, but no process that can be "
                                                  "seen from here does so and meets all other conditions of the group"));
  EXPECT_TRUE(outcome.news.front().trouble);
  const auto again = [&] {
    proc.listen({});
    auto news = w.good_pass().news;
    proc.listen({{8080, 556}});
    for (int i = 0; i < 3; ++i) {
      for (auto& one : w.good_pass().news) news.push_back(one);
    }
    return news;
  };
  EXPECT_TRUE(again().empty()) << "a service that is restarted changes nothing in that";
  proc.write({.pid = 10, .sockets = {556}});
  const auto seen = w.good_pass();
  EXPECT_THAT(texts_of(seen.news), ElementsAre("group shop: the process that listens on port 8080 is seen"));
  EXPECT_FALSE(seen.news.front().trouble);
  EXPECT_TRUE(w.good_pass().news.empty());
}

TEST(ProcessMembership, LooksAgainAtAYoungProcessThatChangesItsProgram) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  for (int pid = 100; pid < 150; ++pid) proc.write({.pid = pid, .exe = "/bin/sh"});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  proc.write({.pid = 149});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, LooksAtOldProcessesAgainInTurn) {
  FakeProc proc;
  for (int pid = 100; pid < 120; ++pid) proc.write({.pid = pid, .exe = "/bin/sh"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  w.advance(std::chrono::minutes(5));
  proc.write({.pid = 119});
  for (int i = 0; i < 11; ++i) {  // two of 21 in five seconds
    w.advance(std::chrono::seconds(4));
    w.good_pass();
  }
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, MatchesTheAgentItselfAndWhatItStarted) {
  FakeProc proc;
  proc.write({.pid = 77, .exe = "/usr/bin/sidewatch"});
  proc.write({.pid = 78, .ppid = 77, .exe = "/usr/bin/helper"});
  proc.write({.pid = 79, .exe = "/usr/bin/sidewatch"});
  ProcessMatch itself;
  itself.pid = ProcessWord::self;
  ProcessMatch started;
  started.parent = ProcessWord::self;
  auto w = watch(proc, {group_named("agent", itself), group_named("helpers", started)});
  w.good_pass();
  EXPECT_THAT(w.processes("agent"), Optional(1.0));
  EXPECT_THAT(w.processes("helpers"), Optional(1.0));
}

TEST(ProcessMembership, ListsProcessesOnlyWhenTheKernelCountsOthers) {
  FakeProc proc;
  std::filesystem::create_symlink(std::to_string(getpid()), std::filesystem::path(proc.root()) / "self");
  const auto count = [&proc](const std::string& text) {
    write_file(std::filesystem::path(proc.root()) / "loadavg", "0.10 0.20 0.30 " + text + "\n");
  };
  count("1/100 5000");
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);  // an open plain file outlives its process
  w.good_pass();
  proc.write({.pid = 10});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0)) << "nothing said that it began";
  count("2/101 5001");
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  proc.end(10);
  proc.write({.pid = 11});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0)) << "a member that is gone is noticed at once";
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
  proc.write({.pid = 12});
  for (int second = 0; second < 5; ++second) w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(2.0)) << "counts that lie are not believed for long";
}

TEST(ProcessMembership, DoesNotTrustCountsOfAnotherPidNamespace) {
  FakeProc proc;
  std::filesystem::create_symlink("1", std::filesystem::path(proc.root()) / "self");
  write_file(std::filesystem::path(proc.root()) / "loadavg", "0.10 0.20 0.30 1/100 5000\n");
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(ProcessMembership, LooksLessOftenAtAYoungProcessTheOlderItIs) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .exe = "/bin/sh"});
  for (int i = 0; i < 3; ++i) w.good_pass();  // it is two seconds old
  proc.write({.pid = 10});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0)) << "at four";
}

TEST(ProcessMembership, KnowsWhichTextsItsConditionsLookAt) {
  const auto needs = [](const ProcessMatch& match) {
    const auto texts = needed_texts({group_named("other", by_comm("x")), group_named("shop", match)});
    return std::pair(texts.exe, texts.cmdline);
  };
  EXPECT_EQ(needs(by_comm("service")), std::pair(false, false));
  EXPECT_EQ(needs(by_exe("service")), std::pair(true, false));
  EXPECT_EQ(needs(by_cmdline("service")), std::pair(false, true));
}

}  // namespace
}  // namespace sidewatch
