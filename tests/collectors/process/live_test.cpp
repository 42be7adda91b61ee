// The process collector over the machine's own /proc: real children that allocate, open, spin, rename themselves, die.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/collectors/process/harness.h"
#include "tests/collectors/process/live_child.h"

namespace sidewatch {
namespace {

using testing::Ge;
using testing::Gt;
using testing::Le;
using testing::Lt;
using testing::Optional;

TEST(LiveProcess, SeesTheMemoryThatAChildTakesAndGivesBack) {
  const auto name = unique_name("mem");
  const Child child([&] {
    rename_to(name);
    constexpr std::size_t bytes = std::size_t{64} << 20;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, bytes);
  });
  Watch w({group_named("mem", by_comm(name))});
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  EXPECT_THAT(w.processes("mem"), Optional(1.0));
  EXPECT_THAT(w.value("memory_bytes", "mem", "memtype", "resident"), Optional(Ge(64.0 * (1 << 20))));
  EXPECT_THAT(w.value("memory_bytes", "mem", "memtype", "virtual"), Optional(Ge(64.0 * (1 << 20))));
  EXPECT_THAT(w.value("num_threads", "mem"), Optional(1.0));
}

TEST(LiveProcess, CountsOpenFilesAndTheirLimit) {
  const auto name = unique_name("fds");
  const Child child([&] {
    rename_to(name);
    close_range(64, ~0U, 0);  // whatever the test was started with
    const rlimit limit{128, 128};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (open("/dev/null", O_RDONLY) < 63) {}
  });
  Watch w({group_named("fds", by_comm(name))});
  w.good_pass();
  // The descriptors from 0 to 63: open() gives the lowest that is free.
  EXPECT_THAT(w.value("open_filedesc", "fds"), Optional(64.0));
  EXPECT_THAT(w.value("max_fds", "fds"), Optional(128.0));
  EXPECT_THAT(w.value("worst_fd_ratio", "fds"), Optional(0.5));
}

TEST(LiveProcess, CountsTheCpuTimeOfAChildBornWhileWatching) {
  const auto name = unique_name("spin");
  Watch w({group_named("spin", by_comm(name))});
  w.good_pass();
  const Child child([&] {
    rename_to(name);
    rusage used{};
    do {
      getrusage(RUSAGE_SELF, &used);
    } while (used.ru_utime.tv_sec * 1'000'000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec < 100'000);
  });
  w.good_pass();
  const auto user = w.value("cpu_seconds_total", "spin", "mode", "user");
  const auto system = w.value("cpu_seconds_total", "spin", "mode", "system");
  ASSERT_TRUE(user && system);
  EXPECT_GE(*user + *system, 0.08);
  EXPECT_LT(*user + *system, 5.0);
  EXPECT_THAT(w.value("minor_page_faults_total", "spin"), Optional(Gt(0.0)));
}

TEST(LiveProcess, IsNotFooledByNames) {
  for (const std::string name : {"x) R 1 (", "a b", "l\nb", "\xff\xfe\xfd", "h\xc3\xa9llo?", "."}) {
    const Child child([&] { rename_to(name); });
    auto match = by_comm(name);
    match.parent = ProcessWord::self;
    Watch w({group_named("odd", match)});
    w.good_pass();
    EXPECT_THAT(w.processes("odd"), Optional(1.0)) << name;
    EXPECT_THAT(w.value("states", "odd", "state", "Sleeping"), Optional(1.0)) << name;
    EXPECT_THAT(w.value("num_threads", "odd"), Optional(1.0)) << name;
  }
}

TEST(LiveProcess, ShowsAZombieAndThenNothing) {
  const auto name = unique_name("zomb");
  Child child([&] { rename_to(name); });
  Watch w({group_named("zombie", by_comm(name))});
  w.good_pass();
  child.kill_it();
  child.wait_until_zombie();
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  EXPECT_THAT(w.processes("zombie"), Optional(1.0));
  EXPECT_THAT(w.value("states", "zombie", "state", "Zombie"), Optional(1.0));
  EXPECT_THAT(w.value("memory_bytes", "zombie", "memtype", "resident"), Optional(0.0));
  child.reap();
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  EXPECT_THAT(w.processes("zombie"), Optional(0.0));
}

TEST(LiveProcess, ShowsAStoppedProcessAsOther) {
  const auto name = unique_name("stop");
  const Child child([&] { rename_to(name); });
  kill(child.pid(), SIGSTOP);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED), 0);
  Watch w({group_named("stopped", by_comm(name))});
  w.good_pass();
  EXPECT_THAT(w.value("states", "stopped", "state", "Other"), Optional(1.0));
}

TEST(LiveProcess, FindsWhoListensOnAPortOverIpv4AndIpv6) {
  for (const int family : {AF_INET, AF_INET6}) {
    const int socket_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (socket_fd < 0 || bind(socket_fd, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      ASSERT_EQ(family, AF_INET6) << "no loopback address to listen on";
      continue;  // a machine without IPv6
    }
    getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size);
    const int port = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in*>(&address)->sin_port
                                             : reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
    ProcessMatch match;
    match.port = port;
    match.parent = ProcessWord::self;
    Watch w({group_named("server", match)});
    const Child bystander([&] { close(socket_fd); });
    w.good_pass();
    EXPECT_THAT(w.processes("server"), Optional(0.0)) << "nobody listens yet";
    const Child server([&] { listen(socket_fd, 1); });
    close(socket_fd);
    w.good_pass();
    EXPECT_THAT(w.processes("server"), Optional(1.0)) << port;
  }
}

