#include "collectors/container/finder.h"

#include <algorithm>
#include <utility>

#include "collectors/container/cgroup_search.h"
#include "collectors/process/process_text.h"

namespace sidewatch::container {
namespace {

// Of a tree that nobody says is mounted (a directory of the host's that the agent's container was given): what its top
// looks like tells what it is.
std::vector<CgroupMount> mounts_under(const std::string& top, ReadBuffer& buffer) {
  const ProcDir directory(top);
  if (directory.read("cgroup.controllers", buffer)) return {{true, {}, "/", top}};
  std::vector<CgroupMount> mounts;
  std::vector<std::string> names;
  directory.list(".", buffer, [&](std::string_view name) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (name == "unified") {
      mounts.push_back({true, {}, "/", top + "/" + name});
    } else {
      std::string hierarchy = "0:" + name + ":/\n";  // "cpu,cpuacct" as a line of /proc/PID/cgroup lists it
      for (auto& member : parse_memberships(hierarchy)) {
        mounts.push_back({false, std::move(member.controllers), "/", top + "/" + name});
      }
    }
  }
  return mounts;
}

const Levels* open(FoundCgroup& found, const std::optional<Hierarchy>& hierarchy, ProcFile::Keep keep,
                   std::vector<Hierarchy>& opened) {
  if (!hierarchy) return nullptr;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (opened[i].top == hierarchy->top && opened[i].path == hierarchy->path) return found.levels[i].get();
  }
  auto levels = std::make_unique<Levels>(*hierarchy, keep);
  if (levels->status() != FileStatus::ok) return nullptr;
  opened.push_back(*hierarchy);
  found.levels.push_back(std::move(levels));
  return found.levels.back().get();
}

// The root's numbers are the whole machine's. A target that stands below the root in one hierarchy and at the root in
// another has no numbers of its own in the latter.
void leave_out_the_machine(FoundCgroup& found) {
  const auto below_root = [](const Levels* levels) { return levels != nullptr && !levels->is_root(); };
  const bool any_below = std::any_of(found.controllers.begin(), found.controllers.end(), below_root);
  if (!any_below && !below_root(found.unified)) return;
  for (std::size_t i = 0; i < controller_count; ++i) {
    found.at_root[i] = found.controllers[i] != nullptr && found.controllers[i]->is_root();
    if (found.at_root[i]) found.controllers[i] = nullptr;
  }
  if (!below_root(found.unified)) found.unified = nullptr;
}

std::optional<FoundCgroup> open_place(const Surroundings& around, const Place& place, LimitSource source) {
  FoundCgroup found;
  found.source = source;
  std::vector<Hierarchy> opened;
  for (std::size_t i = 0; i < controller_count; ++i) {
    found.controllers[i] = open(found, place.controllers[i], around.keep, opened);
  }
  found.unified = open(found, place.unified, around.keep, opened);
  leave_out_the_machine(found);
  // Every v2 cgroup counts CPU time, also where v1 has the controllers.
  auto& cpu = found.controllers[cpu_controller];
  if (cpu == nullptr && found.controllers[cpuacct_controller] == nullptr) cpu = found.unified;
  for (const Levels* levels : found.controllers) {
    if (found.any == nullptr) found.any = levels;
  }
  if (found.any == nullptr) return std::nullopt;
  found.id = without_way_up(place.id);  // it stands beside the agent's own cgroup
  if (found.id == "/" && !found.any->is_root()) found.id.clear();
  return found;
}

std::optional<FoundCgroup> better(std::optional<FoundCgroup> first, std::optional<FoundCgroup> second) {
  if (!first) return second;
  if (!second) return first;
  return second->seen() > first->seen() ? std::move(second) : std::move(first);
}

std::vector<CgroupMount> listed_mounts(const Surroundings& around, ReadBuffer& buffer) {
  const FileText text = around.procfs.read((around.own + "/mountinfo").c_str(), buffer);
  return text ? parse_mounts(text.text, "") : std::vector<CgroupMount>();
}

// Whether the agent's paths of cgroups are counted from a cgroup of its own rather than from the machine's root. The
// initial namespace has a fixed number (PROC_CGROUP_INIT_INO); kernels without the file have no other one.
bool is_in_a_namespace(const Surroundings& around) {
  std::string target;
  if (around.procfs.read_link((around.own + "/ns/cgroup").c_str(), target) != 0) return false;
  return target != "cgroup:[4026531835]";
}

// A tree of the machine that the agent was given does not tell where the agent's namespace begins in it. What is in or
// below the agent's own cgroup is therefore looked for where the agent itself has cgroups mounted.
std::optional<FoundCgroup> find_in_own_view(const Surroundings& around, std::vector<CgroupMember> members,
                                            ReadBuffer& buffer) {
  std::optional<FoundCgroup> inside;
  if (!around.cgroupfs.empty() && is_in_a_namespace(around)) {
    const auto is_outside = [](const CgroupMember& member) { return leads_up(member.path); };
    const auto first_inside = std::stable_partition(members.begin(), members.end(), is_outside);
    const std::vector<CgroupMember> below(first_inside, members.end());
    members.erase(first_inside, members.end());
    inside = open_place(around, locate(listed_mounts(around, buffer), below), LimitSource::cgroup);
  }
  const auto mounts = own_mounts(around, buffer);
  if (!around.cgroupfs.empty()) complete_paths(members, mounts, buffer);
  return better(std::move(inside), open_place(around, locate(mounts, members), LimitSource::cgroup));
}

bool is_still(const Surroundings& around, const ProcessFinder::Found& process, ReadBuffer& buffer) {
  const FileText text = around.procfs.read((std::to_string(process.pid) + "/stat").c_str(), buffer);
  const auto stat = text ? parse_stat(text.text) : std::nullopt;
  return stat && stat->start_ticks == process.start_ticks;
}

}  // namespace

