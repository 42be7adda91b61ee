// Runs a program of somebody else's once, and comes back in time whatever that does.
//
// No shell: the arguments are a list. The program gets what it is given and nothing else: its environment, its standard
// input, no other open file, no ambient capability, no core file. It stands in a process group of its own. At
// the deadline, or when it has written too much, the group is asked to end and then made to; what it has left behind in
// its group is ended also when all went well. Nothing is left unreaped: where a process cannot be ended (it hangs in the
// kernel, or is another user's), that is said, and no second one is started beside it. When the agent dies, so does the
// program.
//
// Between fork and exec the child makes system calls only: other threads may have held any lock at that moment.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sidewatch::exec {

// Whose rights the program has.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};
// Error::what says why that user cannot be become: there is none of that name, or the agent may not.
Result<Identity> identity_of(const std::string& user);

struct Command {
  std::vector<std::string> arguments;    // the first one is the program's absolute path
  std::vector<std::string> environment;  // NAME=value
  std::string input;                     // what it reads from its standard input
  std::string directory = "/";
  std::optional<Identity> identity;      // absent: the agent's own
  int nice = 0;                          // added to the agent's own
  std::uint64_t max_memory_bytes = 0;    // of address space; 0: no limit
  std::size_t max_output_bytes = std::size_t{1} << 20;
  std::chrono::milliseconds timeout{10'000};
};

struct Run {
  enum class End { exited, signalled, timed_out, wrote_too_much, not_started };
  End end = End::not_started;
  int code = 0;             // the exit code, or the number of the signal
  std::string output;       // what it wrote to standard output
  std::string last_error;   // the last line that it wrote to standard error
  std::string trouble;      // why it was not started, or cannot be ended
  double seconds = 0;
};

class Program {
 public:
  static constexpr std::chrono::milliseconds patience{2'000};  // from being asked to end to being made to
  static constexpr std::size_t max_error_bytes = 4096;         // of standard error that is kept: the end of it

  explicit Program(Command command);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Blocks until the program has ended, at most for the timeout and a little more than `patience`.
  Run run();

  // The same in pieces: start(), then go_on() until it tells how it went. It comes back without that as soon as `wake`
  // (-1: nothing) can be read, or at `until`. Who goes away meanwhile ends the program.
  void start();
  bool is_underway() const;
  std::optional<Run> go_on(int wake, std::chrono::steady_clock::time_point until);

 private:
  struct Underway;
  void finish(Underway& it);

  const Command command_;
  std::unique_ptr<Underway> underway_;
  pid_t unended_ = 0;           // of an earlier run: it could not be ended
  bool may_not_end_ = false;    // as the agent has no right to
  std::vector<pid_t> unreaped_;  // groups whose members were killed and have not ended yet
};

}  // namespace sidewatch::exec
