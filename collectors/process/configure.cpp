// The collectors that are planned from the `process` key: one for all entries of the same interval and procfs, as they
// can share one look at it.
#include <algorithm>
#include <set>
#include <utility>

#include "base/time.h"
#include "collectors/process/config.h"
#include "collectors/process/process.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_entries = 128;

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
  }
  if (groups.size() > max_entries) {
    section.problem("process", "more than " + std::to_string(max_entries) + " groups of processes");
  }
}

bool sampled_together(const ProcessGroupConfig& a, const ProcessGroupConfig& b) {
  return a.interval == b.interval && a.procfs == b.procfs;
}

std::string fingerprint(const ProcessGroupConfig& group) {
  const ProcessDetails& details = group.details;
  std::string text = '\n' + group.name.value + '\t' + conditions(group.match) + (group.children ? "\t+" : "\t-");
  for (const bool wanted : {details.threads, details.wchan, details.process_metrics}) text += wanted ? '+' : '-';
  const auto count = [&text](std::int64_t number) { text += ' ' + std::to_string(number); };
  count(details.proportional_memory_every.value_or(Duration(0)).count());
  count(static_cast<std::int64_t>(details.max_thread_names));
  count(static_cast<std::int64_t>(group.max_groups));
  count(group.forget_after.count());
  return text;
}

// The name tells the collectors apart in sidewatch's own metrics.
CollectorPlan plan_of(std::vector<ProcessGroupConfig> groups) {
  const ProcessGroupConfig& first = groups.front();
  CollectorPlan plan;
  plan.name = "process";
  plan.interval = first.interval;
  plan.watches = "processes: ";
  for (const auto& group : groups) {
    if (&group != &first) plan.watches += "; ";
    plan.watches += group.name.value + " (" + conditions(group.match) + ")";
    plan.fingerprint += fingerprint(group);
  }
  if (first.procfs != "/proc") {
    plan.name += ":" + first.procfs;
    plan.watches += ", as " + first.procfs + " tells it";
  }
  if (first.interval) plan.name += ":" + to_words(*first.interval);
  plan.fingerprint += '\n' + plan.name;
  plan.make = [groups = std::move(groups)](const CollectorContext& context) {
    ProcessOptions options;
    options.procfs = groups.front().procfs;
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
  std::vector<std::vector<ProcessGroupConfig>> together;
  for (auto& group : groups) {
    const auto place = std::find_if(together.begin(), together.end(),
                                    [&group](const auto& others) { return sampled_together(others.front(), group); });
    if (place == together.end()) {
      together.push_back({std::move(group)});
    } else {
      place->push_back(std::move(group));
    }
  }
  for (auto& entries : together) plans.push_back(plan_of(std::move(entries)));
}

}  // namespace sidewatch
