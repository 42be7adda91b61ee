// The plainest condition that only the service satisfies: its systemd unit, its name, its script, its port.
#include "agent/init/conditions.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "agent/init/yaml_text.h"
#include "base/regex.h"

namespace sidewatch::discovery {
namespace {

constexpr std::string_view service_suffix = ".service";

// systemd.unit(5).
bool is_unit_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return plain || std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  });
}

std::string joined(const std::vector<std::string>& args) {
  std::string text;
  for (const auto& arg : args) text += (text.empty() ? "" : " ") + arg;
  return text;
}

// "python" of python3.11: what stays the same over an upgrade.
std::string family(const Identity& identity) {
  std::string name(identity.known->name);
  if (name.ends_with('*')) name.pop_back();
  return name;
}

// The script as it stands in the command line; of a versioned jar, without its version.
std::string script_pattern(const std::string& script) {
  const auto name = script.rfind('/') == std::string::npos ? 0 : script.rfind('/') + 1;
  for (std::size_t i = name + 1; i + 1 < script.size() && script.ends_with(".jar"); ++i) {
    const bool version = script[i] == '-' && script[i + 1] >= '0' && script[i + 1] <= '9';
    if (version) return regex_literal(script.substr(0, i)) + "-[^ ]*\\.jar";
  }
  return regex_literal(script);
}

std::string cmdline_pattern(const Identity& identity) {
  return regex_literal(family(identity)) + "[^ ]* (.* )?" + script_pattern(identity.script) + "( |$)";
}

// A condition made ready to be tried against many processes.
class Trial {
 public:
  explicit Trial(const Condition& condition) : condition_(condition) {
    if (condition.key != "cmdline") return;
    if (auto pattern = Regex::compile(condition.value)) pattern_ = std::move(*pattern);
  }

  bool holds(const KnownProcess& known) const {
    const Process& process = *known.process;
    if (condition_.key == "unit") return process.unit + std::string(service_suffix) == condition_.value;
    if (condition_.key == "comm") return process.comm == condition_.value;
    if (condition_.key == "cmdline") return pattern_.partial_match(joined(process.args));
    return !process.other_network &&
           std::any_of(process.listeners.begin(), process.listeners.end(),
                       [this](const Listener& held) { return std::to_string(held.port) == condition_.value; });
  }

 private:
  const Condition& condition_;
  Regex pattern_;
};

// The plainest first.
std::vector<Condition> candidates(const KnownProcess& leader) {
  std::vector<Condition> all;
  const Process& process = *leader.process;
  if (is_unit_name(process.unit)) {
    all.push_back({"unit", process.unit + std::string(service_suffix)});
  }
  if (is_telling_comm(leader)) all.push_back({"comm", process.comm});
  if (!leader.identity.script.empty()) all.push_back({"cmdline", cmdline_pattern(leader.identity)});
  if (!process.listeners.empty() && !process.other_network) {
    all.push_back({"port", std::to_string(process.listeners.front().port)});
  }
  const bool sayable = !process.comm.empty() && is_printable(process.comm);
  if (sayable && !is_telling_comm(leader)) all.push_back({"comm", process.comm});
  return all;
}

}  // namespace

bool is_telling_comm(const KnownProcess& known) {
  const std::string& comm = known.process->comm;
  if (comm.empty() || !is_printable(comm) || comm == "MainThread") return false;
  const auto named = known_program(comm.substr(0, comm.find(' ')));
  return !named || named->kind != ProgramKind::interpreter;
}

Recognition recognise(const std::vector<KnownProcess>& all, const std::vector<bool>& own, std::size_t leader) {
  Recognition best;
  for (const Condition& condition : candidates(all[leader])) {
    const Trial trial(condition);
    if (!trial.holds(all[leader])) continue;
    std::size_t others = 0;
    for (std::size_t i = 0; i < all.size(); ++i) others += !own[i] && trial.holds(all[i]) ? 1 : 0;
    if (best.match.empty() || others < best.others) best = {{condition}, others};
    if (best.others == 0) break;
  }
  return best;
}

}  // namespace sidewatch::discovery
