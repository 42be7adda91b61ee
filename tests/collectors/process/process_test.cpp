// The process collector over a procfs of plain files: who is a member, what is counted, what survives.
#include "collectors/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Optional;

Watch watch(const FakeProc& proc, std::vector<ProcessGroupConfig> groups, std::size_t max_kept_files = 256) {
  return Watch(std::move(groups), {.procfs = proc.root(), .max_kept_files = max_kept_files, .own_pid = 77});
}

TEST(Process, SumsUpTheMembersOfAGroup) {
  FakeProc proc;
  proc.write({.pid = 10, .start_ticks = 500, .threads = 4, .resident_pages = 100, .max_open_files = 100,
              .open_files = 50});
  proc.write({.pid = 11, .start_ticks = 900, .state = 'R', .threads = 2, .resident_pages = 50, .open_files = 3});
  proc.write({.pid = 12, .comm = "other", .exe = "/bin/other"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  EXPECT_THAT(w.processes("shop"), Optional(2.0));
  EXPECT_THAT(w.value("num_threads", "shop"), Optional(6.0));
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "resident"), Optional(150 * page));
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "virtual"), Optional(2.0 * 1048576));
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "swapped"), Optional(8192.0));
  EXPECT_THAT(w.value("open_filedesc", "shop"), Optional(53.0));
  EXPECT_THAT(w.value("max_fds", "shop"), Optional(100.0));
  EXPECT_THAT(w.value("worst_fd_ratio", "shop"), Optional(0.5));
  EXPECT_THAT(w.value("states", "shop", "state", "Running"), Optional(1.0));
  EXPECT_THAT(w.value("states", "shop", "state", "Sleeping"), Optional(1.0));
  EXPECT_THAT(w.value("oldest_start_time_seconds", "shop"), Optional(1700000000.0 + 5));
}

TEST(Process, ExposesAGroupWithoutAnyProcess) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "resident"), Optional(0.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(0.0));
  EXPECT_EQ(w.value("oldest_start_time_seconds", "shop"), std::nullopt);
  EXPECT_EQ(w.value("max_fds", "shop"), std::nullopt);
}

TEST(Process, CountsFromTheFirstPassForThoseAlreadyThereAndFromBirthForOthers) {
  FakeProc proc;
  proc.write({.pid = 10, .user_ticks = 5000, .read_bytes = 1 << 20});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(0.0));
  EXPECT_THAT(w.value("read_bytes_total", "shop"), Optional(0.0));
  proc.write({.pid = 10, .user_ticks = 5200, .read_bytes = (1 << 20) + 7});
  proc.write({.pid = 11, .user_ticks = 300, .read_bytes = 100});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(5.0));
  EXPECT_THAT(w.value("read_bytes_total", "shop"), Optional(107.0));
}

TEST(Process, KeepsTheTotalsOfMembersThatEnded) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .user_ticks = 400});
  proc.write({.pid = 11, .user_ticks = 100});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(5.0));
  proc.end(10);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(5.0));
  proc.end(11);
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(5.0));
}

TEST(Process, NeverLetsACounterGoBackwards) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .user_ticks = 400});
  w.good_pass();
  proc.write({.pid = 10, .user_ticks = 399});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(4.0));
  proc.write({.pid = 10, .user_ticks = 401});
  w.good_pass();
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(4.01));
}

TEST(Process, TellsAReusedPidFromTheProcessBefore) {
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

TEST(Process, DoesNotTakeAStrangerWithAReusedPidForAMember) {
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

TEST(Process, CountsAReplacementAsARestart) {
  FakeProc proc;
  proc.write({.pid = 10});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(0.0));
  proc.end(10);
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(0.0));
  proc.write({.pid = 20, .start_ticks = 5000});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
  proc.end(20);
  proc.write({.pid = 30, .start_ticks = 6000});  // ended and replaced between two passes
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(2.0));
  proc.write({.pid = 31, .start_ticks = 6100});  // a second one besides is no restart
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(2.0));
}

TEST(Process, DoesNotCountWorkersOfARunningServiceAsRestarts) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 11, .ppid = 10});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.end(11);
  proc.write({.pid = 12, .ppid = 10, .start_ticks = 5000});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(2.0));
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(0.0));
}

TEST(Process, DoesNotCountAServiceThatDetachesAsARestart) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10});
  proc.write({.pid = 11, .ppid = 10});
  w.good_pass();
  proc.end(10);
  proc.write({.pid = 11, .ppid = 1});
  w.good_pass();
  proc.end(11);
  proc.write({.pid = 12, .start_ticks = 5000});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
}

TEST(Process, SeesAReplacementOfAServiceThatIsStillAZombie) {
  FakeProc proc;
  proc.write({.pid = 10});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .exe = "", .cmdline = "", .state = 'Z', .resident_pages = 0});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("states", "shop", "state", "Zombie"), Optional(1.0));
  proc.write({.pid = 11, .start_ticks = 5000});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
  proc.end(10);
  w.good_pass();
  proc.write({.pid = 12, .start_ticks = 6000});
  w.good_pass();
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(1.0));
}

