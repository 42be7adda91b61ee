// What is known about a process when it is decided which group it belongs to, and who finds that out.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch {

// One process as it was at one moment. Texts are the bytes that the process chose: any bytes, no NUL.
struct ProcessDescription {
  pid_t pid = 0;
  pid_t ppid = 0;
  std::uint64_t start_ticks = 0;  // after boot; with the PID it identifies a process
  std::string comm;               // at most 15 bytes
  std::string exe;                // path without the kernel's " (deleted)"; empty: there is none, or it may not be read
  std::string cmdline;            // arguments joined by one space; empty for kernel threads and zombies
  std::size_t argv0_bytes = 0;    // how much of it is the first argument
  std::string user;               // the effective user's number, and
  std::string user_name;          // name, which is the number where nobody knows a name
  std::string cgroups;            // the text of its file `cgroup`

  std::string_view argv0() const { return std::string_view(cmdline).substr(0, argv0_bytes); }
};

// Which texts somebody asks for: each costs opening one more file of every process, so the others stay empty.
struct DescribedTexts {
  bool exe = true;
  bool cmdline = true;
  bool user = true;
  bool cgroups = true;
};

constexpr std::size_t max_cmdline_bytes = std::size_t{16} << 10;  // a command line is matched up to here
constexpr std::size_t max_cgroup_bytes = std::size_t{16} << 10;   // likewise

// Mends the texts as the kernel and libproc2 give them: NULs and newlines in the command line become spaces, those at
// its end go; the program's path loses " (deleted)".
void normalise(ProcessDescription& process);

// Describes processes by their PIDs. Used from one thread only.
class ProcessDescriber {
 public:
  virtual ~ProcessDescriber() = default;

  // Appends a description for each of `pids` that still exists, in any order. What cannot be read stays empty.
  virtual void describe(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) = 0;
};

// Reads the files under a procfs root, which may be a fixture or another machine's.
std::unique_ptr<ProcessDescriber> make_file_describer(std::string procfs, DescribedTexts texts = {});

// Asks libproc2, which knows only /proc, about many processes at once, and reads the files of a few. Null when /proc is
// not mounted.
std::unique_ptr<ProcessDescriber> make_libproc2_describer(DescribedTexts texts = {});

// From how many processes in one question the library is asked.
constexpr std::size_t many_processes = 32;

}  // namespace sidewatch
