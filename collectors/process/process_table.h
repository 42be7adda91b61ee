// Which processes exist and which group each belongs to: the discovery half of the process collector.
//
// The idea: a pass learns from ProcessListing who came and went, and describes only what is new. A few others are
// described again, because a process can change what it is:
//   - one younger than ten seconds, in the next pass and then whenever its age has doubled: it may still call exec or
//     rename itself;
//   - one whose directory has another inode number: the PID was reused between two passes;
//   - one that a pid file names, and everybody when other sockets listen than before;
//   - and two more every five seconds, round robin, for whatever else there may be.
// A process is identified by its PID and its start time.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/proc_file.h"
#include "collectors/process/description.h"
#include "collectors/process/process_listing.h"
#include "collectors/process/selector.h"

namespace sidewatch {

// A process that is, or was, a member of a group.
struct Membership {
  pid_t pid = 0;
  pid_t ppid = 0;
  std::uint64_t start_ticks = 0;
  std::size_t group = 0;
  std::size_t entry = 0;  // of the configuration
  bool leads = false;              // joined: no member of the same group started it
  bool counts_from_birth = false;  // it was born while the collector watched; otherwise only from now on
};

class ProcessTable {
 public:
  // The number of the group that a process which an entry selects belongs to; `present` is the one it is in, if any.
  using GroupOf = std::function<std::size_t(std::size_t entry, const ProcessDescription& process,
                                            std::optional<std::size_t> present)>;
  static std::size_t group_per_entry(std::size_t entry, const ProcessDescription&, std::optional<std::size_t>) {
    return entry;
  }

  // `configs` and `procfs` must outlive it.
  ProcessTable(const std::vector<ProcessGroupConfig>& configs, const ProcDir& procfs, pid_t own_pid,
               std::unique_ptr<ProcessDescriber> describer, GroupOf group_of = group_per_entry);
  ~ProcessTable();

  // Looks at /proc and appends who left a group and who joined one since the last time. A process that changes its
  // group does both. Errors: /proc cannot be listed.
  Result<void> refresh(Time now, std::vector<Membership>& left, std::vector<Membership>& joined, PassOutcome& outcome);

  // To be called for a process that turned out to be gone, or another one than it was.
  void look_again(pid_t pid) { suspects_.push_back(pid); }

  // True when a socket listens on the port of this entry.
  bool port_is_open(std::size_t entry) const { return selector_.port_is_open(entry); }

  // True when a process that might hold it may not be looked into.
  bool was_refused(std::size_t entry) const { return selector_.was_refused(entry); }

  std::size_t size() const { return processes_.size(); }

 private:
  static constexpr std::int32_t no_group = -1;
  struct Process {
    pid_t pid = 0;
    pid_t ppid = 0;
    ino_t directory = 0;
    std::uint64_t start_ticks = 0;  // 0: not described yet
    Time first_seen;
    Duration next_look{};  // the age at which it is described again while it is young
    std::int32_t group = no_group;
    std::int32_t entry = 0;   // whose group it is
    bool claimed_elsewhere = false;  // by an entry that another collector samples
    bool by_itself = false;  // a member because it matches, not because of who started it
    bool counts_from_birth = false;
  };
  struct Changes;

  void merge(Time now, Changes& changes);
  void take_in_new_ones(Time now);
  void meet_again(Process& known, const ProcessListing::Entry& seen, Time now);
  Process newcomer(const ProcessListing::Entry& seen, Time now);
  void choose_whom_to_describe(Time now);
  void choose_the_young(Time now);
  void judge(const ProcessDescription& description, Changes& changes);
  void adopt_all(Changes& changes);
  void adopt(Process& process, Changes& changes);
  const Process* ancestor_with_children(const Process& process);
  void judge_selected(Process& process, std::size_t entry, const ProcessDescription& description, Changes& changes);
  void join(Process& process, std::int32_t group, std::int32_t entry, Changes& changes);
  void leave(Process& process, Changes& changes);
  Membership membership(const Process& process) const;
  bool leads(const Process& process);
  const Process* parent_of(const Process& process);
  Process* find(pid_t pid);

  const std::vector<ProcessGroupConfig>& configs_;
  const DescribedTexts texts_;
  std::unique_ptr<ProcessDescriber> describer_;
  const GroupOf group_of_;
  ProcessSelector selector_;
  ProcessListing listing_;
  ProcessSelector::Changes selector_changes_;
  bool first_pass_ = true;
  std::size_t next_again_ = 0;  // whom the round robin describes next
  Time again_at_;               // and when

  std::vector<Process> processes_;  // sorted by PID
  std::vector<Process> merged_;     // scratch of merge()
  std::vector<pid_t> young_;        // who may be young, in no order
  std::vector<pid_t> suspects_;
  std::vector<pid_t> to_describe_;
  std::vector<ProcessDescription> descriptions_;
};

}  // namespace sidewatch
