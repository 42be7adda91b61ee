// What the collector does where the kernel refuses: as another user, and without /proc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/collectors/process/harness.h"
#include "tests/collectors/process/live_child.h"

namespace sidewatch {
namespace {

TEST(LiveProcess, GoesOnWithoutWhatItMayNotRead) {
  if (geteuid() != 0) GTEST_SKIP() << "becoming somebody else takes root";
  const auto name = unique_name("priv");
  const Child child([&] { rename_to(name); });
  enum Status { as_promised = 0, not_told_once = 1, lost_the_rest = 2, made_up = 3 };
  const pid_t pid = fork();
  if (pid == 0) {
    constexpr uid_t nobody = 65534;
    if (setgid(nobody) != 0 || setuid(nobody) != 0) _exit(not_told_once);
    auto group = group_named("priv", by_comm(name));
    group.details = {.threads = true, .wchan = true, .process_metrics = true,
                     .proportional_memory_every = std::chrono::seconds(1)};
    Watch w({group});
    const auto first = w.pass();
    const auto second = w.pass();
    if (!first || !second || first->partial_errors < 2 || second->partial_errors != 0) _exit(not_told_once);
    const auto file = "/proc/" + std::to_string(child.pid()) + "/smaps_rollup";
    const std::string words = "cannot read " + file + ": Permission denied (it takes the same user, root, or "
                              "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; told once for all processes)";
    const auto told = texts_of(first->news);
    if (std::count(told.begin(), told.end(), words) != 1) _exit(not_told_once);
    // In each pass in which there are some the agent says so, and that all is well in the next one without.
    if (!first->first_partial_error.empty() || !second->news.empty()) _exit(not_told_once);
    if (w.processes("priv") != 1.0 || !(w.value("memory_bytes", "priv", "memtype", "resident") > 0.0)) {
      _exit(lost_the_rest);
    }
    if (w.value("read_bytes_total", "priv") || !w.value("cpu_seconds_total", "priv")) _exit(made_up);
    if (w.value("memory_bytes", "priv", "memtype", "proportionalResident")) _exit(made_up);
    if (!w.series("process_cpu_seconds_total", {{"groupname", "priv"}})) _exit(lost_the_rest);
    if (!w.value("oom_score", "priv")) _exit(lost_the_rest);
    _exit(as_promised);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), as_promised);
}

TEST(LiveProcess, SaysThatItMayNotSeeWhoListensOnAPort) {
  if (geteuid() != 0) GTEST_SKIP() << "becoming somebody else takes root";
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto name = unique_name("serves");
  const Child server([&] {
    rename_to(name);
    listen(listener, 1);
  });
  close(listener);
  enum Status { as_promised = 0, wrong_words = 1, seen = 2 };
  const pid_t pid = fork();
  if (pid == 0) {
    constexpr uid_t nobody = 65534;
    if (setgid(nobody) != 0 || setuid(nobody) != 0) _exit(wrong_words);
    auto match = by_comm(name);
    match.port = ntohs(address.sin_port);
    Watch w({group_named("shop", match)});
    w.good_pass();
    const auto news = texts_of(w.good_pass().news);
    const std::string words = "group shop: somebody listens on port " + std::to_string(match.port) + ", but the agent "
                              "may not see who: that takes the same user, root, or CAP_SYS_PTRACE and "
                              "CAP_DAC_READ_SEARCH. To match by unit or cmdline takes no right";
    if (news != std::vector<std::string>{words}) _exit(wrong_words);
    _exit(w.processes("shop") == 0.0 ? as_promised : seen);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), as_promised);
}

TEST(LiveProcess, TakesTheFirstArgumentForAProgramThatItMayNotLookAt) {
  if (geteuid() != 0) GTEST_SKIP() << "becoming somebody else takes root";
  const auto argument = unique_name("/opt/renamed");
  int told[2];
  ASSERT_EQ(pipe2(told, O_CLOEXEC), 0);
  const pid_t sleeper = fork();
  if (sleeper == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("sleep", argument.c_str(), "1000", nullptr);
    _exit(127);
  }
  close(told[1]);
  char byte = 0;
  EXPECT_EQ(read(told[0], &byte, 1), 0);  // closed by exec
  close(told[0]);
  const pid_t pid = fork();
  if (pid == 0) {
    constexpr uid_t nobody = 65534;
    if (setgid(nobody) != 0 || setuid(nobody) != 0) _exit(2);
    Watch w({group_named("renamed", by_exe(argument))});
    _exit(w.pass() && w.processes("renamed") == 1.0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  kill(sleeper, SIGKILL);
  waitpid(sleeper, nullptr, 0);
}

TEST(LiveProcess, GoesOnWhenProcIsCoveredWhileItRuns) {
  // In a child with mounts of its own. Exit status 47 is what libproc2 ends a program with when it misses /proc.
  enum Status { as_promised = 0, not_permitted = 1, no_error = 2, wrong_error = 3 };
  const pid_t pid = fork();
  if (pid == 0) {
    ProcessMatch match;
    match.pid = ProcessWord::self;
    Watch running({group_named("me", match)});
    if (unshare(CLONE_NEWNS) != 0) _exit(not_permitted);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(not_permitted);
    if (!running.pass() || mount("none", "/proc", "tmpfs", 0, nullptr) != 0) _exit(not_permitted);
    Watch started_without({group_named("me", match)});
    for (Watch* w : {&running, &started_without}) {
      w->advance(std::chrono::seconds(5));  // an open loadavg still says that nobody came or went: not for longer
      const auto outcome = w->pass();
      if (outcome) _exit(no_error);
      if (outcome.error().text().find("holds no process") == std::string::npos) _exit(wrong_error);
    }
    _exit(as_promised);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == not_permitted) GTEST_SKIP() << "mounting takes root";
  EXPECT_EQ(WEXITSTATUS(status), as_promised);
}

}  // namespace
}  // namespace sidewatch
