// Who is in /proc, at a cost that follows what changed.
//
// The kernel counts its tasks and says which PID it gave out last. Where both are as they were, nobody came or went,
// and nothing is looked at. Where few PIDs were given out since, only those are looked up, one by one; who ended
// meanwhile is then still thought to be there until the next whole listing, at least every five seconds, which costs
// 0.5 us per process of the machine. A fork takes its PID shortly before its process can be seen, so the last few PIDs
// of a look are looked up again by the next one that has a reason to look.
//
// Refuses more than max_processes. In another PID namespace than the agent's the counts are about others than those
// listed, so there every look is a whole one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/proc_file.h"
#include "collectors/process/process_text.h"

namespace sidewatch {

class ProcessListing {
 public:
  static constexpr std::size_t max_processes = 65'536;

  // `procfs` must outlive it.
  explicit ProcessListing(const ProcDir& procfs);

  struct Entry {
    pid_t pid = 0;
    ino_t directory = 0;  // another one when the PID was given to another process
  };
  enum class Extent { nothing, new_ones, all };

  // What the entries then are: nobody, as nothing changed; those that may be new; or all there are. `known` is how many
  // there were. `whole`: somebody is known to have ended. Errors: /proc cannot be listed.
  Result<Extent> look(Time now, std::size_t known, bool whole);
  std::span<const Entry> entries() const { return entries_; }  // by PID

 private:
  Result<void> list();
  std::optional<TaskCounts> read_counts();
  void look_up(pid_t pid);

  const ProcDir& procfs_;
  const bool counts_our_pids_;  // procfs shows the PID namespace that the agent itself is in
  ProcFile loadavg_;
  ReadBuffer buffer_;
  std::optional<TaskCounts> counts_;  // of the last look
  Time listed_at_;
  std::vector<Entry> entries_;
  std::string path_;  // scratch
};

}  // namespace sidewatch
