#include "agent/silence_command.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent_client.h"
#include "agent/exit_code.h"
#include "agent/query/table.h"
#include "agent/text_table.h"
#include "alerting/routes/matchers.h"
#include "base/json.h"
#include "config/literals.h"

namespace sidewatch {
namespace {

CommandResult fail(int code, const std::string& sentence) { return {code, "", "sidewatch: " + printable(sentence) + "\n"}; }
CommandResult fail(const AgentFailure& failure) { return fail(failure.code, failure.what); }

std::string spelled(const JsonValue& matcher) {
  const bool regex = matcher["isRegex"].boolean_or(false);
  const bool equal = matcher["isEqual"].boolean_or(true);
  return std::string(matcher["name"].text_or("")) + (equal ? (regex ? "=~" : "=") : (regex ? "!~" : "!=")) + "\"" +
         std::string(matcher["value"].text_or("")) + "\"";
}

std::string spelled_all(const JsonValue& silence) {
  std::string text;
  for (const auto& matcher : silence["matchers"].items()) text += (text.empty() ? "" : ", ") + spelled(matcher);
  return text;
}

// How many of the alerts that fire now it holds: on stderr, since stdout is for scripts. Nothing where nobody can tell.
std::string what_it_holds(const std::string& url, const std::vector<Matcher>& matchers) {
  const auto asked = ask_agent(url, "GET", "/api/v2/alerts");
  const auto* answer = std::get_if<AgentAnswer>(&asked);
  if (answer == nullptr) return "";
  std::size_t held = 0;
  const auto& alerts = answer->json.items();
  for (const JsonValue& alert : alerts) {
    const JsonValue& labels = alert["labels"];
    held += std::all_of(matchers.begin(), matchers.end(), [&labels](const Matcher& matcher) {
      return matcher.matches(labels[matcher.name()].text_or(""));
    }) ? 1 : 0;
  }
  const std::string count = std::to_string(alerts.size());
  if (alerts.empty()) return "Nothing fires now: it holds what comes.\n";
  const std::string fires = alerts.size() == 1 ? "the alert that fires" : "the " + count + " alerts that fire";
  if (held == alerts.size()) return "It holds " + (held == 1 ? fires : "all " + count + " alerts that fire") + ".\n";
  if (held > 0) return "It holds " + std::to_string(held) + " of " + fires + ".\n";
  return (alerts.size() == 1 ? "The alert that fires does not have" : "None of " + fires + " has") +
         std::string(" these labels: are they spelled right? `sidewatch alerts` shows them.\n");
}

CommandResult add(const SilenceCommand& command, WallTime now, const std::string& user) {
  const auto length = config::parse_duration(command.length);
  if (!length || *length <= Duration(0)) return fail(exit_configuration, "--for: write a duration such as 30m, 2h or 3d");
  JsonWriter json;
  json.begin_object().key("matchers").begin_array();
  std::vector<Matcher> all;
  for (const std::string& text : command.words) {
    const auto matchers = parse_matchers(text);
    if (!matchers) return fail(exit_configuration, text + ": " + matchers.error().what);
    all.insert(all.end(), matchers->begin(), matchers->end());
    for (const Matcher& matcher : *matchers) {
      using Op = Matcher::Op;
      json.begin_object().key("name").text(matcher.name()).key("value").text(matcher.value());
      json.key("isRegex").boolean(matcher.op() == Op::regex || matcher.op() == Op::not_regex);
      json.key("isEqual").boolean(matcher.op() == Op::equal || matcher.op() == Op::regex).end_object();
    }
  }
  json.end_array().key("startsAt").text(to_rfc3339(now)).key("endsAt").text(to_rfc3339(now + *length));
  json.key("createdBy").text(command.by.empty() ? user : command.by).key("comment").text(command.comment).end_object();
  const auto asked = ask_agent(command.url, "POST", "/api/v2/silences", json.take());
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  const std::string id(std::get<AgentAnswer>(asked).json["silenceID"].text_or(""));
  return {exit_ok, cell(id) + "\n", what_it_holds(command.url, all)};
}

CommandResult list(const SilenceCommand& command, WallTime now) {
  const auto asked = ask_agent(command.url, "GET", "/api/v2/silences");
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  std::vector<TableRow> rows = {{"ID", "STATE", "UNTIL", "BY", "ALERTS WITH", "COMMENT"}};
  for (const JsonValue& silence : std::get<AgentAnswer>(asked).json.items()) {
    const auto state = silence["status"]["state"].text_or("");
    if (state == "expired" && !command.all) continue;
    rows.push_back({cell(silence["id"].text_or("")), cell(state),
                    how_far(from_rfc3339(silence["endsAt"].text_or("")), now, "in ", " ago"),
                    cell(silence["createdBy"].text_or("")), cell(spelled_all(silence)), cell(silence["comment"].text_or(""))});
  }
  if (rows.size() == 1) return {exit_ok, command.all ? "There are no silences.\n" : "No silence is in force.\n", ""};
  return {exit_ok, text_table(rows), ""};
}

CommandResult expire(const SilenceCommand& command) {
  CommandResult result;
  for (const std::string& id : command.words) {
    const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    if (!plain) return fail(exit_configuration, "'" + id + "' is no silence's id; see sidewatch silence ls");
    const auto asked = ask_agent(command.url, "DELETE", "/api/v2/silence/" + id);
    if (const auto* failure = std::get_if<AgentFailure>(&asked)) {
      const CommandResult failed = fail(*failure);
      return {failed.code, result.out, failed.err};
    }
    result.out += id + " has ended\n";
  }
  return result;
}

// " (silenced)", " (muted until 07:00 Europe/Berlin: nights)"
std::string why_quiet(const JsonValue& status) {
  const std::string muted(status["muted"].text_or(""));
  const bool silenced = !status["silencedBy"].items().empty();
  if (muted.empty()) return silenced ? " (silenced)" : "";
  return std::string(silenced ? " (silenced; muted " : " (muted ") + muted + ")";
}

}  // namespace

CommandResult run_silence(const SilenceCommand& command, WallTime now, const std::string& user) {
  switch (command.what) {
    case SilenceCommand::What::add: return add(command, now, user);
    case SilenceCommand::What::list: return list(command, now);
    case SilenceCommand::What::expire: return expire(command);
  }
  return {};
}

CommandResult run_alerts(const AlertsCommand& command, WallTime now) {
  const auto asked = ask_agent(command.url, "GET", "/api/v1/alerts");
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  const auto held = ask_agent(command.url, "GET", "/api/v2/alerts?active=false");
  std::map<std::string, std::string> quiet;  // why, by fingerprint
  if (const auto* answer = std::get_if<AgentAnswer>(&held)) {  // a Prometheus has none
    for (const auto& alert : answer->json.items()) quiet[std::string(alert["fingerprint"].text_or(""))] = why_quiet(alert["status"]);
  }
  std::vector<TableRow> rows = {{"STATE", "ALERT", "ON", "VALUE", "SINCE", "WHAT"}};
  for (const JsonValue& alert : std::get<AgentAnswer>(asked).json["data"]["alerts"].items()) {
    const bool firing = alert["state"].text_or("") == "firing";
    const auto level = alert["level"].text_or(alert["labels"]["severity"].text_or("firing"));
    std::string state = firing ? std::string(level) : "pending";
    const std::string fingerprint(alert["fingerprint"].text_or(""));
    if (const auto why = quiet.find(fingerprint); firing && why != quiet.end()) state += why->second;
    const auto since = from_rfc3339(alert["firedAt"].text_or(alert["activeAt"].text_or("")));
    rows.push_back({cell(state), cell(alert["labels"]["alertname"].text_or("")), cell(labels_but_the_name(alert["labels"])),
                    cell(alert["value"].text_or("")), how_far(since, now, "in ", " ago"),
                    cell(alert["annotations"]["summary"].text_or(""))});
  }
  if (rows.size() == 1) return {exit_ok, "Nothing fires.\n", ""};
  return {exit_ok, text_table(rows), ""};
}

std::string this_user() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "user " + std::to_string(getuid());
}

}  // namespace sidewatch
