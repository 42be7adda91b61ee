// What an entry asks for beyond the usual: threads, where they wait, proportional memory, process_* of one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Optional;

Watch watch_with(const FakeProc& proc, const ProcessDetails& details) {
  auto group = group_named("shop", by_exe("service"));
  group.details = details;
  return watch(proc, {group});
}

// With a process of three threads.
struct ThreadedProc : FakeProc {
  ThreadedProc() {
    write({.pid = 10, .threads = 3});
    write(10, {.id = 10, .comm = "service", .user_ticks = 100, .wchan = "do_epoll_wait"});
    write(10, {.id = 11, .user_ticks = 1000, .read_bytes = 50, .switches = 5, .wchan = "futex_wait"});
    write(10, {.id = 12, .user_ticks = 2000, .wchan = "futex_wait"});
  }
};

std::optional<double> cpu(const Watch& w, const std::string& thread) {
  return w.series("namedprocess_namegroup_thread_cpu_seconds_total",
                  {{"groupname", "shop"}, {"mode", "user"}, {"threadname", thread}});
}

TEST(ProcessDetails, AreNotToldUnlessAskedFor) {
  const ThreadedProc proc;
  auto w = watch_with(proc, {});
  w.good_pass();
  EXPECT_THAT(w.page(), Not(HasSubstr("thread_")));
  EXPECT_THAT(w.page(), Not(HasSubstr("=\"proportional")));
  EXPECT_THAT(w.page(), Not(HasSubstr("wchan")));
  EXPECT_THAT(w.page(), Not(HasSubstr("\nprocess_")));
}

TEST(ProcessDetails, SumUpThreadsByTheirNames) {
  ThreadedProc proc;
  auto w = watch_with(proc, {.threads = true});
  w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "worker"), Optional(2.0));
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "service"), Optional(1.0));
  EXPECT_THAT(cpu(w, "worker"), Optional(0.0)) << "those already there count from now on";
  proc.write(10, {.id = 11, .user_ticks = 1100, .read_bytes = 80, .switches = 9});
  proc.write(10, {.id = 12, .user_ticks = 2200});
  proc.write(10, {.id = 13, .user_ticks = 50});
  w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "worker"), Optional(3.0));
  EXPECT_THAT(cpu(w, "worker"), Optional(3.5)) << "a new thread counts from its birth";
  EXPECT_THAT(w.value("thread_io_bytes_total", "shop", "threadname", "worker"), Optional(30.0));
  EXPECT_THAT(w.value("thread_context_switches_total", "shop", "ctxswitchtype", "voluntary"), Optional(0.0));
  proc.end_thread(10, 12);
  w.good_pass();
  EXPECT_THAT(cpu(w, "worker"), Optional(3.5)) << "what an ended thread consumed stays";
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "worker"), Optional(2.0));
}

TEST(ProcessDetails, TellAThreadFromAnotherThatGotItsNumber) {
  ThreadedProc proc;
  auto w = watch_with(proc, {.threads = true});
  w.good_pass();
  proc.write(10, {.id = 11, .start_ticks = 9000, .user_ticks = 300});
  w.good_pass();
  EXPECT_THAT(cpu(w, "worker"), Optional(3.0));
}

TEST(ProcessDetails, CountNoThreadTwiceWhenThreadsCannotBeListedForAWhile) {
  ThreadedProc proc;
  auto w = watch_with(proc, {.threads = true});
  w.good_pass();
  const auto task = proc.path(10) / "task";
  std::filesystem::rename(task, proc.path(10) / "kept");
  write_file(task, "no directory");
  w.good_pass();
  std::filesystem::remove(task);
  std::filesystem::rename(proc.path(10) / "kept", task);
  proc.write(10, {.id = 12, .user_ticks = 2100});
  w.good_pass();
  EXPECT_THAT(cpu(w, "worker"), Optional(1.0));
}

TEST(ProcessDetails, CountAThreadThatWasBeyondTheLimitFromThenOn) {
  FakeProc proc;
  constexpr int threads = 2048;  // twice as many as are told of
  proc.write({.pid = 10, .threads = threads});
  for (int id = 100; id < 100 + threads; ++id) proc.write(10, {.id = id, .user_ticks = 1000});
  auto w = watch_with(proc, {.threads = true});
  w.good_pass();
  w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "worker"), Optional(1024.0));
  for (int id = 100; id < 100 + threads; id += 2) proc.end_thread(10, id);
  proc.write({.pid = 10, .threads = threads / 2});
  w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "worker"), Optional(1024.0)) << "none but those that ended";
  EXPECT_THAT(cpu(w, "worker"), Optional(0.0));
  for (int id = 101; id < 100 + threads; id += 2) proc.write(10, {.id = id, .user_ticks = 1001});
  w.good_pass();
  EXPECT_THAT(cpu(w, "worker"), Optional(10.24));
}

