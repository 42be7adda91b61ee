#include "agent/outbox_command.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent_client.h"
#include "agent/exit_code.h"
#include "agent/http/query.h"
#include "agent/query/table.h"
#include "agent/text_table.h"
#include "base/json.h"

namespace sidewatch {
namespace {

CommandResult fail(int code, const std::string& sentence) { return {code, "", "sidewatch: " + printable(sentence) + "\n"}; }

CommandResult fail(const AgentFailure& failure) {
  if (!failure.nobody_there) return fail(failure.code, failure.what);
  return fail(failure.code, failure.what + ". What waits is kept in agent.state_dir and goes out when an agent runs again; "
                                           "docs/alerts.md says how to read it meanwhile");
}

std::string count_of(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// --- ls ---

std::string when(const JsonValue& message, WallTime now) {
  return how_far(from_rfc3339(message["until"].text_or("")), now, "in ", " ago");
}

std::string all_of(const JsonValue& texts, const std::string& what) {
  std::string all;
  for (const JsonValue& text : texts.items()) all += (all.empty() ? what + " " : ", ") + std::string(text.text_or(""));
  return all;
}

std::string who_holds(const JsonValue& message) {
  const std::string silences = all_of(message["silences"], "silence");
  const std::string mutes = all_of(message["muteTimes"], "mute time");
  return silences + (silences.empty() || mutes.empty() ? "" : " and ") + mutes;
}

// When it goes and what it waits for.
std::string goes(const JsonValue& message, WallTime now) {
  const auto waits = message["waits"].text_or("");
  if (waits == "under_way") return "being sent now";
  if (waits == "held") return when(message, now) + " at the earliest: held by " + who_holds(message);
  if (waits == "behind") return "after an earlier message of its alert";
  if (waits == "group") return when(message, now) + ", with others of its group";
  if (waits == "retry") return when(message, now) + ": its last attempt failed";
  if (waits == "receiver_paused") return when(message, now) + ": the receiver's last attempt failed";
  if (waits == "rate_limit") return when(message, now) + ": rate limit";
  return "next";
}

TableRow row(const JsonValue& message, WallTime now, std::string_view since) {
  const auto level = message["level"].text_or("");
  return {cell(message["id"].text_or("")),
          how_far(from_rfc3339(message[since].text_or("")), now, "in ", " ago"),
          cell(message["alert"].text_or("")),
          cell(labels_but_the_name(message["labels"])),
          cell(level == "ok" ? message["worstLevel"].text_or("") : level),
          cell(message["reason"].text_or(""))};
}

std::string and_more(std::int64_t all, std::size_t shown) {
  const std::int64_t more = all - static_cast<std::int64_t>(shown);
  return more > 0 ? "and " + std::to_string(more) + " more (--limit shows up to 1000)\n" : "";
}

std::string headline(const JsonValue& receiver, WallTime now) {
  std::string text = cell(receiver["name"].text_or("")) + ": ";
  text += count_of(receiver["waiting"].integer_or(0), "message") + " waiting";
  const auto held = receiver["held"].integer_or(0);
  if (held > 0) text += ", " + std::to_string(held) + " of them held back";
  if (const auto failure = receiver["lastFailure"].text_or(""); !failure.empty()) {
    text += "; the last attempt failed: " + cell(failure);
  }
  const auto paused = from_rfc3339(receiver["pausedUntil"].text_or(""));
  if (paused) text += "; the next is " + (*paused > now ? "in " + to_words(*paused - now) : "due");
  if (!receiver["configured"].boolean_or(true)) text += " (no longer in the configuration)";
  return text + "\n";
}

std::string waiting_page(const JsonValue& data, WallTime now, bool one_receiver) {
  std::string text;
  for (const JsonValue& receiver : data["receivers"].items()) {
    std::vector<TableRow> rows = {{"ID", "SINCE", "ALERT", "ON", "LEVEL", "TELLS", "FAILED", "GOES"}};
    for (const JsonValue& message : data["waiting"].items()) {
      if (message["receiver"].text_or("") != receiver["name"].text_or("")) continue;
      rows.push_back(row(message, now, "createdAt"));
      rows.back().push_back(std::to_string(message["attempts"].integer_or(0)));
      rows.back().push_back(cell(goes(message, now)));
    }
    const auto waiting = receiver["waiting"].integer_or(0);
    if (waiting == 0 && receiver["lastFailure"].text_or("").empty() && !one_receiver) continue;
    text += (text.empty() ? "" : "\n") + headline(receiver, now);
    if (rows.size() > 1) text += text_table(rows) + and_more(waiting, rows.size() - 1);
  }
  return text;
}

std::string dead_page(const JsonValue& data, WallTime now) {
  const auto total = data["deadLettersTotal"].integer_or(0);
  if (total == 0) return "";
  std::vector<TableRow> rows = {{"ID", "DIED", "ALERT", "ON", "LEVEL", "TELLS", "RECEIVER", "WHY"}};
  for (const JsonValue& letter : data["deadLetters"].items()) {
    rows.push_back(row(letter, now, "diedAt"));
    rows.back().push_back(cell(letter["receiver"].text_or("")));
    rows.back().push_back(cell(letter["why"].text_or("")));
  }
  return count_of(total, "dead letter") + ", the newest first (outbox retry --dead sends them again)\n" + text_table(rows) +
         and_more(total, rows.size() - 1);
}

std::string query_of(const OutboxCommand& command, int limit) {
  return "?limit=" + std::to_string(limit) + (command.receiver.empty() ? "" : "&receiver=" + encode_query(command.receiver));
}

CommandResult list(const OutboxCommand& command, WallTime now) {
  const auto asked = ask_agent(command.url, "GET", "/api/v1/outbox" + query_of(command, command.limit));
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  const auto& answer = std::get<AgentAnswer>(asked);
  if (command.json) return {exit_ok, answer.body + "\n", ""};
  const JsonValue& data = answer.json["data"];
  const std::string waiting = command.dead ? "" : waiting_page(data, now, !command.receiver.empty());
  const std::string dead = dead_page(data, now);
  if (waiting.empty() && dead.empty()) {
    return {exit_ok, command.dead ? "There are no dead letters.\n" : "Nothing waits, and there are no dead letters.\n", ""};
  }
  return {exit_ok, waiting + (waiting.empty() || dead.empty() ? "" : "\n") + dead, ""};
}

// --- retry and drop ---

std::string chosen(const OutboxCommand& command) {
  std::string query;
  const auto add = [&](const std::string& word) { query += (query.empty() ? "?" : "&") + word; };
  if (!command.id.empty()) add("id=" + encode_query(command.id));
  if (!command.receiver.empty()) add("receiver=" + encode_query(command.receiver));
  if (command.all) add("all=true");
  if (command.dead) add("dead=true");
  if (!command.to.empty()) add("to=" + encode_query(command.to));
  return query;
}

std::string nothing(const OutboxCommand& command) {
  return command.dead ? "There are no dead letters.\n" : "Nothing waits.\n";
}

// With what the agent wants said beside its answer.
CommandResult result(const AgentAnswer& answer, std::string text) {
  CommandResult result{exit_ok, std::move(text), ""};
  for (const JsonValue& stays : answer.json["data"]["stay"].items()) {
    result.code = exit_environment;
    result.err += "sidewatch: " + cell(stays["id"].text_or("")) + " stays a dead letter: ";
    result.err += cell(stays["why"].text_or("")) + "\n";
  }
  for (const JsonValue& warning : answer.json["warnings"].items()) {
    result.code = exit_environment;
    result.err += "sidewatch: " + cell(warning.text_or("")) + "\n";
  }
  return result;
}

CommandResult retry(const OutboxCommand& command) {
  if (command.id.empty() && command.receiver.empty() && !command.all && !command.dead) {
    return fail(exit_configuration, "say what is to be tried: an ID, --receiver NAME, --all or --dead");
  }
  const auto asked = ask_agent(command.url, "POST", "/api/v1/outbox/retry" + chosen(command));
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  const auto& answer = std::get<AgentAnswer>(asked);
  const JsonValue& data = answer.json["data"];
  std::string text;
  const auto say = [&](std::string_view what, const std::string& noun, const std::string& rest) {
    if (const auto count = data[what].integer_or(0); count > 0) text += count_of(count, noun) + rest + "\n";
  };
  say("triedNow", "message", " to be tried now");
  say("sentAgain", "dead letter", " to be sent again");
  say("underWay", "message", " being sent anyway");
  say("held", "message", " still held by a silence or a mute time");
  if (text.empty() && data["stay"].items().empty()) text = nothing(command);
  return result(answer, text);
}

// What would be dropped, for somebody who has not said --yes.
CommandResult ask_back(const OutboxCommand& command) {
  const auto asked = ask_agent(command.url, "GET", "/api/v1/outbox" + query_of(command, 1));
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
  const JsonValue& data = std::get<AgentAnswer>(asked).json["data"];
  std::int64_t count = data["deadLettersTotal"].integer_or(0);
  if (!command.dead) {
    count = 0;
    for (const JsonValue& receiver : data["receivers"].items()) count += receiver["waiting"].integer_or(0);
  }
  if (count == 0) return {exit_ok, nothing(command), ""};
  const std::string of = command.receiver.empty() ? "" : (command.dead ? " of " : " for ") + command.receiver;
  const std::string what = command.dead ? count_of(count, "dead letter") : count_of(count, "waiting message");
  return fail(exit_configuration, "this would drop " + what + of + " for good; add --yes to do it");
}

CommandResult drop(const OutboxCommand& command) {
  if (command.id.empty() && command.receiver.empty() && !command.dead) {
    return fail(exit_configuration, "say what is to be dropped: an ID, --receiver NAME or --dead");
  }
  if (command.id.empty() && !command.yes) return ask_back(command);
  std::int64_t dropped = 0;
  std::int64_t forgotten = 0;
  for (;;) {  // a long queue goes in parts
    const auto asked = ask_agent(command.url, "DELETE", "/api/v1/outbox" + chosen(command));
    if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(*failure);
    const auto& answer = std::get<AgentAnswer>(asked);
    const JsonValue& data = answer.json["data"];
    dropped += data["dropped"].integer_or(0);
    forgotten += data["forgotten"].integer_or(0);
    const bool goes_on = data["left"].integer_or(0) > 0 && data["dropped"].integer_or(0) > 0;
    if (goes_on && answer.json["warnings"].is_null()) continue;
    std::string text;
    if (dropped > 0) text += count_of(dropped, "waiting message") + " dropped\n";
    if (forgotten > 0) text += count_of(forgotten, "dead letter") + " dropped\n";
    CommandResult done = result(answer, text);
    if (const auto busy = data["underWay"].integer_or(0); busy > 0) {
      done.code = exit_environment;
      done.err += "sidewatch: " + count_of(busy, "message");
      done.err += " being sent just now cannot be dropped: try again in a moment\n";
    }
    if (done.out.empty() && done.err.empty()) done.out = nothing(command);
    return done;
  }
}

}  // namespace

CommandResult run_outbox(const OutboxCommand& command, WallTime now) {
  switch (command.what) {
    case OutboxCommand::What::list: return list(command, now);
    case OutboxCommand::What::retry: return retry(command);
    case OutboxCommand::What::drop: return drop(command);
  }
  return {};
}

}  // namespace sidewatch
