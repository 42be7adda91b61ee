// One run of a program, from the fork to the reaping: its process, its pipes, and what has come through them. When a run
// has lasted long enough is not known here: base/program.cpp sees to that.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/program.h"

namespace sidewatch::exec {

inline constexpr std::chrono::milliseconds after_kill{1'000};  // for the kernel to end what was killed

struct Pipe {
  Descriptor ours;
  Descriptor theirs;
  bool open();
};

class Running {
 public:
  Running(const Command& command, Run& run) : command_(command), run_(run) {}

  // False when it was not started, which `run` then says.
  bool start();

  // Until something has happened. True when `wake` can be read.
  bool look(std::chrono::steady_clock::time_point deadline, int wake);

  bool ended() const { return ended_; }
  bool wrote_too_much() const { return too_much_; }
  pid_t pid() const { return pid_; }
  void signal_group(int number);
  bool may_not_signal() const { return may_not_; }

  // After its end: ends what it left in its group, takes what is still in the pipes, and only then gives its number free.
  // Where the agent is the first process of a container, what was left in the group has become its child and is reaped
  // also. False when that takes longer.
  bool reap();

  // Why the program itself was never begun.
  std::optional<std::string> trouble();

  const std::string& errors() const { return error_text_; }

 private:
  bool fail(std::string why);
  void drain();
  void take(Descriptor& from, std::string& into, std::size_t most) const;

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

// Reaps what has ended of a group. False while one of it is still there that will be a zombie of the agent.
bool is_reaped(pid_t group);

}  // namespace sidewatch::exec
