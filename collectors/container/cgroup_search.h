// Finds cgroups in a tree when their path is not known whole: by a pattern, or by how it ends.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "collectors/container/cgroup_place.h"
#include "collectors/proc_file.h"

namespace sidewatch::container {

constexpr std::size_t max_searched_cgroups = 10'000;  // of one tree; what stands beyond is not found
constexpr std::size_t max_searched_depth = 10;

// The path of the newest cgroup that the pattern names (a * stands for any part of a name), in the first hierarchy that
// has one; the pattern itself when it has no *; empty when there is none.
std::string find_by_pattern(std::span<const CgroupMount> mounts, const std::string& pattern, ReadBuffer& buffer);

// For mounts that show the whole machine's cgroups to an agent in a cgroup namespace of its own. /proc/PID/cgroup then
// says "/../../x.scope", counted from the agent's cgroup, whose own place is not known. The path is the only one in the
// tree that ends so; where several do, it stays as it is.
void complete_paths(std::vector<CgroupMember>& members, std::span<const CgroupMount> mounts, ReadBuffer& buffer);

// "/../../x.scope" without what leads up: "/x.scope".
std::string without_way_up(std::string path);

}  // namespace sidewatch::container