TEST(ProcessDetails, DoNotTellOfTheOnlyThreadOfAProcess) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write(10, {.id = 10, .wchan = "do_wait"});
  auto w = watch_with(proc, {.threads = true, .wchan = true});
  w.good_pass();
  EXPECT_EQ(w.value("thread_count", "shop"), std::nullopt);
  EXPECT_THAT(w.value("threads_wchan", "shop", "wchan", "do_wait"), Optional(1.0));
}

TEST(ProcessDetails, SayInWhichFunctionThreadsWait) {
  ThreadedProc proc;
  auto w = watch_with(proc, {.wchan = true});
  w.good_pass();
  EXPECT_THAT(w.value("threads_wchan", "shop", "wchan", "futex_wait"), Optional(2.0));
  EXPECT_THAT(w.value("threads_wchan", "shop", "wchan", "do_epoll_wait"), Optional(1.0));
  for (const pid_t thread : {11, 12}) proc.write(10, {.id = thread, .wchan = "0"});
  w.good_pass();
  EXPECT_EQ(w.value("threads_wchan", "shop", "wchan", "futex_wait"), std::nullopt);
  EXPECT_EQ(w.value("threads_wchan", "shop", "wchan", "0"), std::nullopt) << "it does not wait";
}

TEST(ProcessDetails, BoundTheNamesOfThreadsAndCountWhoIsBeyond) {
  FakeProc proc;
  proc.write({.pid = 10, .threads = 6});
  for (pid_t id = 10; id < 16; ++id) proc.write(10, {.id = id, .comm = "t" + std::to_string(id)});
  auto w = watch_with(proc, {.threads = true, .max_thread_names = 2});
  for (int i = 0; i < 3; ++i) w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "overflow"), Optional(4.0));
  EXPECT_THAT(w.series("sidewatch_process_overflows_total", {{"limit", "max_thread_names"}}), Optional(4.0));
  for (pid_t id = 10; id < 15; ++id) proc.end_thread(10, id);
  proc.write({.pid = 10, .threads = 1});
  w.good_pass();
  proc.write(10, {.id = 15, .comm = "fresh"});
  for (int i = 0; i < 2; ++i) w.good_pass();
  EXPECT_THAT(w.value("thread_count", "shop", "threadname", "fresh"), Optional(1.0))
      << "names that nobody has make room";
}

TEST(ProcessDetails, ReadProportionalMemoryAsOftenAsAskedFor) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 11});
  auto w = watch_with(proc, {.proportional_memory_every = std::chrono::seconds(3)});
  w.good_pass();
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "proportionalResident"), Optional(80.0 * 1024));
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "proportionalSwapped"), Optional(4.0 * 1024));
  write_file(proc.path(10) / "smaps_rollup", "Pss: 100 kB\nSwapPss: 0 kB\n");
  w.good_pass();
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "proportionalResident"), Optional(80.0 * 1024));
  for (int i = 0; i < 2; ++i) w.good_pass();
  EXPECT_THAT(w.value("memory_bytes", "shop", "memtype", "proportionalResident"), Optional(140.0 * 1024));
  for (const pid_t pid : {10, 11}) std::filesystem::remove(proc.path(pid) / "smaps_rollup");
  for (int i = 0; i < 3; ++i) w.good_pass();
  EXPECT_EQ(w.value("memory_bytes", "shop", "memtype", "proportionalResident"), std::nullopt);
}

