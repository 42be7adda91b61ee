// The conditions one by one, the cheap ones first: the files of a process are only opened when all others hold.
#include "collectors/process/selector.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "collectors/proc_file.h"
#include "collectors/process/cgroup_membership.h"
#include "collectors/process/group_name.h"
#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_comm_bytes = 15;       // what the kernel keeps of a name
constexpr std::size_t max_sockets_per_port = 256;  // listeners on one port (one per address, or SO_REUSEPORT)

bool is_comm(std::string_view comm, std::string_view wanted) { return comm == wanted.substr(0, max_comm_bytes); }

bool is_exe(std::string_view exe, std::string_view wanted) {
  if (wanted.find('/') != std::string_view::npos) return exe == wanted;
  return exe.substr(exe.rfind('/') + 1) == wanted;  // npos + 1 is 0
}

// A list that is not there asks for nothing.
template <class Is>
bool is_one_of(const std::vector<std::string>& wanted, const Is& is) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), is);
}

// The init of a machine holds the listening sockets of the services it starts on demand; it does not own them.
bool is_init(const ProcessDescription& process) {
  return process.pid == 1 && (process.comm == "systemd" || process.comm == "init");
}

struct PidFile {
  pid_t pid = 0;
  int error_number = 0;  // EINVAL: it holds something else
};

// An empty file is one that is just being written: no PID, and no error either. O_NONBLOCK because the path is
// somebody's choice and might be a FIFO.
PidFile read_pid_file_at(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return {0, errno};
  std::array<char, 64> text;  // longer ones hold more than a PID
  const ssize_t size = read(file, text.data(), text.size());
  const int error_number = size < 0 ? errno : 0;
  close(file);
  if (size <= 0) return {0, error_number};
  const auto pid = parse_pid_file({text.data(), static_cast<std::size_t>(size)});
  return pid ? PidFile{*pid, 0} : PidFile{0, EINVAL};
}

}  // namespace

void add_partial_error(PassOutcome& outcome, std::string text) {
  ++outcome.partial_errors;
  if (outcome.first_partial_error.empty()) outcome.first_partial_error = std::move(text);
}

DescribedTexts needed_texts(const std::vector<ProcessGroupConfig>& groups) {
  DescribedTexts texts{false, false, false, false};
  for (const auto& group : groups) {
    const ProcessMatch& match = group.match;
    const auto name = GroupName::parse(group.name.value, match.cmdline);
    const DescribedTexts named = name ? name->needs() : DescribedTexts{false, false, false, false};
    texts.exe |= !match.exe.empty();
    texts.cmdline |= !match.cmdline.empty() || named.cmdline;
    texts.user |= !match.user.empty() || named.user;
    texts.cgroups |= !match.cgroup.empty() || !match.unit.empty() || !match.container.empty() || named.cgroups;
  }
  return texts;
}

ProcessSelector::ProcessSelector(const std::vector<ProcessGroupConfig>& groups, std::string procfs, pid_t own_pid)
    : groups_(groups), procfs_(std::move(procfs)), own_pid_(own_pid), states_(groups.size()) {
  any_port_ = std::any_of(groups.begin(), groups.end(), [](const auto& group) { return group.match.port != 0; });
}

std::optional<std::size_t> ProcessSelector::select(const ProcessDescription& process) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    if (matches(group, process)) return group;
  }
  return std::nullopt;
}

void ProcessSelector::refresh(Changes& changes, PassOutcome& outcome) {
  changes.processes.clear();
  changes.everyone = false;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    if (!groups_[group].match.pid_file.empty()) read_pid_file(group, changes, outcome);
    states_[group].previous.swap(states_[group].sockets);
    states_[group].sockets.clear();
  }
  if (!any_port_) return;
  read_listeners(procfs_ + "/net/tcp");
  read_listeners(procfs_ + "/net/tcp6");
  for (auto& state : states_) {
    std::sort(state.sockets.begin(), state.sockets.end());
    if (state.sockets == state.previous) continue;
    changes.everyone = true;
    state.refused = false;
  }
}

