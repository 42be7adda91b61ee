#include "agent/init/write_config.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "agent/init/databases.h"
#include "agent/init/programs.h"
#include "agent/init/yaml_text.h"
#include "collectors/process/rights.h"

namespace sidewatch::discovery {
namespace {

constexpr std::uint16_t default_port = 9766;

std::string count(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// "15.6 GiB".
std::string size(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, value == static_cast<double>(static_cast<std::uint64_t>(value)) ? "%.0f %s" : "%.1f %s",
                value, units[unit]);
  return text;
}

std::string comment(const std::string& indent, const std::string& text) {
  return indent + "# " + comment_text(text, 116 - indent.size()) + "\n";
}

std::string place(const Machine& machine) {
  switch (machine.place) {
    case Place::host: return "a host";
    case Place::container: return "a container";
    case Place::pod: return "a Kubernetes pod";
  }
  return "";
}

std::string describe_machine(const Machine& machine) {
  std::string text = place(machine);
  if (machine.place != Place::host && (machine.cores > 0 || machine.memory_bytes > 0)) text += " on a machine";
  if (machine.cores > 0) text += " with " + count(machine.cores, "core", "cores");
  if (machine.memory_bytes > 0) text += (machine.cores > 0 ? " and " : " with ") + size(machine.memory_bytes) + " of memory";
  return text;
}

// "ports 80, 443"; where one listens on this machine's loopback only, that is said.
std::string describe_ports(const Service& service) {
  std::set<std::uint16_t> ports;
  bool only_loopback = true;
  for (const auto& listener : service.listeners) {
    ports.insert(listener.port);
    only_loopback = only_loopback && (listener.address.starts_with("127.") || listener.address == "[::1]");
  }
  std::vector<std::string> numbers;
  for (const auto port : ports) numbers.push_back(std::to_string(port));
  if (numbers.empty()) return "";
  constexpr std::size_t most = 12;
  if (numbers.size() > most) {
    numbers.resize(most);
    numbers.push_back("...");
  }
  const std::string where = service.other_network ? " in a network of its own" : only_loopback ? " on loopback only" : "";
  return (ports.size() == 1 ? "port " : "ports ") + joined(numbers) + where;
}

std::string describe_service(const Service& service) {
  std::vector<std::string> facts;
  if (!service.user.empty()) facts.push_back("user " + service.user);
  if (!service.unit.empty()) facts.push_back("unit " + service.unit + ".service");
  if (!service.container.empty()) facts.push_back("container " + service.container);
  if (service.processes > 1) facts.push_back(std::to_string(service.processes) + " processes");
  if (!service.listeners.empty()) facts.push_back(describe_ports(service));
  return service.title + (facts.empty() ? "" : ": " + joined(facts));
}

std::string write_match(const Service& service) {
  std::string text;
  for (const auto& condition : service.match) {
    text += (text.empty() ? "" : ", ") + condition.key + ": ";
    text += condition.key == "port" ? condition.value : yaml_value(condition.value);
  }
  return "{" + text + "}";
}

std::string write_group(const Service& service, const std::string& root, bool active) {
  const std::string indent = "    ";
  std::string text = comment(indent, describe_service(service));
  if (service.others > 0) {
    text += comment(indent, count(service.others, "other process matches", "other processes match") +
                                " this too: narrow it down if you can");
  }
  if (service.match.front().key == "port") {
    text += comment(indent, std::string("by its port, for want of anything better: takes ") + rights_over_other_users);
  }
  const std::string hash = active ? "" : "# ";
  text += indent + hash + "- name: " + yaml_value(service.name) + "\n";
  text += indent + hash + "  match: " + write_match(service) + "\n";
  if (!root.empty()) text += indent + hash + "  procfs: " + yaml_value(root + "/proc") + "\n";
  return text;
}

std::string write_host(const Findings& findings) {
  const Machine& machine = findings.machine;
  std::string text;
  if (!watches_host(findings)) {
    return comment("  ", "The machine below belongs to others as well. To watch it too:") + "  # host: {}\n";
  }
  const bool has_storage = !machine.disks.empty() || !machine.filesystems.empty();
  text += comment("  ", "This machine: CPU, memory, network, disks and filesystems" +
                            std::string(has_storage ? "; at the moment it has" : ""));
  for (const auto& disk : machine.disks) text += comment("  ", "  disk " + disk.name + " (" + size(disk.bytes) + ")");
  for (const auto& mounted : machine.filesystems) {
    text += comment("  ", "  filesystem " + mounted.mount_point + " (" + mounted.type + " on " + mounted.device + ")");
  }
  if (findings.root.empty()) return text + "  host: {}\n";
  return text + "  host:\n    procfs: " + yaml_value(findings.root + "/proc") + "\n    sysfs: " +
         yaml_value(findings.root + "/sys") + "\n    rootfs: " + yaml_value(findings.root) + "\n";
}

// "limited to 256 MiB of memory and 0.5 cores".
std::string describe_limits(const Machine& machine) {
  std::vector<std::string> limits;
  if (machine.memory_limit) limits.push_back(size(*machine.memory_limit) + " of memory");
  if (machine.cpu_limit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", *machine.cpu_limit);
    limits.push_back(std::string(text) + " cores");
  }
  return limits.empty() ? "no limit was found" : "limited to " + joined(limits);
}

std::string write_container_target(const Service& service) {
  return "      - name: " + yaml_value(service.name) + "\n        process: " + write_match(service) + "\n";
}

std::string write_containers(const Findings& findings) {
  const auto watched = containers_to_watch(findings);
  std::string text;
  for (const auto* service : watched) text += write_container_target(*service);
  if (!text.empty()) {
    return "\n  # The containers of these services: memory, CPU and how near they are to their limits.\n"
           "  container:\n    targets:\n" + text;
  }
  if (watches_host(findings)) return "";
  text = "\n" + comment("  ", "The container that the agent itself is in: " + describe_limits(findings.machine) + ".");
  if (findings.machine.place == Place::pod) {
    text += comment("  ", "Containers beside it are seen once the pod has shareProcessNamespace: true; then run init again.");
  } else if (findings.services.watched.empty()) {
    text += comment("  ", "Another one is seen when both share their processes: docker run --pid=container:NAME ...");
  }
  return text + "  container: {}\n";
}

std::string write_processes(const Findings& findings) {
  const Services& services = findings.services;
  std::string text = "\n  # Services, as groups of processes. A process that they start belongs to them.\n";
  if (services.watched.empty()) {
    text += "  # None was found; one is added like this:\n  # process:\n  #   - name: checkout\n"
            "  #     match: {comm: checkout}        # its name, as ps -o comm shows it\n";
  } else {
    text += "  process:\n";
  }
  for (const auto& service : services.watched) text += write_group(service, findings.root, true);
  if (services.more > 0) text += comment("    ", std::to_string(services.more) + " more were found and left out.");
  if (services.waiting.empty()) return text;
  text += "\n    # These listen nowhere. If one is a service of yours, take out its hash signs";
  text += services.watched.empty() ? " and those of process:.\n" : ".\n";
  for (const auto& service : services.waiting) text += write_group(service, findings.root, false);
  return text;
}

std::string service_on(const Findings& findings, std::uint16_t port) {
  for (const auto& service : findings.services.watched) {
    for (const auto& listener : service.listeners) {
      if (listener.port == port && !service.other_network) return service.name;
    }
  }
  return "";
}

// Pages of samples that answered when they were asked, job by job.
std::string write_scrapes(const Findings& findings) {
  std::map<std::string, std::vector<std::string>> jobs;
  for (const auto port : findings.metrics_ports) {
    const std::string service = service_on(findings, port);
    jobs[service.empty() ? "port-" + std::to_string(port) : service].push_back(
        yaml_value("http://127.0.0.1:" + std::to_string(port) + "/metrics"));
  }
  if (jobs.empty()) return "";
  std::string text = "\n  # The samples that these serve themselves, as Prometheus would scrape them.\n  scrape:\n";
  for (const auto& [job, urls] : jobs) {
    text += "    - job: " + yaml_value(job) + "\n";
    text += urls.size() == 1 ? "      url: " + urls.front() + "\n" : "      urls: [" + joined(urls) + "]\n";
  }
  return text;
}

// Not configuration, but worth knowing: written as comments.
std::string write_remarks(const Findings& findings) {
  std::string text;
  const auto section = [&text](const std::string& title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    text += "\n" + comment("  ", title);
    for (const auto& line : lines) text += comment("  ", "  " + line);
  };
  std::vector<std::string> databases;
  for (const auto& service : findings.services.watched) {
    if (service.is_database) databases.push_back(service.title + ": the group " + service.name);
  }
  const auto traces = other_traces_of_databases(findings);
  databases.insert(databases.end(), traces.begin(), traces.end());
  section("Databases that were seen:", databases);
  section("Left out, as the system's own:", findings.services.left_out);
  std::vector<std::string> unclaimed;
  for (const auto& listener : findings.machine.unclaimed) {
    unclaimed.push_back("port " + std::to_string(listener.port) + " on " + listener.address + ", user " + listener.user);
  }
  section("Whose ports these are could not be seen:", unclaimed);
  return text;
}

std::string listen_port(const Findings& findings) {
  std::set<std::uint16_t> taken;
  for (const auto& service : findings.services.watched) {
    for (const auto& listener : service.listeners) {
      if (!service.other_network) taken.insert(listener.port);
    }
  }
  std::uint16_t port = default_port;
  while (taken.contains(port)) ++port;
  return std::to_string(port);
}

std::string write_agent(const Findings& findings) {
  const std::string_view here = findings.machine.place == Place::pod         ? "pod"
                                : findings.machine.place == Place::container ? "container"
                                                                             : "machine";
  return "\nagent:\n"
         "  interval: 5s                 # how often everything is sampled\n"
         "  # Alerts, unsent messages and samples survive a crash here.\n"
         "  state_dir: " + yaml_value(findings.state_dir) + "\n"
         "\nhttp:\n"
         "  # /metrics and the API, for this " + std::string(here) + " alone; 0.0.0.0:" + listen_port(findings) + " would let others in.\n"
         "  listen: 127.0.0.1:" + listen_port(findings) + "\n";
}

constexpr const char* receivers = R"(
# Who is told. Messages go to the log, and as JSON to the address in WEBHOOK_URL once that is set.
receivers:
  - name: log
    log: {}
  - name: webhook
    only_if: ${WEBHOOK_URL:-}
    webhook:
      url: ${WEBHOOK_URL:-}
)";

}  // namespace

