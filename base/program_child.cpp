// Identities are set by the bare system calls: those of the C library would also look for the agent's other threads.
#include "base/program_child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sidewatch::exec {
namespace {

constexpr int kTrouble = 3;          // where plan.trouble goes, behind the three standard files
constexpr int kLastOldClose = 4096;  // for kernels without close_range (before 5.9): ours are closed by exec in any case

[[noreturn]] void give_up(int to, ChildStep step) {
  const ChildTrouble trouble{step, errno};
  [[maybe_unused]] const auto written = ::write(to, &trouble, sizeof trouble);
  ::_exit(127);
}

void close_the_rest() {
  if (::syscall(SYS_close_range, static_cast<unsigned>(kTrouble + 1), ~0U, 0U) == 0) return;
  for (int fd = kTrouble + 1; fd < kLastOldClose; ++fd) ::close(fd);
}

void forget_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Never above what is allowed now.
bool limit(int what, rlim_t to) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &now) != 0) return false;
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < to) to = now.rlim_max;
  now.rlim_cur = now.rlim_max = to;
  return ::setrlimit(static_cast<__rlimit_resource>(what), &now) == 0;
}

bool set_limits(const Command& command) {
  if (command.max_memory_bytes > 0 && !limit(RLIMIT_AS, command.max_memory_bytes)) return false;
  if (command.nice > 0) {
    errno = 0;
    const int now = ::getpriority(PRIO_PROCESS, 0);
    if (errno != 0 || ::setpriority(PRIO_PROCESS, 0, now + command.nice) != 0) return false;
  }
  return limit(RLIMIT_CORE, 0);
}

bool set_identity(const Identity& identity) {
  if (::geteuid() == 0 &&
      ::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) != 0) {
    return false;
  }
  return ::syscall(SYS_setresgid, identity.group, identity.group, identity.group) == 0 &&
         ::syscall(SYS_setresuid, identity.user, identity.user, identity.user) == 0;
}

}  // namespace

void become(const ChildPlan& plan) {
  (void)::setpgid(0, 0);
  const bool files = ::dup2(plan.input, 0) == 0 && ::dup2(plan.output, 1) == 1 && ::dup2(plan.errors, 2) == 2;
  if (!files || ::dup3(plan.trouble, kTrouble, O_CLOEXEC) != kTrouble) give_up(plan.trouble, ChildStep::files);
  close_the_rest();
  if (!set_limits(plan.command)) give_up(kTrouble, ChildStep::limits);
  if (plan.command.identity && !set_identity(*plan.command.identity)) give_up(kTrouble, ChildStep::identity);
  if (::chdir(plan.command.directory.c_str()) != 0) give_up(kTrouble, ChildStep::directory);
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // behind the change of identity, which takes it back
  if (::getppid() != plan.parent) ::_exit(127);
  ::umask(022);
  forget_signals();
  ::execve(plan.arguments[0], plan.arguments, plan.environment);
  give_up(kTrouble, ChildStep::program);
}

}  // namespace sidewatch::exec
