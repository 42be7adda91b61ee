// Nothing here is asked with statfs, which may hang: what a filesystem is stands in the list of mounts.
#include "agent/init/surroundings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "collectors/container/cgroup_text.h"
#include "collectors/host/config.h"
#include "collectors/process/cgroup_membership.h"

namespace sidewatch::discovery {
namespace {

constexpr std::size_t max_filesystems = 64;
constexpr std::size_t max_disks = 64;

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// Where Kubernetes puts a pod's secrets: /var/run is a link to /run nearly everywhere. A link of another machine's files
// is not followed, as it would lead to this machine's.
bool has_pod_secrets(const std::string& root) {
  struct stat var_run {};
  const bool leads_away = !root.empty() && lstat((root + "/var/run").c_str(), &var_run) == 0 && S_ISLNK(var_run.st_mode);
  return exists(root + "/run/secrets/kubernetes.io") ||
         (!leads_away && exists(root + "/var/run/secrets/kubernetes.io"));
}

Place place_of(const LookOptions& options, const std::string& cgroup) {
  const bool is_here = options.root.empty();  // what the environment says is about where this process is
  if (is_here && options.environment && options.environment("KUBERNETES_SERVICE_HOST")) return Place::pod;
  if (has_pod_secrets(options.root)) return Place::pod;
  if (exists(options.root + "/.dockerenv") || exists(options.root + "/run/.containerenv")) return Place::container;
  if (cgroup.find("kubepods") != std::string::npos) return Place::pod;
  return container_id_of("0::" + cgroup + "\n").empty() ? Place::host : Place::container;
}

std::uint64_t kib_of(std::string_view meminfo, std::string_view key) {
  for (std::string_view line; next_line(meminfo, line);) {
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    return parse_u64(next_field(line)).value_or(0);
  }
  return 0;
}

void read_memory(const ProcDir& proc, ReadBuffer& buffer, Machine& machine) {
  machine.memory_bytes = kib_of(proc.read("meminfo", buffer).text, "MemTotal:") * 1024;
}

void read_cores(const ProcDir& proc, ReadBuffer& buffer, Machine& machine) {
  auto text = proc.read("stat", buffer).text;
  for (std::string_view line; next_line(text, line);) {
    if (line.starts_with("cpu") && line.size() > 3 && line[3] >= '0' && line[3] <= '9') ++machine.cores;
  }
}

// In the list of mounts \040 stands for a blank, and so on (fstab(5)).
std::string unescaped(std::string_view text) {
  const auto digit = [text](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3);
    plain += escape ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')) : text[i];
    if (escape) i += 3;
  }
  return plain;
}

// The mounts that the host collector would sample with its defaults; of a device mounted twice, the first.
void read_filesystems(const ProcDir& proc, ReadBuffer& buffer, Machine& machine) {
  const HostConfig defaults;
  auto mounts = proc.read("1/mounts", buffer);
  if (!mounts) mounts = proc.read("self/mounts", buffer);
  std::set<std::string> seen;
  auto text = mounts.text;
  for (std::string_view line; next_line(text, line);) {
    Filesystem found;
    found.device = unescaped(next_field(line));
    found.mount_point = unescaped(next_field(line));
    found.type = next_field(line);
    const bool wanted = !found.type.empty() && defaults.mounts.passes(found.mount_point) &&
                        defaults.filesystem_types.passes(found.type) && found.type != "tmpfs";
    if (!wanted || !seen.insert(found.mount_point).second || machine.filesystems.size() >= max_filesystems) continue;
    machine.filesystems.push_back(std::move(found));
  }
  std::sort(machine.filesystems.begin(), machine.filesystems.end(),
            [](const Filesystem& a, const Filesystem& b) { return a.mount_point < b.mount_point; });
}

void read_disks(const ProcDir& sys, ReadBuffer& buffer, Machine& machine) {
  constexpr std::uint64_t sector_bytes = 512;
  std::vector<std::string> names;
  sys.list("block", buffer, [&names](std::string_view name) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  for (auto& name : names) {
    const bool is_made_up = name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram") ||
                            name.starts_with("dm-") || name.starts_with("md") || name.starts_with("sr");
    if (is_made_up || machine.disks.size() >= max_disks) continue;
    const auto size = parse_u64(first_line(sys.read(("block/" + name + "/size").c_str(), buffer).text));
    if (size.value_or(0) > 0) machine.disks.push_back({std::move(name), *size * sector_bytes});
  }
}

// In a container the own cgroup may be mounted as the root of what is seen, so both places are tried.
FileText read_limit(const ProcDir& sys, ReadBuffer& buffer, const std::string& hierarchy, const std::string& path,
                    const char* file) {
  const auto text = sys.read(("fs/cgroup" + hierarchy + path + "/" + file).c_str(), buffer);
  return text ? text : sys.read(("fs/cgroup" + hierarchy + "/" + file).c_str(), buffer);
}

void read_limits(const ProcDir& sys, ReadBuffer& buffer, Machine& machine) {
  const std::string path = machine.cgroup == "/" ? "" : machine.cgroup;
  auto memory = read_limit(sys, buffer, "", path, "memory.max");
  if (!memory) memory = read_limit(sys, buffer, "/memory", path, "memory.limit_in_bytes");
  const auto limit = container::parse_limit(memory.text);
  if (limit.state == container::LimitState::limited) machine.memory_limit = static_cast<std::uint64_t>(limit.value);

  auto quota = container::parse_cpu_max(read_limit(sys, buffer, "", path, "cpu.max").text);
  if (quota.state == container::LimitState::unknown) {
    const std::string microseconds(read_limit(sys, buffer, "/cpu", path, "cpu.cfs_quota_us").text);
    quota = container::parse_cfs_quota(microseconds, read_limit(sys, buffer, "/cpu", path, "cpu.cfs_period_us").text);
  }
  if (quota.state == container::LimitState::limited) machine.cpu_limit = quota.cores();
}

}  // namespace

void look_around(const LookOptions& options, const ProcDir& proc, Machine& machine) {
  const ProcDir sys(options.root + "/sys");
  ReadBuffer buffer;
  const char* whose = options.root.empty() ? "self/cgroup" : "1/cgroup";  // in a container's /host/proc, self is in it
  machine.cgroup = cgroup_path_of(proc.read(whose, buffer).text);
  machine.place = place_of(options, machine.cgroup);
  read_memory(proc, buffer, machine);
  read_cores(proc, buffer, machine);
  read_filesystems(proc, buffer, machine);
  read_disks(sys, buffer, machine);
  if (machine.place != Place::host) read_limits(sys, buffer, machine);
}

}  // namespace sidewatch::discovery
