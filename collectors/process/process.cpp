// The process collector: one for all groups, so that /proc is listed once per pass and libproc2 is used by one thread.
//
// Each pass first finds out who exists and belongs to which group (ProcessTable: a readdir, and descriptions of what is
// new), then samples the members through their open files (WatchedProcess), then sums up (ProcessGroup). The cost of a
// pass is about 20 us per member, and where processes began or ended since the last one, a readdir of 0.5 us per process
// of the machine and about 20 us for each that is new.
//
// Refuses to expose what a process says about itself: names and command lines select, but the only label is the name
// that the configuration gives to the group.
#include "collectors/process/process.h"

#include <unistd.h>

#include <map>
#include <optional>
#include <utility>

#include "collectors/proc_file.h"
#include "collectors/process/group.h"
#include "collectors/process/process_table.h"
#include "collectors/process/process_text.h"
#include "collectors/process/watched_process.h"

namespace sidewatch {
namespace {

constexpr unsigned passes_until_port_is_reported = 2;

struct Member {
  Member(const ProcDir& procfs, const Membership& m, ProcFile::Keep keep)
      : membership(m), process(procfs, m.pid, m.start_ticks, keep) {}

  Membership membership;
  WatchedProcess process;
  std::optional<double> start_time_seconds;
  ProcessCounters previous;
};

class ProcessCollector final : public Collector {
 public:
  ProcessCollector(std::vector<ProcessGroupConfig> configs, ProcessOptions options, Catalog& catalog);
  Result<PassOutcome> collect(Batch& batch, Time now) override;

 private:
  void remove(const Membership& membership);
  void add(const Membership& membership);
  void ended(Member& member);
  void read_boot_time();
  void report_unseen_listeners(PassOutcome& outcome);

  const std::vector<ProcessGroupConfig> configs_;
  const ProcessOptions options_;
  const ProcDir procfs_;
  const OpenFilesBy open_files_by_;
  ProcessTable table_;
  std::vector<ProcessGroup> groups_;
  std::map<pid_t, Member> members_;
  std::size_t kept_files_ = 0;
  std::optional<std::uint64_t> boot_time_seconds_;
  std::vector<unsigned> passes_unseen_;  // per group: how long its port has been open without a member

  std::vector<Membership> left_;
  std::vector<Membership> joined_;
  ReadBuffer buffer_;
};

std::unique_ptr<ProcessDescriber> make_describer(const std::string& procfs, DescribedTexts texts) {
  auto describer = procfs == "/proc" ? make_libproc2_describer(texts) : nullptr;
  return describer ? std::move(describer) : make_file_describer(procfs, texts);
}

// What `self` means: the agent's PID as this procfs, which may be of another PID namespace, counts it.
pid_t own_pid(const ProcessOptions& options, const ProcDir& procfs) {
  if (options.own_pid != 0) return options.own_pid;
  std::string target;
  const bool known = procfs.read_link("self", target) == 0;
  return (known ? parse_pid_file(target) : std::nullopt).value_or(getpid());
}

ProcessCollector::ProcessCollector(std::vector<ProcessGroupConfig> configs, ProcessOptions options, Catalog& catalog)
    : configs_(std::move(configs)),
      options_(std::move(options)),
      procfs_(options_.procfs),
      open_files_by_(find_open_files_by(procfs_)),
      table_(configs_, procfs_, own_pid(options_, procfs_),
             make_describer(options_.procfs, needed_texts(configs_))),
      passes_unseen_(configs_.size()) {
  groups_.reserve(configs_.size());
  for (const auto& config : configs_) groups_.emplace_back(config.name.value, catalog);
}

Result<PassOutcome> ProcessCollector::collect(Batch& batch, Time now) {
  PassOutcome outcome;
  left_.clear();
  joined_.clear();
  if (auto refreshed = table_.refresh(now, left_, joined_, outcome); !refreshed) return refreshed.error();

  for (auto& group : groups_) group.begin_pass();
  for (const auto& membership : left_) remove(membership);
  if (!joined_.empty()) read_boot_time();
  for (const auto& membership : joined_) add(membership);

  ProcessSample sample;
  for (auto& [pid, member] : members_) {
    if (!member.process.sample(now, open_files_by_, buffer_, outcome, sample)) {
      table_.look_again(pid);
      continue;
    }
    const auto& membership = member.membership;
    if (sample.state == 'Z') ended(member);
    groups_[membership.group].add(sample, member.start_time_seconds, membership.counts_from_birth, member.previous);
  }
  report_unseen_listeners(outcome);
  for (auto& group : groups_) group.end_pass(batch);
  return outcome;
}

void ProcessCollector::remove(const Membership& membership) {
  const auto place = members_.find(membership.pid);
  if (place == members_.end()) return;
  ended(place->second);
  if (place->second.process.keeps_files()) kept_files_ -= WatchedProcess::kept_files;
  members_.erase(place);
}

void ProcessCollector::add(const Membership& membership) {
  const bool keep = kept_files_ + WatchedProcess::kept_files <= options_.max_kept_files;
  const auto [place, added] = members_.try_emplace(membership.pid, procfs_, membership,
                                                   keep ? ProcFile::Keep::open : ProcFile::Keep::closed);
  if (!added) return;
  if (keep) kept_files_ += WatchedProcess::kept_files;
  if (boot_time_seconds_) {
    static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    place->second.start_time_seconds = static_cast<double>(*boot_time_seconds_) +
                                       static_cast<double>(membership.start_ticks) / ticks_per_second;
  }
  if (membership.leads) groups_[membership.group].leader_joined(membership.counts_from_birth);
}

// A leader that ended is missed, unless a child of its own goes on in its place (a service that detaches from whoever
// started it). A zombie has ended, although it stays listed until somebody asks for its exit status.
void ProcessCollector::ended(Member& member) {
  auto& membership = member.membership;
  if (!membership.leads) return;
  membership.leads = false;
  bool succeeded = false;
  for (auto& [pid, other] : members_) {
    const bool child = other.membership.ppid == membership.pid && other.membership.group == membership.group;
    if (!child) continue;
    other.membership.leads = true;
    succeeded = true;
  }
  if (!succeeded) groups_[membership.group].leader_ended();
}

void ProcessCollector::read_boot_time() {
  if (const auto text = procfs_.read("stat", buffer_)) boot_time_seconds_ = parse_boot_time(text.text);
}

void ProcessCollector::report_unseen_listeners(PassOutcome& outcome) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const auto port = configs_[group].match.port;
    const bool unseen = port != 0 && table_.port_is_open(group) && groups_[group].processes() == 0;
    passes_unseen_[group] = unseen ? passes_unseen_[group] + 1 : 0;
    if (passes_unseen_[group] != passes_until_port_is_reported) continue;
    add_partial_error(outcome, "port " + std::to_string(port) + ": no process that listens on it can be seen, or it" +
                                   " meets not all conditions of group " + configs_[group].name.value +
                                   " (seeing it takes the same user, root or CAP_SYS_PTRACE)");
  }
}

}  // namespace

std::unique_ptr<Collector> make_process_collector(std::vector<ProcessGroupConfig> groups, ProcessOptions options,
                                                  Catalog& catalog) {
  return std::make_unique<ProcessCollector>(std::move(groups), std::move(options), catalog);
}

std::span<const Metric> process_metrics() { return process_group_metrics(); }

}  // namespace sidewatch
