// The rules are those that come with the agent, tested with it: none is copied into the file, where it would grow old.
// What a person changes first stands there as comments that only need their hash signs taken out.
#include <string>
#include <vector>

#include "agent/init/write_config.h"

namespace sidewatch::discovery {
namespace {

constexpr const char* change_host = R"(# rule_changes:
#   - alert: HostDiskFull
#     warning:  {above: 80, clear: 77}
#     critical: {above: 90, clear: 87}
)";

constexpr const char* change_container = R"(# rule_changes:
#   - alert: ContainerMemoryHigh
#     warning:  {above: 80, clear: 75}
#     critical: {above: 90, clear: 85}
)";

// How much memory is too much for a service only its owner knows.
std::string example_rule(const std::string& group) {
  return "# rules:\n"
         "#   - alert: MyMemory\n"
         "#     expr: namedprocess_namegroup_memory_bytes{groupname=\"" + group + "\", memtype=\"resident\"}\n"
         "#     warning:  {above: 400MiB, clear: 350MiB}\n"
         "#     critical: {above: 600MiB, clear: 500MiB}\n"
         "#     for: 30s\n"
         "#     summary: \"{{ $labels.groupname }} uses {{ $value | humanize1024 }}B of memory\"\n";
}

}  // namespace

bool watches_host(const Findings& findings) {
  return findings.machine.place == Place::host || !findings.root.empty();
}

std::vector<const Service*> containers_to_watch(const Findings& findings) {
  std::vector<const Service*> services;
  if (!findings.root.empty()) return services;
  for (const auto& service : findings.services.watched) {
    if (findings.machine.place != Place::host || !service.container.empty()) services.push_back(&service);
  }
  return services;
}

std::string default_rules(const Findings& findings) {
  const bool host = watches_host(findings);
  const bool process = !findings.services.watched.empty();
  const bool container = !host || !containers_to_watch(findings).empty();
  std::string sets;
  const auto add = [&sets](bool wanted, const char* name) {
    if (wanted) sets += (sets.empty() ? "" : ", ") + std::string(name);
  };
  add(host, "host");
  add(process, "process");
  add(container, "container");
  const std::string first = sets.substr(0, sets.find(','));
  return "\n# What is judged: rules that come with the agent. `sidewatch check` lists them, and `sidewatch reference --rules " +
         first + "`\n# prints them with their reasons.\nshipped_rules: [" + sets + "]\n\n"
         "# One is changed, or with `enabled: false` switched off, by its name:\n" +
         (host ? change_host : change_container) +
         "\n# Rules of your own:\n" + example_rule(process ? findings.services.watched.front().name : "NAME");
}

}  // namespace sidewatch::discovery
