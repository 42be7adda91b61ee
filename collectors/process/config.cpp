// Declares the entries that select processes and refuses those that would select everything or nothing.
#include "collectors/process/config.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "collectors/process/group_name.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t min_container_id_digits = 12;  // what `docker ps` shows
constexpr std::size_t max_container_id_digits = 64;

std::string join(const std::vector<std::string>& words, std::string_view by = " or ") {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : by).append(word);
  return text;
}

std::vector<std::string> patterns_of(const std::vector<Regex>& expressions) {
  std::vector<std::string> patterns;
  for (const auto& expression : expressions) patterns.push_back(expression.pattern());
  return patterns;
}

// A pattern that the empty text matches is found in every text. One that is no expression is reported already.
bool has_wrong_cmdline(config::Section& section, const std::vector<Regex>& cmdline) {
  bool wrong = false;
  for (const auto& expression : cmdline) {
    const bool is_found_everywhere = expression.full_match("");
    const bool is_empty = expression.pattern().empty();
    if (is_found_everywhere && is_empty) section.problem("cmdline", "'cmdline' is empty");
    if (is_found_everywhere && !is_empty) {
      section.problem("cmdline", "'" + expression.pattern() + "' is found in every command line; .+ is found in all that "
                                 "are not empty");
    }
    wrong = wrong || is_found_everywhere || is_empty;
  }
  return wrong;
}

// An empty text would match every process, so it is a mistake of its own; one in a port or pattern is reported already.
bool has_wrong_value(config::Section& section, const ProcessMatch& match) {
  const auto is_empty = [](const std::vector<std::string>& words) {
    return std::any_of(words.begin(), words.end(), [](const std::string& word) { return word.empty(); });
  };
  const std::pair<const char*, bool> texts[] = {
      {"pid_file", match.pid_file.empty()},   {"comm", is_empty(match.comm)},     {"exe", is_empty(match.exe)},
      {"user", is_empty(match.user)},         {"cgroup", match.cgroup.empty()},   {"unit", match.unit.empty()},
      {"container", match.container.empty()}};
  bool wrong = has_wrong_cmdline(section, match.cmdline) || section.has("port");
  for (const auto& [key, empty] : texts) {
    if (!section.has(key) || !empty) continue;
    section.problem(key, "'" + std::string(key) + "' is empty");
    wrong = true;
  }
  return wrong;
}

void check_places(config::Section& section, const ProcessMatch& match) {
  const std::string& cgroup = match.cgroup;
  if (!cgroup.empty() && (cgroup.size() == 1 || !cgroup.starts_with('/') || cgroup.ends_with('/'))) {
    section.problem("cgroup", "'" + cgroup + "' is not a cgroup as /proc/PID/cgroup shows it, such as "
                              "/system.slice/nginx.service");
  }
  if (match.unit.find('/') != std::string::npos) {
    section.problem("unit", "'" + match.unit + "' is not the name of a systemd unit, such as nginx.service");
  }
  const std::string& id = match.container;
  const bool is_hex = id.find_first_not_of("0123456789abcdef") == std::string::npos;
  const bool fits = id.size() >= min_container_id_digits && id.size() <= max_container_id_digits;
  if (!id.empty() && (!is_hex || !fits)) {
    section.problem("container", "'" + id + "' is not the id of a container: at least its first 12 of 64 hexadecimal "
                                 "digits, as `docker ps` shows them");
  }
}

// Of the template of a name: how many groups it may make, and for how long.
void declare_template_keys(config::Section& section, ProcessGroupConfig& group) {
  auto max_groups = static_cast<std::int64_t>(group.max_groups);
  section.optional("max_groups", max_groups,
                   "how many groups a template as name may make; the processes of more are in the group 'overflow', "
                   "and sidewatch_process_overflows_total counts them",
                   config::between<std::int64_t>(1, 1000));
  group.max_groups = static_cast<std::size_t>(max_groups);
  section.optional("forget_after", group.forget_after,
                   "how long a group that a template made is shown after its last process has ended",
                   config::between(Duration(0s), Duration(24h)));
}

void declare_details(config::Section& section, ProcessDetails& details) {
  section.optional("threads", details.threads,
                   "whether namedprocess_namegroup_thread_* tell of the threads by their names; reads three files per "
                   "thread in every pass");
  section.optional("wchan", details.wchan,
                   "whether namedprocess_namegroup_threads_wchan tells in which function of the kernel threads wait");
  auto max_names = static_cast<std::int64_t>(details.max_thread_names);
  section.optional("max_thread_names", max_names,
                   "how many names of threads, and of functions they wait in, a group shows; the others are in "
                   "'overflow', and sidewatch_process_overflows_total counts them",
                   config::between<std::int64_t>(1, 1000));
  details.max_thread_names = static_cast<std::size_t>(max_names);
  section.optional("proportional_memory_every", details.proportional_memory_every,
                   "how often the memory that processes share is divided among them (memtype proportionalResident and "
                   "proportionalSwapped); the kernel walks all pages of a process for it, so 30s or more; not at all "
                   "when absent",
                   config::between(Duration(100ms), Duration(24h)));
  section.optional("process_metrics", details.process_metrics,
                   "whether the oldest process is also shown under the names that client libraries use: "
                   "process_cpu_seconds_total, process_resident_memory_bytes and so on");
}

}  // namespace

