// The process collector over a procfs of plain files: what is counted, and what survives.
#include "collectors/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "collectors/process/process_files.h"
#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

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
  EXPECT_THAT(texts_of(outcome.news), ElementsAre(HasSubstr("/10/limits: Is a directory"), HasSubstr("/10/io: Is a directory")));
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
  EXPECT_THAT(w.value("open_filedesc", "shop"), Optional(2.0));
  EXPECT_EQ(w.value("read_bytes_total", "shop"), std::nullopt) << "a 0 would look like a measurement";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(w.good_pass().partial_errors, 0u) << "told once per process and file";
}

TEST(Process, CountsWhatCannotBeReadOfEachProcessAndTellsItOnce) {
  FakeProc proc;
  auto w = watch(proc, {group_named("shop", by_exe("service"))});
  w.good_pass();
  const auto start_without_io = [&proc](pid_t pid) {
    proc.write({.pid = pid});
    std::filesystem::remove(proc.path(pid) / "io");
    std::filesystem::create_directory(proc.path(pid) / "io");
  };
  start_without_io(10);
  EXPECT_THAT(texts_of(w.good_pass().news), ElementsAre(HasSubstr("/10/io: Is a directory")));
  start_without_io(11);
  const auto second = w.good_pass();
  EXPECT_EQ(second.partial_errors, 1u);
  EXPECT_TRUE(second.news.empty());
  EXPECT_THAT(w.series("namedprocess_scrape_partial_errors", {}), Optional(2.0));
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

TEST(Process, ReadsAProcessThatItMetWhenNoFileCouldBeOpened) {
  FakeProc proc;
  proc.write({.pid = 10});
  const ProcDir procfs(proc.root());
  ProcessFiles::Told told;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  ProcessFiles files(procfs, 10, ProcFile::Keep::open, told);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ReadBuffer buffer;
  EXPECT_EQ(files.read(ProcessFiles::stat, buffer).error_number, 0);
  EXPECT_FALSE(files.keeps_files());
}

}  // namespace
}  // namespace sidewatch
