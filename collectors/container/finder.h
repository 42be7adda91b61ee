// Finds a target's cgroup: the ladder of ways to see the cgroup of another container, from the best view down.
//
//   1. The agent's own view (`roots.cgroupfs`, or where cgroups are mounted for it): on a host, with the host's
//      /sys/fs/cgroup mounted into the agent's container, or for the agent's own cgroup. Shows the cgroups above too.
//   2. The target's view, through /proc/PID/root of its process: in a pod with a shared PID namespace. The kernel
//      allows it to a process of the same user that has no capability less than the target, and to root.
//   3. None: there are only the limits that the configuration knows.
//
// Refuses to guess: a view that does not show the target's cgroup is not used, and what is opened is checked to be
// still that of the same process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/cgroup_place.h"
#include "collectors/container/config.h"
#include "collectors/container/process_finder.h"
#include "collectors/proc_file.h"

namespace sidewatch::container {

enum class LimitSource : std::uint8_t { cgroup, process_root, configured, unknown };

// A cgroup that was found, with its directories open.
struct FoundCgroup {
  LimitSource source = LimitSource::unknown;
  std::string id;  // for the label; empty when it is not known
  std::vector<std::unique_ptr<Levels>> levels;
  std::array<const Levels*, controller_count> controllers{};  // null: not seen
  std::array<bool, controller_count> at_root{};  // not seen because it is the whole machine's: nothing limits it
  const Levels* unified = nullptr;               // for the pressure files
  const Levels* any = nullptr;                   // one that lists the cgroup's processes
  std::string memberships;  // of the process that led to it: the text of its /proc/PID/cgroup
  std::size_t seen() const;                                   // how many controllers
};

// Where everything is looked for.
struct Surroundings {
  Surroundings(const Roots& roots, pid_t own_pid, ProcFile::Keep keep_files = ProcFile::Keep::open);
  const ProcDir procfs;
  const ProcDir sysfs;
  const std::string cgroupfs;
  const ProcFile::Keep keep;  // of a cgroup's files
  const std::string own;      // the agent's directory in procfs: "self", or a PID
};

// The mounts of cgroups that the agent sees.
std::vector<CgroupMount> own_mounts(const Surroundings& around, ReadBuffer& buffer);

// Each returns nothing when there is no such cgroup to be seen; `why` then says so for a person, unless nothing is
// there to be told.
std::optional<FoundCgroup> find_own(const Surroundings& around, ReadBuffer& buffer);
std::optional<FoundCgroup> find_path(const Surroundings& around, const std::string& pattern, ReadBuffer& buffer);
std::optional<FoundCgroup> find_process(const Surroundings& around, const ProcessFinder::Found& process,
                                        ReadBuffer& buffer, std::string& why);

}  // namespace sidewatch::container