std::string conditions(const ProcessMatch& match) {
  std::string text;
  const auto add = [&text](const std::string& word, const std::string& value) {
    if (value.empty()) return;
    if (!text.empty()) text += ", ";
    text += word + " " + value;
  };
  if (match.pid == ProcessWord::self) add("pid", "self");
  if (match.parent == ProcessWord::self) add("parent", "self");
  add("pid_file", match.pid_file);
  add("comm", join(match.comm));
  add("exe", join(match.exe));
  add("cmdline", join(patterns_of(match.cmdline), " and "));
  if (match.port != 0) add("port", std::to_string(match.port));
  add("user", join(match.user));
  add("cgroup", match.cgroup);
  add("unit", match.unit);
  add("container", match.container);
  return text;
}

void declare(config::Section& section, ProcessMatch& match) {
  const std::initializer_list<std::pair<std::string_view, ProcessWord>> self = {{"any", ProcessWord::any},
                                                                                {"self", ProcessWord::self}};
  section.optional("pid_file", match.pid_file, "the file that holds its PID, such as /run/bot.pid");
  section.optional("comm", match.comm,
                   "its name as `ps -o comm` shows it, exactly, such as node; only the first 15 bytes count, as the "
                   "kernel keeps no more; or a list of names, of which one will do");
  section.optional("exe", match.exe,
                   "its program: a whole path (/usr/bin/node), or only the file name (node), or a list of them; where "
                   "the agent may not look at it, the first argument stands for it");
  section.optional("cmdline", match.cmdline,
                   "a regular expression found somewhere in its arguments joined by spaces, such as 'node .*bot\\.js'; "
                   "or a list of them, which must all be found");
  section.optional("port", match.port,
                   "the TCP port that it listens on, such as 8080", config::between<std::int64_t>(1, 65535));
  section.optional("user", match.user,
                   "its effective user, by name or number, or a list of them; names are those known where the agent "
                   "runs");
  section.optional("cgroup", match.cgroup,
                   "the cgroup that it is in, or that its cgroup is below, as /proc/PID/cgroup shows it, such as "
                   "/system.slice/nginx.service");
  section.optional("unit", match.unit,
                   "the systemd unit that it belongs to, such as nginx.service (or nginx), user-1000.slice");
  section.optional("container", match.container,
                   "the id of the container that it runs in, or at least the first 12 digits");
  section.choice("pid", match.pid, self, "self: the agent's own process");
  section.choice("parent", match.parent, self, "self: started by the agent's own process");
  if (section.describing()) return;
  check_places(section, match);
  if (has_wrong_value(section, match) || !conditions(match).empty()) return;
  section.problem(section.mark(), "says nothing about the processes: give at least one of pid_file, comm, exe, "
                                  "cmdline, port, user, cgroup, unit, container, pid: self or parent: self");
}

void declare(config::Section& section, ProcessGroupConfig& group) {
  section.required("name", group.name,
                   "what you call this group: the value of the label groupname of its series, such as bot; or a "
                   "template that makes a group for each name it gives, of {{.Comm}}, {{.ExeBase}}, {{.ExeFull}}, "
                   "{{.Username}}, {{.Matches.NAME}} (what (?P<NAME>...) in cmdline matched), {{.PID}}, {{.StartTime}} "
                   "and {{.Cgroups}}, as process-exporter fills them in");
  section.section("match", group.match, "how its processes are recognised; everything given must hold");
  section.optional("children", group.children,
                   "whether processes that its processes start belong to it too, unless another group matches them");
  declare_details(section, group.details);
  declare_template_keys(section, group);
  section.optional("interval", group.interval, "how often its processes are sampled; agent.interval when absent",
                   config::between(Duration(100ms), Duration(1h)));
  section.optional("procfs", group.procfs,
                   "where the /proc whose processes are meant is seen from here, such as /host/proc in a container");
  if (section.describing()) return;
  if (!section.has("match")) {
    section.problem(section.mark(), "'match' is missing: it says how the processes are recognised");
  }
  if (!group.procfs.starts_with('/')) {
    section.problem("procfs", "'" + group.procfs + "' is not an absolute path (it must start with '/')");
  }
  if (const auto name = GroupName::parse(group.name.value, group.match.cmdline); !name) {
    section.problem(group.name.mark, name.error().what);
  }
}

}  // namespace sidewatch
