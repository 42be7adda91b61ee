#include "agent/route_test.h"

#include <chrono>

#include "agent/exit_code.h"
#include "alerting/routes/muted.h"
#include "config/wording.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

Result<Labels> read_labels(const std::vector<std::string>& words, const Settings& settings) {
  std::vector<Label> labels;
  for (const auto& [name, value] : settings.agent.labels) labels.push_back({name, value});
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (equals == std::string::npos || !is_legal_label_name(name)) {
      return Error{config::quote(word) + " is not a label and its value, as in severity=critical", ""};
    }
    labels.push_back({name, word.substr(equals + 1)});
  }
  return Labels(std::move(labels));
}

Level level_of(const Labels& labels) {
  const auto word = labels.get(labels.get("level").empty() ? "severity" : "level");
  return word == to_string(Level::critical) ? Level::critical : Level::warning;
}

}  // namespace

CommandResult say_who_is_told(const Settings& settings, const std::vector<std::string>& words, WallTime now) {
  CommandResult result;
  const auto labels = read_labels(words, settings);
  if (!labels) {
    result.code = exit_configuration;
    result.err = "sidewatch: " + labels.error().what + "\n";
    return result;
  }
  const Router& router = settings.router;
  const Level level = level_of(*labels);
  const auto taken = router.taken_by(*labels, level);
  if (!router.has_routes()) {
    result.out += "There are no routes: every receiver is told of every alert\n";
  } else if (taken.empty()) {
    result.out += "No route takes it\n";
  }
  for (const auto place : taken) {
    result.out += "Route " + std::to_string(place + 1) + " takes it: " + describe(router.routes()[place]) + "\n";
  }
  std::string told;
  for (const auto& recipient : router.recipients(*labels, level)) {
    told += (told.empty() ? "" : ", ") + recipient.receiver;
    if (const auto muted = muted_now(recipient, settings.mute_times, now)) told += " (not now: muted " + muted->words + ")";
  }
  result.out += "Told: " + (told.empty() ? "nobody" : told) + "\n";
  return result;
}

CommandResult run_route_test(const RouteTestCommand& command) {
  config::Problems problems;
  const Settings settings = load_settings(command.config_path, {}, problems);
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  if (problems.empty()) return say_who_is_told(settings, command.labels, now);
  CommandResult result;
  result.code = exit_configuration;
  result.err = problems.text();
  return result;
}

}  // namespace sidewatch