TEST(ProcessDetails, ShowTheOldestProcessUnderTheNamesOfClientLibraries) {
  FakeProc proc;
  proc.write({.pid = 10, .start_ticks = 5000, .user_ticks = 700, .system_ticks = 50});
  proc.write({.pid = 11, .start_ticks = 2000, .user_ticks = 100, .threads = 4, .open_files = 3});
  proc.write({.pid = 12, .ppid = 11, .start_ticks = 2000});  // not the service: it was started by it
  auto w = watch_with(proc, {.process_metrics = true});
  w.good_pass();
  const auto of = [&w](const std::string& name) { return w.series(name, {{"groupname", "shop"}}); };
  EXPECT_THAT(of("process_cpu_seconds_total"), Optional(1.0)) << "since its birth";
  EXPECT_THAT(of("process_start_time_seconds"), Optional(1700000020.0));
  EXPECT_THAT(of("process_open_fds"), Optional(3.0));
  EXPECT_THAT(of("process_max_fds"), Optional(1024.0));
  EXPECT_THAT(of("process_threads"), Optional(4.0));
  EXPECT_THAT(of("process_virtual_memory_bytes"), Optional(1048576.0));
  EXPECT_THAT(of("process_virtual_memory_max_bytes"), Optional(1000000.0));
  EXPECT_THAT(of("process_resident_memory_bytes"), Optional(10.0 * static_cast<double>(sysconf(_SC_PAGESIZE))));
  proc.end(11);
  proc.end(12);
  w.good_pass();
  EXPECT_THAT(of("process_cpu_seconds_total"), Optional(7.5));
  proc.end(10);
  w.good_pass();
  EXPECT_EQ(of("process_cpu_seconds_total"), std::nullopt);
}

TEST(ProcessDetails, TellLimitsAndTheWorstOomScore) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 300});  // whose score FakeProc makes 300
  auto w = watch_with(proc, {});
  w.good_pass();
  EXPECT_THAT(w.value("oom_score", "shop"), Optional(300.0));
  EXPECT_THAT(w.value("max_address_space_bytes", "shop"), Optional(1000000.0));
  for (const pid_t pid : {10, 300}) {
    write_file(proc.path(pid) / "limits", "Max address space         unlimited            unlimited   bytes\n");
  }
  auto unlimited = watch_with(proc, {});
  unlimited.good_pass();
  EXPECT_THAT(unlimited.value("max_address_space_bytes", "shop"), Optional(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(unlimited.value("max_fds", "shop"), std::nullopt);
}

TEST(ProcessDetails, FollowTheOomScoreCloselyAndTheLimitsSlowly) {
  FakeProc proc;
  proc.write({.pid = 10});
  auto w = watch_with(proc, {});
  w.good_pass();
  proc.write({.pid = 10, .max_open_files = 64});
  write_file(proc.path(10) / "oom_score", "900\n");
  w.good_pass();
  EXPECT_THAT(w.value("oom_score", "shop"), Optional(10.0)) << "not in every pass";
  w.advance(std::chrono::seconds(4));
  w.good_pass();
  EXPECT_THAT(w.value("oom_score", "shop"), Optional(900.0));
  EXPECT_THAT(w.value("max_fds", "shop"), Optional(1024.0));
  w.advance(std::chrono::seconds(24));
  w.good_pass();
  EXPECT_THAT(w.value("max_fds", "shop"), Optional(64.0));
}

TEST(ProcessDetails, GiveNoWrongValueForAFileCutAnywhere) {
  ThreadedProc proc;
  const ProcessDetails everything{.threads = true, .wchan = true, .process_metrics = true,
                                  .proportional_memory_every = std::chrono::seconds(1)};
  auto intact = watch_with(proc, everything);
  intact.good_pass();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(proc.path(10))) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  ASSERT_GT(files.size(), 15u);
  for (const auto& file : files) {
    if (file.filename() == "wchan") continue;  // a text without an end: a part of it looks whole
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    for (std::size_t length = 0; length < text.size(); ++length) {
      write_file(file, text.substr(0, length));
      auto w = watch_with(proc, everything);
      ASSERT_TRUE(w.pass());
      const auto same = [&](const std::string& name, const std::string& label, const std::string& value) {
        const auto seen = w.value(name, "shop", label, value);
        ASSERT_TRUE(!seen || seen == intact.value(name, "shop", label, value)) << file << " cut at " << length;
      };
      same("memory_bytes", "memtype", "proportionalResident");
      same("memory_bytes", "memtype", "proportionalSwapped");
      same("oom_score", "", "");
      same("max_fds", "", "");
      same("max_address_space_bytes", "", "");
      same("oldest_start_time_seconds", "", "");
      const auto max = w.series("process_virtual_memory_max_bytes", {{"groupname", "shop"}});
      ASSERT_TRUE(!max || max == 1000000.0) << file << " cut at " << length;
    }
    write_file(file, text);
  }
}

}  // namespace
}  // namespace sidewatch
