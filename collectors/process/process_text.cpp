// Every parser takes a view and gives values; fields are found by their place or key, never by their width.
#include "collectors/process/process_text.h"

#include <array>
#include <limits>

#include "collectors/proc_file.h"

namespace sidewatch {
namespace {

std::optional<pid_t> parse_pid(std::string_view text) {
  const auto number = parse_u64(text);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max())) return std::nullopt;
  return static_cast<pid_t>(*number);
}

// The number in "Key:\t  123 kB" when `line` begins with `key`.
std::optional<std::uint64_t> value_of(std::string_view line, std::string_view key) {
  if (!line.starts_with(key)) return std::nullopt;
  line.remove_prefix(key.size());
  return parse_u64(next_field(line));
}

std::optional<std::uint64_t> soft_limit(std::string_view limits, std::string_view key) {
  for (std::string_view line; next_line(limits, line);) {
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    const auto word = next_field(line);
    if (word == "unlimited") return std::numeric_limits<std::uint64_t>::max();
    return parse_u64(word);
  }
  return std::nullopt;
}

}  // namespace

std::optional<StatText> parse_stat(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  auto before = text.substr(0, open);
  const auto pid = parse_pid(next_field(before));
  if (!pid || !text.ends_with('\n')) return std::nullopt;

  StatText stat;
  stat.pid = *pid;
  stat.comm = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);
  // Fields are numbered as in proc(5): 3 is the state, the first one after the name.
  constexpr int first_field = 3;
  constexpr int last_field = 24;
  std::array<std::string_view, last_field + 1> field;
  for (std::size_t i = first_field; i <= last_field; ++i) field[i] = next_field(text);
  if (field[3].size() != 1) return std::nullopt;
  stat.state = field[3][0];
  const auto ppid = parse_pid(field[4]);
  if (!ppid) return std::nullopt;
  stat.ppid = *ppid;

  const auto take = [&field](std::size_t number, std::uint64_t& out) {
    const auto value = parse_u64(field[number]);
    if (value) out = *value;
    return value.has_value();
  };
  const bool whole = take(10, stat.minor_faults) && take(12, stat.major_faults) && take(14, stat.user_ticks) &&
                     take(15, stat.system_ticks) && take(20, stat.threads) && take(22, stat.start_ticks) &&
                     take(23, stat.virtual_bytes) && take(24, stat.resident_pages);
  if (!whole) return std::nullopt;
  return stat;
}

bool is_thread(std::string_view stat) {
  const auto close = stat.rfind(')');
  if (close == std::string_view::npos) return false;
  stat.remove_prefix(close + 1);
  constexpr int exit_signal = 38;  // numbered as in proc(5), where 3 is the first field after the name
  for (int i = 3; i < exit_signal; ++i) next_field(stat);
  return next_field(stat) == "-1";
}

StatusText parse_status(std::string_view text) {
  StatusText status;
  for (std::string_view line; next_line(text, line);) {
    if (const auto kib = value_of(line, "VmSwap:")) status.swapped_bytes = *kib * 1024;
    if (const auto count = value_of(line, "voluntary_ctxt_switches:")) status.voluntary_switches = count;
    if (const auto count = value_of(line, "nonvoluntary_ctxt_switches:")) status.nonvoluntary_switches = count;
  }
  return status;
}

std::optional<uid_t> parse_effective_user(std::string_view status) {
  constexpr std::string_view key = "Uid:";  // real, effective, saved, filesystem
  for (std::string_view line; next_line(status, line);) {
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    next_field(line);
    const auto number = parse_u64(next_field(line));
    if (!number || *number > std::numeric_limits<uid_t>::max()) return std::nullopt;
    return static_cast<uid_t>(*number);
  }
  return std::nullopt;
}

// "Pss:" and "SwapPss:" stand in every kernel that has the file; both, or it was cut.
std::optional<ProportionalMemory> parse_smaps_rollup(std::string_view text) {
  std::optional<std::uint64_t> resident, swapped;
  for (std::string_view line; next_line(text, line);) {
    if (const auto kib = value_of(line, "Pss:")) resident = *kib * 1024;
    if (const auto kib = value_of(line, "SwapPss:")) swapped = *kib * 1024;
  }
  if (!resident || !swapped) return std::nullopt;
  return ProportionalMemory{*resident, *swapped};
}

IoText parse_io(std::string_view text) {
  IoText io;
  for (std::string_view line; next_line(text, line);) {
    if (const auto bytes = value_of(line, "read_bytes:")) io.read_bytes = bytes;
    if (const auto bytes = value_of(line, "write_bytes:")) io.write_bytes = bytes;
  }
  return io;
}

std::optional<std::uint64_t> parse_max_open_files(std::string_view limits) {
  return soft_limit(limits, "Max open files");
}

std::optional<std::uint64_t> parse_max_address_space(std::string_view limits) {
  return soft_limit(limits, "Max address space");
}

std::optional<std::uint64_t> parse_boot_time(std::string_view text) {
  for (std::string_view line; next_line(text, line);) {
    if (const auto seconds = value_of(line, "btime ")) return seconds;
  }
  return std::nullopt;
}

std::optional<TaskCounts> parse_task_counts(std::string_view loadavg) {
  if (!loadavg.ends_with('\n')) return std::nullopt;
  loadavg.remove_suffix(1);
  constexpr int averages = 3;
  for (int i = 0; i < averages; ++i) next_field(loadavg);
  const auto tasks = next_field(loadavg);  // running/all
  const auto slash = tasks.find('/');
  const auto all = slash == std::string_view::npos ? std::nullopt : parse_u64(tasks.substr(slash + 1));
  const auto last_pid = parse_pid(next_field(loadavg));
  if (!all || !last_pid) return std::nullopt;
  return TaskCounts{*all, *last_pid};
}

std::optional<pid_t> parse_pid_file(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto pid = parse_pid(text.substr(begin, end + 1 - begin));
  return pid && *pid > 0 ? pid : std::nullopt;
}

std::optional<TcpLine> parse_tcp_line(std::string_view line) {
  // "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 ..."
  constexpr std::size_t inode_word = 9;
  std::array<std::string_view, inode_word + 1> word;
  for (auto& w : word) w = next_field(line);
  const auto colon = word[1].rfind(':');
  if (colon == std::string_view::npos || !word[0].ends_with(':')) return std::nullopt;
  const auto hex_port = word[1].substr(colon + 1);
  TcpLine tcp;
  const auto port = parse_hex(hex_port);
  const auto inode = parse_u64(word[inode_word]);
  if (!port || *port > 0xffff || !inode) return std::nullopt;
  tcp.port = static_cast<std::uint16_t>(*port);
  tcp.listening = word[3] == "0A";
  tcp.inode = *inode;
  return tcp;
}

std::optional<std::uint64_t> parse_socket_link(std::string_view target) {
  constexpr std::string_view prefix = "socket:[";
  if (!target.starts_with(prefix) || !target.ends_with(']')) return std::nullopt;
  return parse_u64(target.substr(prefix.size(), target.size() - prefix.size() - 1));
}

}  // namespace sidewatch