std::string write_config(const Findings& findings) {
  std::string text = comment("", "`sidewatch init` wrote this for " + describe_machine(findings.machine) + ".");
  text += R"(#
#   sidewatch check FILE             says what this watches, or what is wrong with it
#   sidewatch run --config FILE      watches
#   sidewatch reference              tells every key
)";
  for (const auto& skipped : findings.machine.skipped) text += "#\n" + comment("", "Not looked into: " + skipped + ".");
  text += write_agent(findings);
  text += "\ncollectors:\n" + write_host(findings) + write_processes(findings) +
          write_containers(findings) + write_scrapes(findings) + write_databases(findings) +
          write_remarks(findings);
  text += default_rules(findings);
  return text + receivers;
}

std::string summary(const Findings& findings) {
  std::string text = "This is " + describe_machine(findings.machine) + ".\n";
  text += "Found\n";
  const auto line = [&text](const std::string& what) { text += "  " + comment_text(what, 116) + "\n"; };
  for (const auto& service : findings.services.watched) line((service.title == service.name ? "" : service.name + ": ") + describe_service(service));
  if (findings.services.watched.empty()) line("no service that listens");
  if (!findings.services.waiting.empty()) {
    line(count(findings.services.waiting.size(), "program that listens", "programs that listen") +
         " nowhere, as comments: take out the hash signs of what is yours");
  }
  for (const auto& database : other_traces_of_databases(findings)) line(database);
  for (const auto port : findings.metrics_ports) line("http://127.0.0.1:" + std::to_string(port) + "/metrics");
  std::vector<std::string> skipped = findings.machine.skipped;
  if (!findings.probed) skipped.push_back("whether local ports serve /metrics: nobody was asked");
  if (!findings.machine.unclaimed.empty()) {
    std::vector<std::string> ports;
    for (const auto& listener : findings.machine.unclaimed) ports.push_back(std::to_string(listener.port));
    const std::string whose = ports.size() == 1 ? "whose port " + ports[0] + " is" : "whose ports these are: " + joined(ports);
    skipped.push_back(whose);
  }
  if (!skipped.empty()) text += "Not looked into\n";
  for (const auto& what : skipped) line(what);
  return text;
}

}  // namespace sidewatch::discovery