TEST(Process, TakesDescendantsInUnlessToldNotTo) {
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

TEST(Process, FindsTheFamilyOfAChildWhosePidIsSmallerThanItsParents) {
  FakeProc proc;
  proc.write({.pid = 900});
  proc.write({.pid = 5, .ppid = 900, .comm = "sh", .exe = "/bin/sh"});
  proc.write({.pid = 4, .ppid = 5, .comm = "curl", .exe = "/bin/curl"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(3.0));
}

TEST(Process, SurvivesParentsInACircle) {
  FakeProc proc;
  proc.write({.pid = 10, .ppid = 11, .exe = "/bin/a"});
  proc.write({.pid = 11, .ppid = 10, .exe = "/bin/a"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
}

TEST(Process, GivesAProcessToTheFirstGroupThatMatchesIt) {
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

TEST(Process, MatchesAWholePathOrAFileNameOfAProgramEvenIfItWasReplaced) {
  FakeProc proc;
  proc.write({.pid = 10, .exe = "/opt/shop/service (deleted)"});
  proc.write({.pid = 11, .exe = "/opt/other/service"});
  proc.write({.pid = 12, .exe = "/opt/shop/service-helper"});
  auto w = watch(proc, {group_named("path", by_exe("/opt/shop/service")), group_named("name", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("path"), Optional(1.0));
  EXPECT_THAT(w.processes("name"), Optional(1.0));
}

TEST(Process, ComparesOnlyTheFifteenBytesOfANameThatTheKernelKeeps) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "prometheus-node"});
  auto w = watch(proc, {group_named("exporter", by_comm("prometheus-node-exporter")),
                        group_named("short", by_comm("prometheus"))});
  w.good_pass();
  EXPECT_THAT(w.processes("exporter"), Optional(1.0));
  EXPECT_THAT(w.processes("short"), Optional(0.0));
}

TEST(Process, RequiresEveryConditionOfAMatch) {
  FakeProc proc;
  proc.write({.pid = 10, .cmdline = std::string("service\0--port\0008080\0", 20)});
  proc.write({.pid = 11, .cmdline = std::string("service\0--port\0009090\0", 20)});
  auto match = by_exe("service");
  match.cmdline = Regex::compile("--port 8080$").value();
  auto w = watch(proc, {group_named("shop", match)});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(Process, FollowsAPidFile) {
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

TEST(Process, TellsOnceThatAPidFileHoldsNone) {
  FakeProc proc;
  TempDir run;
  ProcessMatch match;
  match.pid_file = (run.path() / "service.pid").string();
  write_file(match.pid_file, "not a number\n");
  auto w = watch(proc, {group_named("shop", match)});
  const auto outcome = w.good_pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_EQ(outcome.first_partial_error, match.pid_file + ": holds no PID");
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
}

ProcessMatch by_port(int port) {
  ProcessMatch match;
  match.port = port;
  return match;
}

TEST(Process, FindsWhoListensOnAPort) {
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

TEST(Process, DoesNotTakeInitForTheServiceWhoseSocketItHolds) {
  FakeProc proc;
  proc.listen({{8080, 555}});
  proc.write({.pid = 1, .ppid = 0, .comm = "systemd", .sockets = {555}});
  proc.write({.pid = 10, .sockets = {555}});
  auto w = watch(proc, {group_named("shop", by_port(8080))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(Process, TellsOnceThatAListenerCannotBeSeen) {
  FakeProc proc;
  proc.listen({{8080, 555}});
  auto w = watch(proc, {group_named("shop", by_port(8080))});
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  const auto outcome = w.good_pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("port 8080"));
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
}

TEST(Process, DoesNotCountTwiceWhatAProcessConsumedBeforeItLeftAndCameBack) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_comm("service"), false)});
  w.good_pass();
  proc.write({.pid = 10, .user_ticks = 300});
  w.good_pass();
  proc.write({.pid = 10, .comm = "renamed", .user_ticks = 400});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  proc.write({.pid = 10, .user_ticks = 500});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("cpu_seconds_total", "shop", "mode", "user"), Optional(3.0));
  EXPECT_THAT(w.value("restarts_total", "shop"), Optional(0.0));
}

TEST(Process, LooksAgainAtAYoungProcessThatChangesItsProgram) {
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

TEST(Process, LooksAtOldProcessesAgainInTurn) {
  FakeProc proc;
  for (int pid = 100; pid < 120; ++pid) proc.write({.pid = pid, .exe = "/bin/sh"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  w.advance(std::chrono::minutes(5));
  proc.write({.pid = 119});
  for (int i = 0; i < 11; ++i) w.good_pass();  // two of 21 in each pass
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

TEST(Process, GoesOnWithoutTheFilesThatCannotBeRead) {
  FakeProc proc;
  proc.write({.pid = 10, .open_files = 2});
  // A directory in a file's place: an error for root, too, whom no permission stops.
  for (const char* name : {"io", "limits"}) {
    std::filesystem::remove(proc.path(10) / name);
    std::filesystem::create_directory(proc.path(10) / name);
  }
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  const auto outcome = w.good_pass();
  EXPECT_EQ(outcome.partial_errors, 2u);
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("/10/io: Is a directory"));
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("open_filedesc", "shop"), Optional(2.0));
  EXPECT_EQ(w.value("read_bytes_total", "shop"), std::nullopt) << "a 0 would look like a measurement";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(w.good_pass().partial_errors, 0u) << "told once per process and file";
}

TEST(Process, TakesAProcessThatVanishesBetweenReadsAsNormal) {
  FakeProc proc;
  proc.write({.pid = 10});
  auto w = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  w.good_pass();
  for (const char* name : {"status", "io", "limits"}) std::filesystem::remove(proc.path(10) / name);
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  std::filesystem::remove(proc.path(10) / "stat");
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
}

TEST(Process, TakesNoDamageFromFilesCutAnywhere) {
  FakeProc proc;
  const FakeProcess process{.pid = 10, .user_ticks = 100, .threads = 3};
  proc.write(process);
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  for (const char* name : {"stat", "status", "io", "limits", "cmdline"}) {
    proc.write(process);
    const auto size = std::filesystem::file_size(proc.path(10) / name);
    for (std::uintmax_t length = size; length > 0; --length) {
      std::filesystem::resize_file(proc.path(10) / name, length - 1);
      EXPECT_TRUE(w.pass());
      EXPECT_EQ(w.processes("shop").value_or(0), std::string(name) == "stat" ? 0 : 1) << name << " " << length;
    }
  }
}

TEST(Process, FailsAsAWholeWhenProcIsNotMounted) {
  TempDir empty;
  Watch w({group_named("shop", by_exe("service"))}, {.procfs = empty.path().string()});
  const auto nothing = w.pass();
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().text(), HasSubstr("holds no process: is /proc mounted here?"));
  Watch missing({group_named("shop", by_exe("service"))}, {.procfs = "/nonexistent/proc"});
  const auto error = missing.pass();
  ASSERT_FALSE(error);
  EXPECT_THAT(error.error().text(), HasSubstr("/nonexistent/proc: cannot list processes: No such file"));
}

TEST(Process, NeverShowsWhatAProcessSaysAboutItself) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "evil\"}\nx 1", .cmdline = "service --password=secret"});
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.page(), Not(HasSubstr("secret")));
  EXPECT_THAT(w.page(), Not(HasSubstr("evil")));
}

TEST(Process, ReadsTheSameThroughKeptFilesAndWithoutThem) {
  FakeProc proc;
  for (int pid = 10; pid < 30; ++pid) proc.write({.pid = pid, .open_files = pid});
  auto kept = watch(proc, {group_named("shop", by_exe("service"))});
  auto few = watch(proc, {group_named("shop", by_exe("service"))}, 9);
  auto none = watch(proc, {group_named("shop", by_exe("service"))}, 0);
  for (auto* w : {&kept, &few, &none}) w->good_pass();
  proc.write({.pid = 20, .state = 'D', .user_ticks = 77, .threads = 9, .read_bytes = 1234});
  for (auto* w : {&kept, &few, &none}) w->good_pass();
  EXPECT_EQ(kept.page(), few.page());
  EXPECT_EQ(kept.page(), none.page());
  EXPECT_THAT(kept.value("states", "shop", "state", "Waiting"), Optional(1.0));
}

TEST(Process, KeepsTheContextSwitchesOfThreadsThatEnded) {
  FakeProc proc;
  const auto thread = [&proc](int id, int voluntary) {
    write_file(proc.path(10) / "task" / std::to_string(id) / "status",
               "voluntary_ctxt_switches:\t" + std::to_string(voluntary) + "\nnonvoluntary_ctxt_switches:\t1\n");
  };
  const auto switches = [](const Watch& w) {
    return w.value("context_switches_total", "shop", "ctxswitchtype", "voluntary");
  };
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  proc.write({.pid = 10, .threads = 3});
  thread(10, 30);
  thread(11, 100);
  thread(12, 1000);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1130.0));
  EXPECT_THAT(w.value("context_switches_total", "shop", "ctxswitchtype", "nonvoluntary"), Optional(3.0));
  std::filesystem::remove_all(proc.path(10) / "task" / "12");
  thread(11, 150);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1180.0));
  thread(12, 5);  // another thread with the number of the one that ended
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1185.0));
  proc.write({.pid = 10, .threads = 1});
  std::filesystem::remove_all(proc.path(10) / "task" / "11");
  std::filesystem::remove_all(proc.path(10) / "task" / "12");
  thread(10, 31);
  w.good_pass();
  EXPECT_THAT(switches(w), Optional(1186.0));
}

TEST(Process, MatchesTheAgentItselfAndWhatItStarted) {
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

}  // namespace
}  // namespace sidewatch
