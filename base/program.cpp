#include "base/program.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "base/program_child.h"

namespace sidewatch::exec {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds after_kill{1'000};   // for the kernel to end what was killed
constexpr milliseconds tick{20};            // between two looks where the kernel has no pidfd_open (before 5.3)
constexpr std::size_t chunk_bytes = 16 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// Away from 0, 1 and 2, which the child puts its own in place of.
Descriptor moved_up(Descriptor descriptor) {
  constexpr int first = 10;
  if (descriptor.get() < 0) return descriptor;  // errno stays what it is
  return Descriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, first));
}

struct Pipe {
  Descriptor ours;
  Descriptor theirs;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    ours = Descriptor(ends[0]);
    theirs = moved_up(Descriptor(ends[1]));
    return theirs.get() >= 0 && ::fcntl(ours.get(), F_SETFL, O_NONBLOCK) == 0;
  }
};

std::string message_of(int error_number) { return std::generic_category().message(error_number); }

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

// Reaps what has ended of a group. False while one of it is still there that will be a zombie of the agent.
bool is_reaped(pid_t group) {
  pid_t got = 0;
  while ((got = ::waitpid(-group, nullptr, WNOHANG)) > 0 || (got < 0 && errno == EINTR)) {
  }
  return got < 0;
}

// One run, from the fork to the reaping.
class Running {
 public:
  Running(const Command& command, Run& run) : command_(command), run_(run) {}

  // False when it was not started, which `run` then says.
  bool start() {
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
    for (auto* pipe : {&output_, &errors_, &trouble_}) pipe->theirs.close();
    pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    return true;
  }

