#include "agent/notify_test.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

#include "agent/exit_code.h"
#include "agent/query/table.h"
#include "agent/settings.h"
#include "alerting/alert.h"
#include "base/crypto.h"
#include "config/problem.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

CommandResult fail(int code, const std::string& sentence) { return {code, "", "sidewatch: " + sentence + "\n"}; }

// As a rule of the agent's own makes one: no richer in labels than a real one.
Notification made_up(const std::string& receiver, const AgentSettings& agent, NotifyTestCommand::Level level) {
  using Asked = NotifyTestCommand::Level;
  Notification n;
  n.id = "test-" + to_hex(random_bytes(8));
  n.alert_key = to_hex(stable_hash(receiver + "\n" + agent.host));  // the same each time: `resolved` ends what another opened
  n.incident = n.alert_key + "-test";
  n.receiver = receiver;
  n.worst = level == Asked::warning ? Level::warning : Level::critical;
  n.level = level == Asked::resolved ? Level::ok : n.worst;
  n.reason = level == Asked::resolved ? Reason::resolved : Reason::fired;
  n.rule = "SidewatchTest";
  n.labels = Labels{{"alertname", n.rule}, {"severity", to_string(n.worst)}};
  for (const auto& [name, value] : agent.labels) n.labels = n.labels.with(name, value);
  n.annotations = Labels{{"summary", "This is a test of the receiver " + receiver},
                         {"description", "Somebody typed `sidewatch notify test` on " + agent.host + ". Nothing is wrong."}};
  n.unit = "percent";
  n.threshold = Threshold{Comparison::greater, n.worst == Level::critical ? 90.0 : 80.0, std::nullopt};
  n.recent = {41, 42, 44, 43, 47, 52, 60, 71, 83, 88, 92, 93.5};
  n.value = n.recent.back();
  n.peak = n.recent.back();
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  n.created_at = now;
  n.starts_at = now - 12min;
  n.duration = 12min;
  if (n.level == Level::ok) {
    n.ends_at = now;
    n.value = 41;
    n.recent.push_back(n.value);
  }
  return n;
}

// An answer may hold what a terminal would obey. The lines of a mail end in CR LF.
std::string lines(const std::string& text) {
  std::string out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    out += (out.empty() ? "" : "\n") + printable(line);
  }
  return out;
}

std::string names(const std::vector<ReceiverPlan>& plans) {
  std::string text;
  for (const auto& plan : plans) text += (text.empty() ? "" : ", ") + plan.name;
  return text.empty() ? "it has none" : "it has " + text;
}

// Most likely the agent has the variable and the shell has not.
std::string left_out(const NotifyTestCommand& command) {
  const std::string text = "the receiver '" + command.receiver + "' of " + command.config_path +
                           " is left out, because its only_if is empty here. Is its variable set where you type this?";
  if (!command.config_path.starts_with("/etc/sidewatch/")) return text;
  return text + " The agent has it from /etc/default/sidewatch:\n  sudo sh -c 'set -a; . /etc/default/sidewatch; "
                "sidewatch notify test " + command.receiver + "'";
}

std::string verdict(const Attempt& attempt, const std::string& receiver) {
  if (std::holds_alternative<Delivered>(attempt)) return receiver + " took the message\n";
  if (const auto* rejected = std::get_if<Rejected>(&attempt)) {
    return receiver + " refused the message, and would refuse it every time: " + rejected->why + "\n";
  }
  const auto& later = std::get<RetryLater>(attempt);
  std::string text = receiver + " did not take the message: " + later.why + "\n";
  return text + (later.refused ? "Most likely its address or its credentials are wrong.\n"
                               : "An agent would try again" +
                                     (later.after ? " in " + to_words(*later.after) : std::string()) + ".\n");
}

}  // namespace

CommandResult run_notify_test(const NotifyTestCommand& command) {
  CommandResult result;
  ReceiverContext context;
  context.log = [&result](Level, const std::string& line) { result.out += line + "\n"; };
  context.trace = [&result](const std::string& request, const std::string& answer) {
    result.out += "--- sent\n" + lines(request) + "\n--- answered\n" + lines(answer) + "\n---\n";
  };
  config::Problems problems;
  const Settings settings = load_settings(command.config_path, context, problems);
  if (!problems.empty()) return {exit_configuration, "", problems.text()};
  const auto plan = std::find_if(settings.receivers.begin(), settings.receivers.end(),
                                 [&](const ReceiverPlan& each) { return each.name == command.receiver; });
  if (std::count(settings.left_out.begin(), settings.left_out.end(), command.receiver) > 0) {
    return fail(exit_configuration, left_out(command));
  }
  if (plan == settings.receivers.end()) {
    return fail(exit_configuration, command.config_path + " has no receiver '" + command.receiver + "' that is in use; " +
                                        names(settings.receivers));
  }
  const Attempt attempt = plan->make()->send(deliver_alone(made_up(plan->name, settings.agent, command.level)));
  const bool delivered = std::holds_alternative<Delivered>(attempt);
  (delivered ? result.out : result.err) += verdict(attempt, plan->name + " (" + plan->description + ")");
  result.code = delivered ? exit_ok : exit_environment;
  return result;
}

}  // namespace sidewatch
