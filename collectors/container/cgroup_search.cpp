#include "collectors/container/cgroup_search.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace sidewatch::container {
namespace {

bool has_wildcard(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

// When it was last changed, in nanoseconds; -1 when it is not there.
std::int64_t changed_at(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return -1;
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// The names of the cgroups directly below one: directories, which is told by the file that each cgroup has.
std::vector<std::string> children(const std::string& directory, ReadBuffer& buffer) {
  std::vector<std::string> names;
  ProcDir(directory).list(".", buffer, [&](std::string_view name) {
    const bool file = name.starts_with("cgroup.") || name.starts_with("memory.") || name.starts_with("cpu.") ||
                      name.starts_with("io.") || name.starts_with("pids.");
    if (!file) names.emplace_back(name);
  });
  const auto is_none = [&](const std::string& name) {
    return changed_at(directory + "/" + name + "/cgroup.procs") < 0;
  };
  std::erase_if(names, is_none);
  return names;
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
  for (const auto& child : children(top + path, buffer)) {
    if (fnmatch(name.c_str(), child.c_str(), FNM_PERIOD) == 0) expand(top, path + "/" + child, rest, buffer, found);
  }
}

std::string newest(const std::string& top, const std::vector<std::string>& paths) {
  std::string best;
  std::int64_t best_time = -1;
  for (const auto& path : paths) {
    const auto time = changed_at(top + path);
    if (time <= best_time) continue;
    best = path;
    best_time = time;
  }
  return best;
}

// Every path under `top` that ends with `end`, level by level.
std::vector<std::string> ending_with(const std::string& top, const std::string& end, ReadBuffer& buffer) {
  std::vector<std::string> found;
  std::vector<std::string> level{""};
  std::size_t searched = 0;
  for (std::size_t depth = 0; depth < max_searched_depth && !level.empty(); ++depth) {
    std::vector<std::string> next;
    for (const auto& path : level) {
      if (++searched > max_searched_cgroups) return found;
      for (const auto& child : children(top + path, buffer)) next.push_back(path + "/" + child);
    }
    std::copy_if(next.begin(), next.end(), std::back_inserter(found),
                 [&](const std::string& path) { return path.ends_with(end); });
    level = std::move(next);
  }
  return found;
}

bool same_hierarchy(const CgroupMount& mount, const CgroupMember& member) {
  return mount.unified ? member.unified : mount.controllers == member.controllers;
}

}  // namespace

std::string without_way_up(std::string path) {
  while (leads_up(path)) path.erase(0, 3);
  return path.empty() ? "/" : path;
}

std::string find_by_pattern(std::span<const CgroupMount> mounts, const std::string& pattern, ReadBuffer& buffer) {
  std::string path = pattern;
  if (has_wildcard(pattern)) path.clear();
  for (const auto& mount : mounts) {
    if (!path.empty()) break;
    std::vector<std::string> paths;
    expand(mount.directory, "", pattern, buffer, paths);
    path = newest(mount.directory, paths);
  }
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

void complete_paths(std::vector<CgroupMember>& members, std::span<const CgroupMount> mounts, ReadBuffer& buffer) {
  for (auto& member : members) {
    if (!leads_up(member.path)) continue;
    const std::string end = without_way_up(member.path);
    for (const auto& mount : mounts) {
      if (mount.root != "/" || !same_hierarchy(mount, member) || end == "/") continue;
      const auto found = ending_with(mount.directory, end, buffer);
      if (found.size() == 1) member.path = found.front();
    }
  }
}

}  // namespace sidewatch::container