  // Until something has happened. True when `wake` can be read.
  bool look(Steady::time_point deadline, int wake) {
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

  bool ended() const { return ended_; }
  bool wrote_too_much() const { return too_much_; }
  pid_t pid() const { return pid_; }
  void signal_group(int number) { may_not_ = ::kill(-pid_, number) != 0 && errno == EPERM; }
  bool may_not_signal() const { return may_not_; }

  // After its end: ends what it left in its group, takes what is still in the pipes, and only then gives its number free.
  // Where the agent is the first process of a container, what was left in the group has become its child and is reaped
  // also. False when that takes longer.
  bool reap() {
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

  // Why the program itself was never begun.
  std::optional<std::string> trouble() {
    ChildTrouble trouble;
    const auto got = ::read(trouble_.ours.get(), &trouble, sizeof trouble);
    if (got != static_cast<ssize_t>(sizeof trouble)) return std::nullopt;
    return why_it_did_not_start(command_, trouble);
  }

  const std::string& errors() const { return error_text_; }

 private:
  bool fail(std::string why) {
    run_.trouble = std::move(why);
    return false;
  }

  void drain() {
    take(output_.ours, run_.output, command_.max_output_bytes + 1);
    std::string text;
    take(errors_.ours, text, std::string::npos);
    error_bytes_ += text.size();
    error_text_ += text;
    too_much_ = run_.output.size() > command_.max_output_bytes || error_bytes_ > command_.max_output_bytes;
    if (too_much_) {
      output_.ours.close();  // it is told so at its next write
      errors_.ours.close();
    }
    if (error_text_.size() > Program::max_error_bytes) {
      error_text_.erase(0, error_text_.size() - Program::max_error_bytes);
    }
  }

  // What is there now, as far as there is room; closes a pipe that nobody holds any more.
  void take(Descriptor& from, std::string& into, std::size_t most) const {
    std::array<char, chunk_bytes> chunk{};
    constexpr int most_chunks = 64;  // then the clock is looked at again
    for (int i = 0; i < most_chunks && from.get() >= 0 && into.size() < most; ++i) {
      const auto got = ::read(from.get(), chunk.data(), std::min(chunk.size(), most - into.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;
      if (got == 0) from.close();
      into.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }

  const Command& command_;
  Run& run_;
  Pipe output_;
  Pipe errors_;
  Pipe trouble_;
  Descriptor pidfd_;
  pid_t pid_ = -1;
  bool ended_ = false;
  bool too_much_ = false;
  bool may_not_ = false;  // at the last signal
  std::string error_text_;
  std::size_t error_bytes_ = 0;
};

std::string last_line(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  const auto begin = text.rfind('\n');
  return std::string(begin == std::string_view::npos ? text : text.substr(begin + 1));
}

enum class Stage { runs, was_asked_to_end, was_made_to_end };

std::string why_not_ended(pid_t pid, bool may_not) {
  const auto process = "the process " + std::to_string(pid);
  if (!may_not) return process + " hangs in the kernel";
  return process + " runs as another user, and the agent has no right to end it (that needs the capability CAP_KILL)";
}

}  // namespace

struct Program::Underway {
  explicit Underway(const Command& command)
      : running(command, run), began(Steady::now()), deadline(began + command.timeout) {}

  // One step further; false when there is none.
  bool end_it() {
    if (stage == Stage::was_made_to_end) return false;
    const bool asks = stage == Stage::runs;
    running.signal_group(asks ? SIGTERM : SIGKILL);
    deadline = Steady::now() + (asks ? patience : after_kill);
    stage = asks ? Stage::was_asked_to_end : Stage::was_made_to_end;
    return true;
  }

  Run run;
  Running running;
  const Steady::time_point began;
  Steady::time_point deadline;  // of the stage
  Stage stage = Stage::runs;
  bool started = false;
};

// Where the agent was started with SIGCHLD ignored, the kernel throws exit codes away.
Program::Program(Command command) : command_(std::move(command)) {
  struct sigaction now {};
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) ::signal(SIGCHLD, SIG_DFL);
}

// What still runs is not asked: nobody would hear the answer.
Program::~Program() {
  if (underway_ && underway_->started) {
    underway_->running.signal_group(SIGKILL);
    const auto deadline = Steady::now() + after_kill;
    while (!underway_->running.ended() && Steady::now() < deadline) (void)underway_->running.look(deadline, -1);
    if (underway_->running.ended()) (void)underway_->running.reap();
  }
  if (unended_ != 0) (void)is_reaped(unended_);
  for (const auto group : unreaped_) (void)is_reaped(group);
}

Run Program::run() {
  start();
  return go_on(-1, Steady::time_point::max()).value_or(Run());
}

bool Program::is_underway() const { return underway_ != nullptr; }

void Program::start() {
  underway_ = std::make_unique<Underway>(command_);
  std::erase_if(unreaped_, is_reaped);
  if (unended_ != 0 && !is_reaped(unended_)) {
    underway_->run.trouble = "an earlier run cannot be ended: " + why_not_ended(unended_, may_not_end_);
    return;
  }
  unended_ = 0;
  underway_->started = underway_->running.start();
}

std::optional<Run> Program::go_on(int wake, Steady::time_point until) {
  auto& it = *underway_;
  while (it.started && !it.running.ended()) {
    const auto now = Steady::now();
    const bool too_much = it.stage == Stage::runs && it.running.wrote_too_much();
    if (now >= it.deadline || too_much) {
      if (!it.end_it()) break;
      continue;
    }
    if (now >= until) return std::nullopt;
    const bool woken = it.running.look(std::min(it.deadline, until), wake);
    if (woken && !it.running.ended()) return std::nullopt;
  }
  const auto done = std::move(underway_);
  if (done->started) finish(*done);
  return std::move(done->run);
}

void Program::finish(Underway& it) {
  auto& run = it.run;
  auto& running = it.running;
  if (running.ended()) {
    if (!running.reap()) unreaped_.push_back(running.pid());
  } else {
    unended_ = running.pid();
    may_not_end_ = running.may_not_signal();
    run.trouble = "cannot be ended: " + why_not_ended(unended_, may_not_end_);
  }
  if (it.stage != Stage::runs) run.end = Run::End::timed_out;
  if (running.wrote_too_much()) run.end = Run::End::wrote_too_much;
  if (auto trouble = running.trouble()) {
    run.end = Run::End::not_started;
    run.trouble = std::move(*trouble);
  }
  run.last_error = last_line(running.errors());
  run.seconds = std::chrono::duration<double>(Steady::now() - it.began).count();
}

Result<Identity> identity_of(const std::string& user) {
  std::vector<char> text(std::size_t{16} << 10);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr) {
    return Error{"there is no user '" + user + "' on this machine" + (error != 0 ? ": " + message_of(error) : ""), ""};
  }
  Identity identity{entry.pw_uid, entry.pw_gid, {}};
  if (::geteuid() != 0 && ::geteuid() != identity.user) {
    return Error{"the agent does not run as root and so cannot become the user '" + user +
                     "': take the key user away, or have it run by sudo",
                 ""};
  }
  if (::geteuid() != 0) identity.group = ::getegid();  // it is the agent's own user, and a service may have another group
  int count = 256;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), identity.group, identity.groups.data(), &count) < 0) count = 256;
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

}  // namespace sidewatch::exec