std::size_t FoundCgroup::seen() const {
  return static_cast<std::size_t>(
      std::count_if(controllers.begin(), controllers.end(), [](const Levels* one) { return one != nullptr; }));
}

Surroundings::Surroundings(const Roots& roots, pid_t own_pid, ProcFile::Keep keep_files)
    : procfs(roots.procfs),
      sysfs(roots.sysfs),
      cgroupfs(roots.cgroupfs),
      keep(keep_files),
      own(own_pid == 0 ? "self" : std::to_string(own_pid)) {}

std::vector<CgroupMount> own_mounts(const Surroundings& around, ReadBuffer& buffer) {
  if (!around.cgroupfs.empty()) return mounts_under(around.cgroupfs, buffer);
  return listed_mounts(around, buffer);
}

std::optional<FoundCgroup> find_own(const Surroundings& around, ReadBuffer& buffer) {
  const FileText text = around.procfs.read((around.own + "/cgroup").c_str(), buffer);
  if (!text) return std::nullopt;
  const std::string memberships(text.text);
  auto found = find_in_own_view(around, parse_memberships(memberships), buffer);
  if (found) found->memberships = memberships;
  return found;
}

std::optional<FoundCgroup> find_path(const Surroundings& around, const std::string& pattern, ReadBuffer& buffer) {
  const auto mounts = own_mounts(around, buffer);
  const std::string path = find_by_pattern(mounts, pattern, buffer);
  if (path.empty()) return std::nullopt;
  return open_place(around, locate(mounts, members_of(mounts, path)), LimitSource::cgroup);
}

std::optional<FoundCgroup> find_process(const Surroundings& around, const ProcessFinder::Found& process,
                                        ReadBuffer& buffer, std::string& why) {
  const std::string pid = std::to_string(process.pid);
  const FileText text = around.procfs.read((pid + "/cgroup").c_str(), buffer);
  if (!text) {
    if (text.status() != FileStatus::gone) why = around.procfs.error(pid + "/cgroup", text.error_number).text();
    return std::nullopt;
  }
  const std::string memberships(text.text);
  const auto members = parse_memberships(memberships);
  auto found = find_in_own_view(around, members, buffer);
  if (!found || found->seen() < controller_count) {
    const FileText mountinfo = around.procfs.read((pid + "/mountinfo").c_str(), buffer);
    const auto mounts = mountinfo ? parse_mounts(mountinfo.text, around.procfs.path() + "/" + pid + "/root")
                                  : std::vector<CgroupMount>();
    found = better(std::move(found), open_place(around, locate(mounts, members), LimitSource::process_root));
  }
  if (!is_still(around, process, buffer)) return std::nullopt;
  if (!found) {
    const ProcDir root(around.procfs, pid + "/root");
    why = "the cgroup of process " + pid + " cannot be seen from here";
    if (root.status() == FileStatus::permission) {
      why += ": " + root.path() + " is not open to this user (run the agent as the user of that process)";
    }
    return std::nullopt;
  }
  found->memberships = memberships;
  return found;
}

}  // namespace sidewatch::container