TEST(LiveProcess, SeesAProcessAfterExec) {
  auto match = by_exe("sleep");
  match.parent = ProcessWord::self;
  Watch by_program({group_named("exec", match)});
  by_program.good_pass();
  int started[2];
  ASSERT_EQ(pipe2(started, O_CLOEXEC), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char byte = 0;
    close(started[1]);
    if (read(started[0], &byte, 1) != 0) _exit(1);
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(127);
  }
  close(started[0]);
  by_program.good_pass();
  EXPECT_THAT(by_program.processes("exec"), Optional(0.0));
  close(started[1]);  // lets it go on
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (bool found = false; !found && std::chrono::steady_clock::now() < until;) {
    by_program.advance(std::chrono::milliseconds(-999));  // it stays young however often it is looked at
    by_program.good_pass();
    found = by_program.processes("exec") == 1.0;
  }
  EXPECT_THAT(by_program.processes("exec"), Optional(1.0));
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST(LiveProcess, WatchesItself) {
  ProcessMatch match;
  match.pid = ProcessWord::self;
  Watch w({group_named("me", match, false)});
  EXPECT_EQ(w.good_pass().partial_errors, 0u);
  EXPECT_THAT(w.processes("me"), Optional(1.0));
  EXPECT_THAT(w.value("memory_bytes", "me", "memtype", "resident"), Optional(Gt(1.0e6)));
  EXPECT_THAT(w.value("worst_fd_ratio", "me"), Optional(testing::AllOf(Gt(0.0), Le(1.0))));
  const auto started = w.value("oldest_start_time_seconds", "me");
  ASSERT_TRUE(started);
  const double now = static_cast<double>(time(nullptr));
  EXPECT_GT(*started, now - 600);
  EXPECT_LT(*started, now + 5);
}

TEST(LiveProcess, CountsTheSwitchesOfAllThreads) {
  const auto name = unique_name("thr");
  Watch w({group_named("threads", by_comm(name))});
  w.good_pass();
  const Child child([&] {
    rename_to(name);
    std::atomic<int> finished{0};
    for (int i = 0; i < 4; ++i) {
      std::thread([&finished] {
        for (int n = 0; n < 200; ++n) usleep(10);
        ++finished;
        finished.notify_one();
        while (true) pause();
      }).detach();
    }
    for (int n = finished; n < 4; n = finished) finished.wait(n);  // the main thread itself hardly ever sleeps
  });
  w.good_pass();
  EXPECT_THAT(w.value("num_threads", "threads"), Optional(5.0));
  EXPECT_THAT(w.value("context_switches_total", "threads", "ctxswitchtype", "voluntary"), Optional(Ge(600.0)));
}

TEST(LiveProcess, HoldsNoMoreFilesThanItsBudget) {
  const auto name = unique_name("many");
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 12; ++i) children.push_back(std::make_unique<Child>([&] { rename_to(name); }));
  const auto open_files = [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  };
  const auto before = open_files();
  {
    Watch w({group_named("many", by_comm(name))}, {.max_kept_files = 16});
    for (int i = 0; i < 3; ++i) w.good_pass();
    EXPECT_THAT(w.processes("many"), Optional(12.0));
    EXPECT_LE(open_files(), before + 16 + 5) << "the budget, and a few for the collector itself";
    children.resize(2);
    w.good_pass();
    EXPECT_THAT(w.processes("many"), Optional(2.0));
  }
  EXPECT_EQ(open_files(), before);
}

TEST(LiveProcess, LivesThroughAStormOfShortProcesses) {
  ProcessMatch match;
  match.parent = ProcessWord::self;
  Watch w({group_named("storm", match)});
  w.good_pass();
  for (int round = 0; round < 20; ++round) {
    std::vector<pid_t> pids;
    for (int i = 0; i < 20; ++i) {
      const pid_t pid = fork();
      if (pid == 0) _exit(0);
      pids.push_back(pid);
    }
    EXPECT_EQ(w.good_pass().partial_errors, 0u);
    EXPECT_THAT(w.processes("storm"), Optional(Le(20.0)));
    for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
  }
  w.good_pass();
  EXPECT_THAT(w.processes("storm"), Optional(0.0));
}

TEST(LiveProcess, CountsTheCpuTimeOfThreadsByName) {
  const auto name = unique_name("byn");
  auto group = group_named("threads", by_comm(name));
  group.details = {.threads = true, .proportional_memory_every = std::chrono::seconds(1)};
  Watch w({group});
  w.good_pass();
  const Child child([&] {
    rename_to(name);
    std::atomic<bool> finished{false};
    std::thread([&finished] {
      rename_to("spinner");
      timespec used{};
      while (used.tv_sec == 0 && used.tv_nsec < 200'000'000) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
      finished = true;
      finished.notify_one();
      while (true) pause();
    }).detach();
    finished.wait(false);
  });
  w.good_pass();
  const auto cpu = [&w](const char* mode, const std::string& thread) {
    return w.series("namedprocess_namegroup_thread_cpu_seconds_total",
                    {{"groupname", "threads"}, {"mode", mode}, {"threadname", thread}}).value_or(-1);
  };
  EXPECT_GE(cpu("user", "spinner") + cpu("system", "spinner"), 0.15);
  EXPECT_LT(cpu("user", name), 0.1);
  EXPECT_THAT(w.value("thread_count", "threads", "threadname", "spinner"), Optional(1.0));
  const auto resident = w.value("memory_bytes", "threads", "memtype", "resident");
  EXPECT_THAT(w.value("memory_bytes", "threads", "memtype", "proportionalResident"),
              Optional(testing::AllOf(Gt(0.0), Le(*resident))));
}

}  // namespace
}  // namespace sidewatch
