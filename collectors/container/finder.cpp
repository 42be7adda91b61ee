#include "collectors/container/finder.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <tuple>
#include <utility>

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

// "/../cri-abc.scope" stands beside the agent's own cgroup; dashboards want "/cri-abc.scope".
std::string id_of(std::string path) {
  while (path.starts_with("/..")) path.erase(0, 3);
  return path.empty() ? "/" : path;
}

const Levels* open(FoundCgroup& found, const std::optional<Hierarchy>& hierarchy, std::vector<Hierarchy>& opened) {
  if (!hierarchy) return nullptr;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (opened[i].top == hierarchy->top && opened[i].path == hierarchy->path) return found.levels[i].get();
  }
  auto levels = std::make_unique<Levels>(*hierarchy);
  if (levels->status() != FileStatus::ok) return nullptr;
  opened.push_back(*hierarchy);
  found.levels.push_back(std::move(levels));
  return found.levels.back().get();
}

// The root's numbers are the whole machine's. A target that stands below the root in one hierarchy and at the root in
// another has no numbers of its own in the latter.
void leave_out_the_machine(FoundCgroup& found) {
  const auto below_root = [](const Levels* levels) { return levels != nullptr && !levels->is_root(); };
  if (!std::any_of(found.controllers.begin(), found.controllers.end(), below_root)) return;
  for (std::size_t i = 0; i < controller_count; ++i) {
    found.at_root[i] = found.controllers[i] != nullptr && found.controllers[i]->is_root();
    if (found.at_root[i]) found.controllers[i] = nullptr;
  }
  if (!below_root(found.unified)) found.unified = nullptr;
}

std::optional<FoundCgroup> open_place(const Place& place, LimitSource source) {
  FoundCgroup found;
  found.source = source;
  std::vector<Hierarchy> opened;
  for (std::size_t i = 0; i < controller_count; ++i) {
    found.controllers[i] = open(found, place.controllers[i], opened);
  }
  found.unified = open(found, place.unified, opened);
  leave_out_the_machine(found);
  for (const Levels* levels : found.controllers) {
    if (found.any == nullptr) found.any = levels;
  }
  if (found.any == nullptr) return std::nullopt;
  found.id = id_of(place.id);
  if (found.id == "/" && !found.any->is_root()) found.id.clear();
  return found;
}

std::optional<FoundCgroup> better(std::optional<FoundCgroup> first, std::optional<FoundCgroup> second) {
  if (!first) return second;
  if (!second) return first;
  return second->seen() > first->seen() ? std::move(second) : std::move(first);
}

bool has_wildcard(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

double changed_at(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return -1;
  return static_cast<double>(status.st_mtim.tv_sec) + static_cast<double>(status.st_mtim.tv_nsec) / 1e9;
}

// Adds to `found` every path under `top` that matches the rest of the pattern, "/a*/b".
void expand(const std::string& top, const std::string& path, std::string_view rest, ReadBuffer& buffer,
            std::vector<std::string>& found) {
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) {
    found.push_back(path);
    return;
  }
  const std::string name(rest.substr(0, rest.find('/')));
  rest.remove_prefix(name.size());
  if (!has_wildcard(name)) return expand(top, path + "/" + name, rest, buffer, found);
  std::vector<std::string> names;
  const ProcDir directory(top + path);
  directory.list(".", buffer, [&](std::string_view entry) {
    const std::string text(entry);
    if (fnmatch(name.c_str(), text.c_str(), FNM_PERIOD) == 0) names.push_back(text);
  });
  for (const auto& one : names) {
    if (changed_at(top + path + "/" + one + "/cgroup.procs") >= 0) {
      expand(top, path + "/" + one, rest, buffer, found);
    }
  }
}

std::string newest(const std::string& top, const std::vector<std::string>& paths) {
  std::string best;
  double best_time = -2;
  for (const auto& path : paths) {
    const double time = changed_at(top + path);
    if (time > best_time) std::tie(best, best_time) = std::pair(path, time);
  }
  return best;
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

Surroundings::Surroundings(const Roots& roots, pid_t own_pid)
    : procfs(roots.procfs),
      sysfs(roots.sysfs),
      cgroupfs(roots.cgroupfs),
      own(own_pid == 0 ? "self" : std::to_string(own_pid)) {}

std::vector<CgroupMount> own_mounts(const Surroundings& around, ReadBuffer& buffer) {
  if (!around.cgroupfs.empty()) return mounts_under(around.cgroupfs, buffer);
  const FileText text = around.procfs.read((around.own + "/mountinfo").c_str(), buffer);
  return text ? parse_mounts(text.text, "") : std::vector<CgroupMount>();
}

std::optional<FoundCgroup> find_own(const Surroundings& around, ReadBuffer& buffer) {
  const auto mounts = own_mounts(around, buffer);
  const FileText text = around.procfs.read((around.own + "/cgroup").c_str(), buffer);
  if (!text) return std::nullopt;
  return open_place(locate(mounts, parse_memberships(text.text)), LimitSource::cgroup);
}

std::optional<FoundCgroup> find_path(const Surroundings& around, const std::string& pattern, ReadBuffer& buffer) {
  const auto mounts = own_mounts(around, buffer);
  std::string path = pattern;
  if (has_wildcard(pattern)) {
    path.clear();
    for (const auto& mount : mounts) {
      std::vector<std::string> paths;
      expand(mount.directory, "", pattern, buffer, paths);
      path = newest(mount.directory, paths);
      if (!path.empty()) break;
    }
  }
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty()) return std::nullopt;
  return open_place(locate(mounts, members_of(mounts, path)), LimitSource::cgroup);
}

std::optional<FoundCgroup> find_process(const Surroundings& around, const ProcessFinder::Found& process,
                                        ReadBuffer& buffer, std::string& why) {
  const std::string pid = std::to_string(process.pid);
  const FileText text = around.procfs.read((pid + "/cgroup").c_str(), buffer);
  if (!text) {
    if (text.status() != FileStatus::gone) why = around.procfs.error(pid + "/cgroup", text.error_number).text();
    return std::nullopt;
  }
  const auto members = parse_memberships(text.text);
  auto found = open_place(locate(own_mounts(around, buffer), members), LimitSource::cgroup);
  if (!found || found->seen() < controller_count) {
    const FileText mountinfo = around.procfs.read((pid + "/mountinfo").c_str(), buffer);
    const auto mounts = mountinfo ? parse_mounts(mountinfo.text, around.procfs.path() + "/" + pid + "/root")
                                  : std::vector<CgroupMount>();
    found = better(std::move(found), open_place(locate(mounts, members), LimitSource::process_root));
  }
  if (!is_still(around, process, buffer)) return std::nullopt;
  if (!found) {
    const ProcDir root(around.procfs, pid + "/root");
    why = "the cgroup of process " + pid + " cannot be seen from here";
    if (root.status() == FileStatus::permission) {
      why += ": " + root.path() + " is not open to this user (run the agent as the user of that process)";
    }
  }
  return found;
}

}  // namespace sidewatch::container
