// The process collector: one for all groups, so that /proc is listed once per pass and libproc2 is used by one thread.
//
// Each pass reads the members through their open files (WatchedProcess), finds out who else exists and belongs to which
// group (ProcessTable: descriptions of what is new), then sums up (ProcessGroup). The cost of a pass is about 20 us per
// member and about 30 us for each process that is new, whatever their number; /proc is listed as a whole, at 0.5 us per
// process, every five seconds and when a member ended or very many began.
//
// Refuses to expose what a process says about itself, unless a template as a group's name asks for it: names and
// command lines select, but the only label is the name that the configuration gives to the group.
#include "collectors/process/process.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "collectors/proc_file.h"
#include "collectors/process/group_metrics.h"
#include "collectors/process/groups.h"
#include "collectors/process/process_table.h"
#include "collectors/process/process_text.h"
#include "collectors/process/scrape_errors.h"
#include "collectors/process/selector.h"
#include "collectors/process/unseen_listeners.h"
#include "collectors/process/watched_process.h"

namespace sidewatch {
namespace {

struct Member {
  Member(const ProcDir& procfs, const Membership& m, const ProcessDetails& details, ProcFile::Keep keep,
         ProcessFiles::Told& told)
      : membership(m), process(procfs, {m.pid, m.start_ticks, m.counts_from_birth}, details, keep, told) {}

  Membership membership;
  WatchedProcess process;
  std::optional<double> start_seconds;
  ProcessCounters previous;
  std::optional<ProcessSample> sample;  // of this pass
};

class ProcessCollector final : public Collector {
 public:
  ProcessCollector(std::vector<ProcessGroupConfig> configs, ProcessOptions options, Catalog& catalog);
  Result<PassOutcome> collect(Batch& batch, Time now) override;

 private:
  void read(Member& member, Time now, PassOutcome& outcome);
  void sum_up(Member& member, PassOutcome& outcome);
  void remove(const Membership& membership);
  void add(const Membership& membership, Time now, PassOutcome& outcome);
  void ended(Member& member);
  void read_boot_time();

  const std::vector<ProcessGroupConfig> configs_;
  const ProcessOptions options_;
  const ProcDir procfs_;
  const OpenFilesBy open_files_by_;
  ProcessGroups groups_;
  ProcessTable table_;
  ScrapeErrors errors_;
  ProcessFiles::Told told_;
  std::map<pid_t, Member> members_;
  std::size_t kept_files_ = 0;
  std::vector<std::uint64_t> sampled_;  // per entry: how many members in this pass
  UnseenListeners unseen_listeners_;

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

Labels own_labels(const ProcessOptions& options) { return Labels().with("collector", options.collector); }

ProcessCollector::ProcessCollector(std::vector<ProcessGroupConfig> configs, ProcessOptions options, Catalog& catalog)
    : configs_(std::move(configs)),
      options_(std::move(options)),
      procfs_(options_.procfs),
      open_files_by_(find_open_files_by(procfs_)),
      groups_(configs_, own_labels(options_), catalog),
      table_(configs_, procfs_, own_pid(options_, procfs_), make_describer(options_.procfs, needed_texts(configs_)),
             [this](std::size_t entry, const ProcessDescription& process, std::optional<std::size_t> present) {
               return groups_.group_of(entry, process, present);
             }),
      errors_(catalog, own_labels(options_)),
      sampled_(configs_.size()),
      unseen_listeners_(configs_) {
  read_boot_time();
}

Result<PassOutcome> ProcessCollector::collect(Batch& batch, Time now) {
  PassOutcome outcome;
  left_.clear();
  joined_.clear();
  // Members first: who of them ended is then known when it is decided who is new, and a replacement is seen as one.
  for (auto& [pid, member] : members_) read(member, now, outcome);
  if (auto refreshed = table_.refresh(now, left_, joined_, outcome); !refreshed) {
    errors_.pass_failed();
    return refreshed.error();
  }
  groups_.begin_pass();
  for (const auto& membership : left_) remove(membership);
  if (!joined_.empty()) read_boot_time();
  for (const auto& membership : joined_) add(membership, now, outcome);
  std::fill(sampled_.begin(), sampled_.end(), 0);
  for (auto& [pid, member] : members_) sum_up(member, outcome);
  unseen_listeners_.look(table_, sampled_, outcome);
  groups_.end_pass(now, batch);
  errors_.add(outcome, batch);
  return outcome;
}

void ProcessCollector::read(Member& member, Time now, PassOutcome& outcome) {
  const auto sampled = member.process.sample(now, open_files_by_, buffer_, outcome, member.sample.emplace());
  if (sampled == WatchedProcess::Sampled::yes) return;
  if (sampled == WatchedProcess::Sampled::unreadable) errors_.process_unreadable();
  member.sample.reset();
  table_.look_again(member.membership.pid);
}

void ProcessCollector::sum_up(Member& member, PassOutcome& outcome) {
  if (!member.sample) return;
  auto& membership = member.membership;
  if (member.sample->state == 'Z') ended(member);
  ++sampled_[membership.entry];
  ProcessGroup& group = groups_[membership.group];
  group.add(*member.sample, {member.start_seconds, membership.counts_from_birth, membership.leads}, member.previous);
  member.process.sample_threads(*member.sample, buffer_, outcome, group.threads());
}

void ProcessCollector::remove(const Membership& membership) {
  const auto place = members_.find(membership.pid);
  if (place == members_.end()) return;
  ended(place->second);
  groups_.leave(place->second.membership.group);
  if (place->second.process.keeps_files()) kept_files_ -= ProcessFiles::kept_files;
  members_.erase(place);
}

void ProcessCollector::add(const Membership& membership, Time now, PassOutcome& outcome) {
  const bool keep = kept_files_ + ProcessFiles::kept_files <= options_.max_kept_files;
  const auto [place, added] = members_.try_emplace(membership.pid, procfs_, membership,
                                                   configs_[membership.entry].details,
                                                   keep ? ProcFile::Keep::open : ProcFile::Keep::closed, told_);
  if (!added) return;
  groups_.join(membership.group);
  if (place->second.process.keeps_files()) kept_files_ += ProcessFiles::kept_files;
  place->second.start_seconds = groups_.start_time(membership.start_ticks);
  if (membership.leads) groups_[membership.group].leader_joined(membership.counts_from_birth);
  read(place->second, now, outcome);
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
  const auto text = procfs_.read("stat", buffer_);
  const auto seconds = text ? parse_boot_time(text.text) : std::nullopt;
  if (seconds) groups_.set_boot_time(*seconds);
}

}  // namespace

std::unique_ptr<Collector> make_process_collector(std::vector<ProcessGroupConfig> groups, ProcessOptions options,
                                                  Catalog& catalog) {
  return std::make_unique<ProcessCollector>(std::move(groups), std::move(options), catalog);
}

std::vector<MetricGroup> process_metric_groups() {
  const auto all = [](std::span<const Metric> metrics) { return std::vector<Metric>(metrics.begin(), metrics.end()); };
  auto own = all(scrape_error_metrics());
  for (const Metric& metric : process_limit_metrics()) own.push_back(metric);
  return {{"process",
           "groups of processes, by the label groupname; where an entry asks for process_metrics, the oldest process "
           "of a group also has the process_* that stand under self, with its groupname",
           all(process_group_metrics())},
          {"process: threads", "the threads of a group, where its entry asks for them", all(process_thread_metrics())},
          {"process: its reading", "how reading them went", std::move(own)}};
}

}  // namespace sidewatch
