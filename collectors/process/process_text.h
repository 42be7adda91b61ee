// The texts of /proc/PID/{stat,status,io,limits} and /proc/net/tcp as values: pure functions.
//
// Nothing is trusted: a truncated or strange text gives nothing or fewer values, never garbage. Formats: proc(5) and
// the kernel's Documentation/filesystems/proc.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sidewatch {

struct StatText {
  pid_t pid = 0;
  std::string_view comm;  // points into the text
  char state = '?';       // R S D Z T t X I ...
  pid_t ppid = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};
// Nothing unless every field up to rss is there. The name ends at the last ')': it may itself contain ") R 1 (".
std::optional<StatText> parse_stat(std::string_view text);

// Whether the stat of a task is that of a thread beside its process's first: it has no signal to send when it ends.
bool is_thread(std::string_view stat);

struct StatusText {
  std::optional<std::uint64_t> swapped_bytes;  // absent for kernel threads and zombies
  std::optional<std::uint64_t> voluntary_switches;
  std::optional<std::uint64_t> nonvoluntary_switches;
};
StatusText parse_status(std::string_view text);

struct IoText {
  std::optional<std::uint64_t> read_bytes;
  std::optional<std::uint64_t> write_bytes;
};
IoText parse_io(std::string_view text);

// The number of the effective user, from the same file.
std::optional<uid_t> parse_effective_user(std::string_view status);

// How much memory a process uses when what several share is divided among them; from /proc/PID/smaps_rollup.
struct ProportionalMemory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t swapped_bytes = 0;
};
std::optional<ProportionalMemory> parse_smaps_rollup(std::string_view text);

// The soft limit on open files; nothing when it is missing, infinity is the largest number.
std::optional<std::uint64_t> parse_max_open_files(std::string_view limits);

// The soft limit on virtual memory in bytes; likewise.
std::optional<std::uint64_t> parse_max_address_space(std::string_view limits);

// "btime" of /proc/stat: when the machine started, seconds since 1970.
std::optional<std::uint64_t> parse_boot_time(std::string_view text);

// The end of /proc/loadavg, "1/123 4567": how many processes and threads there are on the machine, and the PID given
// out last in the reader's PID namespace. Equal pairs: none of them began or ended meanwhile.
struct TaskCounts {
  std::uint64_t tasks = 0;
  pid_t last_pid = 0;
  bool operator==(const TaskCounts&) const = default;
};
std::optional<TaskCounts> parse_task_counts(std::string_view loadavg);

// A PID as the only word of a pid file.
std::optional<pid_t> parse_pid_file(std::string_view text);

// One line of /proc/net/tcp or tcp6.
struct TcpLine {
  bool listening = false;
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
};
std::optional<TcpLine> parse_tcp_line(std::string_view line);

// The inode of a socket from what /proc/PID/fd/N points at: "socket:[12345]".
std::optional<std::uint64_t> parse_socket_link(std::string_view target);

}  // namespace sidewatch
