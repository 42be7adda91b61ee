// Declares the groups of processes and refuses those that would select everything or nothing.
#include "collectors/process/config.h"

#include <set>
#include <utility>

#include "collectors/process/process.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_groups = 128;

void check_names(config::Section& section, const std::vector<ProcessGroupConfig>& groups) {
  std::set<std::string> names;
  for (const auto& group : groups) {
    const std::string& name = group.name.value;
    const config::Mark& mark = group.name.mark;
    if (mark.line == 0) continue;  // there is none, and that is said already
    if (name.empty()) {
      section.problem(mark, "a group of processes needs a name");
    } else if (!names.insert(name).second) {
      section.problem(mark, "there is already a group of processes named '" + name + "'");
    }
  }
  if (groups.size() > max_groups) {
    section.problem("process", "more than " + std::to_string(max_groups) + " groups of processes");
  }
}

// An empty text would match every process, so it is a mistake of its own; one in a port or pattern is reported already.
bool has_wrong_value(config::Section& section, const ProcessMatch& match) {
  const std::pair<const char*, bool> texts[] = {{"pid_file", match.pid_file.empty()},
                                                {"comm", match.comm.empty()},
                                                {"exe", match.exe.empty()},
                                                {"cmdline", match.cmdline.full_match("")}};
  bool wrong = section.has("port") || (section.has("cmdline") && !match.cmdline.full_match(""));
  for (const auto& [key, empty] : texts) {
    if (!section.has(key) || !empty) continue;
    section.problem(key, "'" + std::string(key) + "' is empty");
    wrong = true;
  }
  return wrong;
}

}  // namespace

std::string conditions(const ProcessMatch& match) {
  std::string text;
  const auto add = [&text](const std::string& word, const std::string& value) {
    if (!text.empty()) text += ", ";
    text += word + " " + value;
  };
  if (match.pid == ProcessWord::self) add("pid", "self");
  if (match.parent == ProcessWord::self) add("parent", "self");
  if (!match.pid_file.empty()) add("pid_file", match.pid_file);
  if (!match.comm.empty()) add("comm", match.comm);
  if (!match.exe.empty()) add("exe", match.exe);
  if (!match.cmdline.pattern().empty()) add("cmdline", match.cmdline.pattern());
  if (match.port != 0) add("port", std::to_string(match.port));
  return text;
}

void declare(config::Section& section, ProcessMatch& match) {
  const std::initializer_list<std::pair<std::string_view, ProcessWord>> self = {{"any", ProcessWord::any},
                                                                                {"self", ProcessWord::self}};
  section.optional("pid_file", match.pid_file, "the file that holds its PID, such as /run/bot.pid");
  section.optional("comm", match.comm,
                   "its name as `ps -o comm` shows it, exactly, such as node; only the first 15 bytes count, as the "
                   "kernel keeps no more");
  section.optional("exe", match.exe, "its program: a whole path (/usr/bin/node), or only the file name (node)");
  section.optional("cmdline", match.cmdline,
                   "a regular expression found somewhere in its arguments joined by spaces, such as 'node .*bot\\.js'");
  section.optional("port", match.port,
                   "the TCP port that it listens on, such as 8080", config::between<std::int64_t>(1, 65535));
  section.choice("pid", match.pid, self, "self: the agent's own process");
  section.choice("parent", match.parent, self, "self: started by the agent's own process");
  if (section.describing() || has_wrong_value(section, match) || !conditions(match).empty()) return;
  section.problem(section.mark(), "says nothing about the processes: give at least one of pid_file, comm, exe, "
                                  "cmdline, port, pid: self or parent: self");
}

void declare(config::Section& section, ProcessGroupConfig& group) {
  section.required("name", group.name,
                   "what you call this group: the value of the label groupname of its series, such as bot");
  section.section("match", group.match, "how its processes are recognised; everything given must hold");
  section.optional("children", group.children,
                   "whether processes that its processes start belong to it too, unless another group matches them");
  if (!section.describing() && !section.has("match")) {
    section.problem(section.mark(), "'match' is missing: it says how the processes are recognised");
  }
}

void configure_process(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<ProcessGroupConfig> groups;
  collectors.list("process", groups,
                  "groups of processes to watch, under process-exporter's metric names, every agent.interval and as the "
                  "agent's own /proc shows them: in a container give it the host's or the pod's PID namespace");
  if (groups.empty()) return;
  check_names(collectors, groups);

  CollectorPlan plan;
  plan.name = "process";
  plan.watches = "processes: ";
  for (const auto& group : groups) {
    if (&group != &groups.front()) plan.watches += "; ";
    plan.watches += group.name.value + " (" + conditions(group.match) + ")";
    plan.fingerprint += '\n' + group.name.value + '\t' + conditions(group.match) + (group.children ? "\t+" : "\t-");
  }
  plan.make = [groups = std::move(groups)](const CollectorContext& context) {
    return make_process_collector(groups, {}, context.catalog);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> process_metric_groups() {
  const auto metrics = process_metrics();
  return {{"process", "groups of processes, by the label groupname", {metrics.begin(), metrics.end()}}};
}

}  // namespace sidewatch
