#include "collectors/exec/config.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "collectors/exec/exec.h"
#include "collectors/own_names.h"
#include "config/literals.h"
#include "metrics/text.h"

namespace sidewatch {
namespace exec {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_commands = 200;
constexpr std::size_t max_arguments = 256;
constexpr std::size_t max_variables = 64;

void declare_limits(config::Section& section, ExecConfig& config) {
  auto max_series = static_cast<std::int64_t>(config.reading.max_series);
  section.optional("max_output", config.max_output, "a program that writes more is ended",
                   config::between(config::Bytes{1024}, config::Bytes{std::uint64_t{1} << 26}));
  section.optional("max_memory", config.max_memory, "the address space that it may take; 0: no limit",
                   config::between(config::Bytes{0}, config::Bytes{std::uint64_t{1} << 40}));
  section.optional("max_series", max_series, "more series than these are not made of its output, in one run and in all that are "
                   "remembered",
                   config::between(1, 100'000));
  section.optional("nice", config.nice, "added to the agent's own niceness: the program gives way to others",
                   config::between(0, 19));
  config.reading.max_series = static_cast<std::size_t>(max_series);
}

void check_command(config::Section& section, const ExecConfig& config) {
  if (!section.has("command")) return;
  if (config.command.empty() || config.command.front().empty()) {
    section.problem("command", "the list begins with the program: [/usr/lib/nagios/plugins/check_load, -w, \"5\"]");
    return;
  }
  const auto& program = config.command.front();
  if (program.find(' ') != std::string::npos && config.command.size() == 1) {
    section.problem("command", "there is no shell: write the program and each of its arguments as one element of a list, "
                               "[/usr/bin/program, argument]");
  } else if (!program.starts_with('/')) {
    section.problem("command", "'" + program + "' is not an absolute path (it must start with '/')");
  }
  if (config.command.size() > max_arguments) {
    section.problem("command", "more than " + std::to_string(max_arguments) + " arguments");
  }
  for (const auto& argument : config.command) {
    if (argument.find('\0') != std::string::npos) section.problem("command", "an argument cannot hold a NUL byte");
  }
}

void check_environment(config::Section& section, const ExecConfig& config) {
  for (const auto& [name, value] : config.environment) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      section.problem("environment", "'" + name + "' cannot be the name of a variable");
    }
  }
  if (config.environment.size() > max_variables) {
    section.problem("environment", "more than " + std::to_string(max_variables) + " variables");
  }
}

void check_values(config::Section& section, const ExecConfig& config) {
  for (const auto& [name, place] : config.reading.values) {
    if (!is_legal_metric_name(name)) {
      section.problem("values", "'" + name + "' is not the name of a metric");
    } else if (OwnNames().contain(name)) {
      section.problem("values", "'" + name + "' is one of the agent's own metrics: choose another name");
    }
    if (!place.starts_with('/')) {
      section.problem("values", "'" + place + "' is not a place in JSON: write /queue/depth");
    }
  }
  if (section.has("values") && config.reading.format != Format::json) {
    section.problem("values", "places in JSON need format: json");
  }
}

std::string fingerprint_of(const ExecConfig& config) {
  std::string text = std::to_string(static_cast<int>(config.reading.format)) + '\n' + config.user + '\n' + config.directory;
  for (const auto number : {static_cast<std::uint64_t>(config.timeout.count()), config.max_output.count,
                            config.max_memory.count, static_cast<std::uint64_t>(config.nice),
                            std::uint64_t{config.reading.max_series}, static_cast<std::uint64_t>(config.interval.count())}) {
    text += '\n' + std::to_string(number);
  }
  for (const auto& argument : config.command) text += "\na:" + argument;
  for (const auto& [name, value] : config.environment) text += "\ne:" + name + '=' + value.reveal();
  for (const auto& [name, place] : config.reading.values) text += "\nv:" + name + '=' + place;
  return text;
}

CollectorPlan plan_of(ExecConfig config) {
  CollectorPlan plan;
  plan.name = "exec:" + config.name.value;
  plan.interval = pass_interval(config.interval);
  plan.listens = true;
  plan.watches = "what " + (config.command.empty() ? "a program" : config.command.front()) + " says";
  if (!config.user.empty()) plan.watches += ", run as " + config.user;
  plan.fingerprint = fingerprint_of(config);
  plan.make = [config = std::move(config)](const CollectorContext& context) {
    return make_exec_collector(config, context.catalog);
  };
  return plan;
}

}  // namespace

Duration pass_interval(Duration interval) {
  constexpr Duration longest = 5s;
  return interval / ((interval + longest - Duration(1)) / longest);
}

void declare(config::Section& section, ExecConfig& config) {
  section.required("name", config.name, "what you call it: the label name of its series, such as raid");
  section.required("command", config.command,
                   "the program, by its absolute path, and its arguments, each an element of the list; no shell sees them");
  section.choice("format", config.reading.format,
                 {{"nagios", Format::nagios},
                  {"prometheus", Format::prometheus},
                  {"json", Format::json},
                  {"value", Format::value}},
                 "nagios: the exit code and performance data of a Nagios plugin; prometheus: its output is a page of "
                 "metrics; json: an object of numbers; value: one number");
  section.optional("interval", config.interval, "how often it is run", config::between(1s, 24h));
  section.optional("timeout", config.timeout, "how long it may take; then it is ended, with everything that it began. Nine tenths of "
                   "the interval where that is 10s or less",
                   config::between(100ms, 10min));
  section.optional("user", config.user, "whose rights it has: needs an agent that runs as root. The agent's own when absent");
  section.optional("environment", config.environment,
                   "its environment; of the agent's own it gets nothing. PATH and LC_ALL are set when they are not given");
  section.optional("directory", config.directory, "the directory that it begins in");
  section.optional("values", config.reading.values,
                   "with format: json, metrics by the places of their numbers: {queue_depth: /queue/depth}; all numbers "
                   "when absent");
  declare_limits(section, config);
  if (section.describing()) return;
  check_command(section, config);
  check_environment(section, config);
  check_values(section, config);
  if (section.has("name") && config.name.value.empty()) section.problem("name", "a command needs a name");
  if (!config.directory.starts_with('/')) {
    section.problem("directory", "'" + config.directory + "' is not an absolute path (it must start with '/')");
  }
  if (!section.has("timeout")) config.timeout = std::min(config.timeout, config.interval - config.interval / 10);
  if (config.timeout >= config.interval) {
    section.problem("timeout", "timeout must be shorter than interval, which is " + config::write_duration(config.interval));
  }
  config.reading.name = config.name.value;
}

}  // namespace exec

void configure_exec(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<exec::ExecConfig> commands;
  collectors.list("exec", commands, "programs that are run for what they say: Nagios plugins, and scripts of your own");
  std::set<std::string> names;
  for (auto& command : commands) {
    if (!command.name.value.empty() && !names.insert(command.name.value).second) {
      collectors.problem(command.name.mark, "there is already a command named '" + command.name.value + "'");
    }
    plans.push_back(exec::plan_of(std::move(command)));
  }
  if (commands.size() > exec::max_commands) {
    collectors.problem("exec", "more than " + std::to_string(exec::max_commands) + " commands");
  }
}

}  // namespace sidewatch
