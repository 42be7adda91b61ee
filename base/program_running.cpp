#include "base/program_running.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/program_child.h"

namespace sidewatch::exec {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds tick{20};  // between two looks where the kernel has no pidfd_open (before 5.3)
constexpr std::size_t chunk_bytes = 16 * 1024;

std::string message_of(int error_number) { return std::generic_category().message(error_number); }

// Away from 0, 1 and 2, which the child puts its own in place of.
Descriptor moved_up(Descriptor descriptor) {
  constexpr int first = 10;
  if (descriptor.get() < 0) return descriptor;  // errno stays what it is
  return Descriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, first));
}

// Signals stay away while there are two of this process, so that no handler of the agent runs in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string why_it_did_not_start(const Command& command, const ChildTrouble& trouble) {
  const auto why = message_of(trouble.error_number);
  switch (trouble.step) {
    case ChildStep::directory: return "the directory " + command.directory + " cannot be entered: " + why;
    case ChildStep::identity: return "the agent may not become that user: " + why;
    case ChildStep::limits: return "its limits cannot be set: " + why;
    case ChildStep::files: return "its standard files cannot be set up: " + why;
    case ChildStep::program: break;
  }
  const auto& path = command.arguments.front();
  if (trouble.error_number == ENOENT && ::access(path.c_str(), F_OK) == 0) {
    return path + " cannot be run: the interpreter that its first line (#!) names is not there";
  }
  if (trouble.error_number == ENOEXEC) return path + " cannot be run: a script needs a first line such as #!/bin/sh";
  return path + " cannot be run: " + why;
}

// What is read from the beginning to the end, and is gone with its last reader. A pipe would have to be filled while the
// program runs, and it may never read.
Descriptor file_of(std::string_view text) {
  if (text.empty()) return Descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  while (file.get() >= 0 && !text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Descriptor();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file.get() >= 0 && ::lseek(file.get(), 0, SEEK_SET) != 0) return Descriptor();
  return file;
}

}  // namespace

bool Pipe::open() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  ours = Descriptor(ends[0]);
  theirs = moved_up(Descriptor(ends[1]));
  return theirs.get() >= 0 && ::fcntl(ours.get(), F_SETFL, O_NONBLOCK) == 0;
}

bool Running::start() {
  if (!output_.open() || !errors_.open() || !trouble_.open()) return fail("no pipe to be had: " + message_of(errno));
  const Descriptor input = moved_up(file_of(command_.input));
  if (input.get() < 0) return fail("its standard input cannot be made: " + message_of(errno));
  if (command_.identity) {  // so that it may open /dev/stdout and /dev/stderr. Who is not root cannot, and need not
    for (const auto* pipe : {&output_, &errors_}) {
      (void)!::fchown(pipe->theirs.get(), command_.identity->user, command_.identity->group);
    }
  }
  const auto arguments = pointers_to(command_.arguments);
  const auto environment = pointers_to(command_.environment);
  const ChildPlan plan{command_, arguments.data(), environment.data(), input.get(), output_.theirs.get(),
                       errors_.theirs.get(), trouble_.theirs.get(), ::getpid()};
  {
    const SignalsBlocked blocked;
    pid_ = ::_Fork();  // runs nobody's handlers: the child is to touch nothing that threads of the agent share
    if (pid_ == 0) become(plan);
  }
  if (pid_ < 0) return fail("no process to be had: " + message_of(errno));
  (void)::setpgid(pid_, pid_);  // the child does it too: whoever comes first
  for (auto* pipe : {&output_, &errors_, &trouble_}) pipe->theirs = Descriptor();
  pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  return true;
}

bool Running::look(Steady::time_point deadline, int wake) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
  const auto wait = pidfd_.get() < 0 ? std::min(left, tick) : left;
  std::array<pollfd, 4> files{{{output_.ours.get(), POLLIN, 0},
                               {errors_.ours.get(), POLLIN, 0},
                               {pidfd_.get(), POLLIN, 0},
                               {wake, POLLIN, 0}}};
  (void)::poll(files.data(), files.size(), static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
  drain();
  siginfo_t info{};
  ended_ = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  return files.back().revents != 0;
}

void Running::signal_group(int number) { may_not_ = ::kill(-pid_, number) != 0 && errno == EPERM; }

bool Running::reap() {
  signal_group(SIGKILL);
  drain();
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  run_.end = info.si_code == CLD_EXITED ? Run::End::exited : Run::End::signalled;
  run_.code = info.si_status;
  const auto deadline = Steady::now() + after_kill;
  while (!is_reaped(pid_)) {
    if (Steady::now() >= deadline) return false;
    (void)::poll(nullptr, 0, 1);
  }
  return true;
}

std::optional<std::string> Running::trouble() {
  ChildTrouble trouble;
  const auto got = ::read(trouble_.ours.get(), &trouble, sizeof trouble);
  if (got != static_cast<ssize_t>(sizeof trouble)) return std::nullopt;
  return why_it_did_not_start(command_, trouble);
}

bool Running::fail(std::string why) {
  run_.trouble = std::move(why);
  return false;
}

void Running::drain() {
  take(output_.ours, run_.output, command_.max_output_bytes + 1);
  std::string text;
  take(errors_.ours, text, std::string::npos);
  error_bytes_ += text.size();
  error_text_ += text;
  too_much_ = run_.output.size() > command_.max_output_bytes || error_bytes_ > command_.max_output_bytes;
  if (too_much_) {
    output_.ours = Descriptor();  // it is told so at its next write
    errors_.ours = Descriptor();
  }
  if (error_text_.size() > Program::max_error_bytes) {
    error_text_.erase(0, error_text_.size() - Program::max_error_bytes);
  }
}

// What is there now, as far as there is room; closes a pipe that nobody holds any more.
void Running::take(Descriptor& from, std::string& into, std::size_t most) const {
  std::array<char, chunk_bytes> chunk{};
  constexpr int most_chunks = 64;  // then the clock is looked at again
  for (int i = 0; i < most_chunks && from.get() >= 0 && into.size() < most; ++i) {
    const auto got = ::read(from.get(), chunk.data(), std::min(chunk.size(), most - into.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) from = Descriptor();
    into.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

bool is_reaped(pid_t group) {
  pid_t got = 0;
  while ((got = ::waitpid(-group, nullptr, WNOHANG)) > 0 || (got < 0 && errno == EINTR)) {
  }
  return got < 0;
}

}  // namespace sidewatch::exec
