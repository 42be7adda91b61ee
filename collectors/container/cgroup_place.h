// Where the files of a cgroup stand: which hierarchy keeps which controller, and the way down to the cgroup in each.
//
// On cgroup v2 there is one hierarchy with all controllers; on v1 each controller, or a few together, has its own; on a
// hybrid machine some controllers are on v1 and an almost empty v2 tree stands beside them. What a process is a member
// of is told by /proc/PID/cgroup, where the trees are mounted by /proc/PID/mountinfo. Inside a container a mount shows
// only a part of the tree: its fourth field says from where on, and both files count paths from the reader's cgroup
// namespace (paths outside of it begin with "/.."), so that they can be compared with each other. All of this is pure:
// text in, paths out.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::container {

enum Controller : std::size_t { memory_controller, cpu_controller, cpuacct_controller, blkio_controller,
                                pids_controller, controller_count };
std::string_view controller_name(Controller controller);  // as v1 calls it

// One mounted hierarchy.
struct CgroupMount {
  bool unified = false;                  // cgroup v2
  std::vector<std::string> controllers;  // of a v1 hierarchy
  std::string root;                      // which cgroup the mount shows as its top
  std::string directory;                 // where it is mounted
};
// Every cgroup mount that a mountinfo lists, with `prefix` before each mount point.
std::vector<CgroupMount> parse_mounts(std::string_view mountinfo, const std::string& prefix);

// Whether the path begins with "..", so leads out of the reader's cgroup namespace. "..x" is a name like any other.
bool leads_up(std::string_view path);

// A line of /proc/PID/cgroup: which cgroup of a hierarchy the process is in. One that was removed is left out.
struct CgroupMember {
  bool unified = false;
  std::vector<std::string> controllers;
  std::string path;
};
std::vector<CgroupMember> parse_memberships(std::string_view text);

// A membership of `path` in the hierarchy of every mount, for a cgroup that is named by its path.
std::vector<CgroupMember> members_of(std::span<const CgroupMount> mounts, const std::string& path);

struct Hierarchy {
  bool unified = false;
  std::string top;   // directory of the mount
  std::string path;  // from there down to the cgroup: "" or "/a/b"
};

struct Place {
  std::array<std::optional<Hierarchy>, controller_count> controllers;
  std::optional<Hierarchy> unified;  // also where v1 has the controllers: it has the pressure files
  std::string id;                    // the cgroup's path as cAdvisor would tell it
  bool empty() const;
};
// Where the files of a member are. A controller that no mount shows at that path is left out.
Place locate(std::span<const CgroupMount> mounts, std::span<const CgroupMember> memberships);

}  // namespace sidewatch::container
