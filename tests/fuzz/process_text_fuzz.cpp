// Any bytes as any of the texts that the process collector takes processes from, and as the template of a group's name.
//
// Beside not crashing it must hold that what was understood makes sense: a view points into its text, a PID is positive,
// an id has 64 digits, whoever is in a container is told to be in it, and no name is longer than a name may be.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/process/cgroup_membership.h"
#include "collectors/process/description.h"
#include "collectors/process/group_name.h"
#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_stat(std::string_view text) {
  const auto stat = parse_stat(text);
  require(!stat || (text.ends_with('\n') && is_within(stat->comm, text) && stat->pid >= 0 && stat->ppid >= 0));
  require(!is_thread(text) || text.find("-1") != std::string_view::npos);
  const auto status = parse_status(text);
  require(!status.swapped_bytes || *status.swapped_bytes % 1024 == 0);
  require(!parse_smaps_rollup(text) || text.find("SwapPss:") != std::string_view::npos);
  const auto io = parse_io(text);
  require(!io.read_bytes || text.find("read_bytes:") != std::string_view::npos);
  require(!parse_effective_user(text) || text.find("Uid:") != std::string_view::npos);
  require(!parse_max_open_files(text) || text.find("Max open files") != std::string_view::npos);
  require(!parse_max_address_space(text) || text.find("Max address space") != std::string_view::npos);
  require(!parse_boot_time(text) || text.find("btime ") != std::string_view::npos);
}

void check_numbers(std::string_view text) {
  const auto pid = parse_pid_file(text);
  require(!pid || *pid > 0);
  const auto tasks = parse_task_counts(text);
  require(!tasks || tasks->last_pid >= 0);
  require(!parse_socket_link(text) || text.starts_with("socket:["));
  const auto tcp = parse_tcp_line(text);
  require(!tcp || text.find(':') != std::string_view::npos);
}

void check_cgroups(std::string_view text) {
  std::string_view rest = text;
  for (CgroupLine line; next_cgroup(rest, line);) {
    require(is_within(line.hierarchy, text) && is_within(line.controllers, text) && is_within(line.path, text));
    if (line.path.starts_with('/') && !line.path.ends_with('/')) require(in_cgroup(text, line.path));
  }
  const auto id = container_id_of(text);
  require(id.empty() || (id.size() == 64 && is_within(id, text) && in_container(text, id.substr(0, 12))));
  const auto service = service_of(text);
  require(service.empty() || (id.empty() && in_unit(text, std::string(service) + ".service")));
  require(is_within(cgroup_path_of(text), text));
  require(cgroup_list(text).size() <= text.size() + 2);
}

// The text up to the first NUL as a template and as a pattern of command lines, the rest as one.
void check_name(std::string_view text) {
  const auto end = std::min(text.find('\0'), text.size());
  ProcessDescription process;
  process.pid = 7;
  process.comm = text.substr(0, 15);
  process.exe = text;
  process.cmdline = text.substr(std::min(end + 1, text.size()));
  process.cgroups = text;
  normalise(process);
  process.argv0_bytes = std::min(process.cmdline.find(' '), process.cmdline.size());
  require(process.cmdline.find('\0') == std::string::npos);
  require(text == process.exe || text == process.exe + " (deleted)");
  std::vector<Regex> cmdline{Regex::compile("(?P<all>.*)").value()};
  if (auto pattern = Regex::compile(text.substr(0, std::min<std::size_t>(end, 200)))) cmdline.push_back(*pattern);
  if (const auto name = GroupName::parse(text.substr(0, end), cmdline)) {
    require(name->of(process, 1'700'000'000.5).size() <= GroupName::max_bytes);
  }
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::check_stat(text);
  sidewatch::check_numbers(text);
  sidewatch::check_cgroups(text);
  sidewatch::check_name(text);
  return 0;
}
