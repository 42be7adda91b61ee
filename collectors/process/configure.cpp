// The collectors that are planned from the `process` key: one for all entries of the same interval and procfs, as they
// can share one look at it. Each knows the entries of the other intervals as well, so that a process belongs to the
// first entry that matches it whichever collector that is sampled by.
#include <algorithm>
#include <set>
#include <utility>

#include "base/time.h"
#include "collectors/process/config.h"
#include "collectors/process/process.h"
#include "collectors/process/rights.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_entries = 128;

bool sampled_together(const ProcessGroupConfig& a, const ProcessGroupConfig& b) {
  return a.interval == b.interval && a.procfs == b.procfs;
}

void check_names(config::Section& section, const std::vector<ProcessGroupConfig>& groups) {
  std::set<std::string> names;
  for (const auto& group : groups) {
    const std::string& name = group.name.value;
    const config::Mark& mark = group.name.mark;
    if (mark.line == 0) continue;  // there is none, and that is said already
    if (name.empty()) {
      section.problem(mark, "a group of processes needs a name");
    } else if (name.find("{{") == std::string::npos && !names.insert(name).second) {
      section.problem(mark, "there is already a group of processes named '" + name + "'");
    }
    const auto same_series = [&group](const auto& other) {
      return other.name.value == group.name.value && !sampled_together(other, group);
    };
    if (name.find("{{") != std::string::npos && std::any_of(groups.begin(), groups.end(), same_series)) {
      section.problem(mark, "another entry has the name '" + name + "' but another interval or procfs: both would "
                            "write the same series");
    }
  }
  if (groups.size() > max_entries) {
    section.problem("process", "more than " + std::to_string(max_entries) + " groups of processes");
  }
}

std::string fingerprint(const ProcessGroupConfig& group) {
  const ProcessDetails& details = group.details;
  std::string text = '\n' + group.name.value + '\t' + conditions(group.match) + (group.children ? "\t+" : "\t-");
  text += group.sampled_elsewhere ? '-' : '+';
  for (const bool wanted : {details.threads, details.wchan, details.process_metrics}) text += wanted ? '+' : '-';
  const auto count = [&text](std::int64_t number) { text += ' ' + std::to_string(number); };
  count(details.proportional_memory_every.value_or(Duration(0)).count());
  count(static_cast<std::int64_t>(details.max_thread_names));
  count(static_cast<std::int64_t>(group.max_groups));
  count(group.forget_after.count());
  return text;
}

// What the agent that is asked cannot know: whether the one that will run, perhaps as another user, may see it.
std::string in_words(const ProcessMatch& match) {
  if (match.port == 0) return conditions(match);
  return conditions(match) + ": seeing who listens takes " + rights_over_other_users;
}

// Every entry that looks at the same /proc as `first`, of which those with its interval are sampled.
std::vector<ProcessGroupConfig> seen_with(const ProcessGroupConfig& first,
                                          const std::vector<ProcessGroupConfig>& all) {
  std::vector<ProcessGroupConfig> groups;
  for (const auto& group : all) {
    if (group.procfs != first.procfs) continue;
    groups.push_back(group);
    groups.back().sampled_elsewhere = !sampled_together(group, first);
  }
  return groups;
}

// The collector of `first` and all that are sampled with it. Its name tells it from the others in sidewatch's own
// metrics.
CollectorPlan plan_of(const ProcessGroupConfig& first, const std::vector<ProcessGroupConfig>& all) {
  auto groups = seen_with(first, all);
  CollectorPlan plan;
  plan.name = "process";
  plan.interval = first.interval;
  plan.watches = "processes: ";
  const char* separator = "";
  for (const auto& group : groups) {
    plan.fingerprint += fingerprint(group);
    if (group.sampled_elsewhere) continue;
    plan.watches += separator + group.name.value + " (" + in_words(group.match) + ")";
    separator = "; ";
  }
  if (first.procfs != "/proc") {
    plan.name += ":" + first.procfs;
    plan.watches += ", as " + first.procfs + " tells it";
  }
  if (first.interval) plan.name += ":" + to_words(*first.interval);
  plan.fingerprint += '\n' + plan.name;
  plan.make = [groups = std::move(groups), name = plan.name](const CollectorContext& context) {
    ProcessOptions options;
    options.procfs = groups.front().procfs;
    if (name != "process") options.collector = name;
    return make_process_collector(groups, options, context.catalog);
  };
  return plan;
}

}  // namespace

void configure_process(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<ProcessGroupConfig> groups;
  collectors.list("process", groups,
                  "groups of processes to watch, under process-exporter's metric names; a process belongs to the first "
                  "that matches it. They are seen as procfs shows them: in a container give the agent the host's or "
                  "the pod's PID namespace");
  check_names(collectors, groups);
  for (auto group = groups.begin(); group != groups.end(); ++group) {
    const bool planned = std::any_of(groups.begin(), group, [&group](const auto& before) {
      return sampled_together(before, *group);
    });
    if (!planned) plans.push_back(plan_of(*group, groups));
  }
}

}  // namespace sidewatch