void ProcessSelector::read_pid_file(std::size_t group, Changes& changes, PassOutcome& outcome) {
  State& state = states_[group];
  const std::string& path = groups_[group].match.pid_file;
  const PidFile file = read_pid_file_at(path);
  const pid_t pid = file.pid;
  const bool unusable = file.error_number != 0 && file_status(file.error_number) != FileStatus::gone;
  if (unusable && !state.pid_file_reported) {
    const bool no_pid = file.error_number == EINVAL;
    ++outcome.partial_errors;
    outcome.news.push_back({true, path + ": " + (no_pid ? "holds no PID" : std::strerror(file.error_number))});
  } else if (state.pid_file_reported && pid != 0) {
    outcome.news.push_back({false, path + ": names a process again"});
  }
  state.pid_file_reported = unusable;
  if (pid == state.pid_file_pid) return;
  changes.processes.push_back(state.pid_file_pid);
  changes.processes.push_back(pid);
  state.pid_file_pid = pid;
}

// The kernel lists listening sockets before all others, so reading stops at the first that does not listen: a machine
// with 50 000 connections costs no more than one with none.
void ProcessSelector::read_listeners(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;  // a kernel without IPv6 has no tcp6
  std::array<char, 16384> buffer;
  std::size_t filled = 0;
  bool heading = true;
  bool listening = true;
  while (listening) {
    const ssize_t got = read(file, buffer.data() + filled, buffer.size() - filled);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
    std::string_view text(buffer.data(), filled);
    for (auto end = text.find('\n'); listening && end != std::string_view::npos; end = text.find('\n')) {
      const auto tcp = heading ? std::nullopt : parse_tcp_line(text.substr(0, end));
      heading = false;
      text.remove_prefix(end + 1);
      if (!tcp) continue;
      listening = tcp->listening;
      for (std::size_t group = 0; listening && group < groups_.size(); ++group) {
        auto& sockets = states_[group].sockets;
        const bool wanted = groups_[group].match.port == tcp->port && sockets.size() < max_sockets_per_port;
        if (wanted && tcp->inode != 0) sockets.push_back(tcp->inode);
      }
    }
    if (text.size() == buffer.size()) break;  // no line is that long
    std::copy(text.begin(), text.end(), buffer.begin());
    filled = text.size();
  }
  close(file);
}

bool ProcessSelector::matches(std::size_t group, const ProcessDescription& process) {
  const ProcessMatch& match = groups_[group].match;
  if (match.pid == ProcessWord::self && process.pid != own_pid_) return false;
  if (match.parent == ProcessWord::self && process.ppid != own_pid_) return false;
  if (!match.pid_file.empty() && process.pid != states_[group].pid_file_pid) return false;
  if (!is_one_of(match.comm, [&](const auto& comm) { return is_comm(process.comm, comm); })) return false;
  if (!is_one_of(match.exe, [&](const auto& exe) { return is_exe(process.exe, exe); })) return false;
  const auto is_user = [&](const auto& user) { return process.user_name == user || process.user == user; };
  if (!is_one_of(match.user, is_user)) return false;
  if (!match.cgroup.empty() && !in_cgroup(process.cgroups, match.cgroup)) return false;
  if (!match.unit.empty() && !in_unit(process.cgroups, match.unit)) return false;
  if (!match.container.empty() && !in_container(process.cgroups, match.container)) return false;
  const auto is_found = [&](const Regex& expression) { return expression.partial_match(process.cmdline); };
  if (!std::all_of(match.cmdline.begin(), match.cmdline.end(), is_found)) return false;
  return match.port == 0 || holds_socket(group, process);
}

bool ProcessSelector::holds_socket(std::size_t group, const ProcessDescription& process) {
  State& state = states_[group];
  if (state.sockets.empty() || is_init(process)) return false;
  const std::string path = procfs_ + "/" + std::to_string(process.pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), [](DIR* d) { return closedir(d); });
  if (!directory) {
    if (file_status(errno) == FileStatus::permission) state.refused = true;
    return false;
  }
  while (const dirent* entry = readdir(directory.get())) {
    std::array<char, 64> target;  // longer ones are no sockets
    const ssize_t size = readlinkat(dirfd(directory.get()), entry->d_name, target.data(), target.size());
    if (size < 0 && file_status(errno) == FileStatus::permission) state.refused = true;
    if (size <= 0) continue;
    const auto inode = parse_socket_link({target.data(), static_cast<std::size_t>(size)});
    if (inode && std::binary_search(state.sockets.begin(), state.sockets.end(), *inode)) return true;
  }
  return false;
}

}  // namespace sidewatch
