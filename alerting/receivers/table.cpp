#include "alerting/receivers/table.h"

#include <algorithm>
#include <array>
#include <map>

#include "alerting/receivers/alertmanager.h"
#include "alerting/receivers/custom.h"
#include "alerting/receivers/discord.h"
#include "alerting/receivers/email.h"
#include "alerting/receivers/exec.h"
#include "alerting/receivers/file.h"
#include "alerting/receivers/log.h"
#include "alerting/receivers/ntfy.h"
#include "alerting/receivers/opsgenie.h"
#include "alerting/receivers/pagerduty.h"
#include "alerting/receivers/slack.h"
#include "alerting/receivers/syslog.h"
#include "alerting/receivers/teams.h"
#include "alerting/receivers/telegram.h"
#include "alerting/receivers/webhook.h"

namespace sidewatch {
namespace {

constexpr std::array kinds = {
    ReceiverKind{"alertmanager", configure_alertmanager},
    ReceiverKind{"custom", configure_custom},
    ReceiverKind{"discord", configure_discord},
    ReceiverKind{"email", configure_email},
    ReceiverKind{"exec", configure_exec_receiver},
    ReceiverKind{"file", configure_file},
    ReceiverKind{"log", configure_log},
    ReceiverKind{"ntfy", configure_ntfy},
    ReceiverKind{"opsgenie", configure_opsgenie},
    ReceiverKind{"pagerduty", configure_pagerduty},
    ReceiverKind{"slack", configure_slack},
    ReceiverKind{"syslog", configure_syslog},
    ReceiverKind{"teams", configure_teams},
    ReceiverKind{"telegram", configure_telegram},
    ReceiverKind{"webhook", configure_webhook},
};

constexpr std::size_t longest_name = 64;

struct Entry {
  config::Located<std::string> name;
  std::optional<config::Located<std::string>> only_if;
  std::optional<config::Located<std::string>> fallback;
  std::optional<ReceiverPlan> plan;
  bool send_resolved = true;
  std::optional<RateLimit> rate_limit;
  bool left_out = false;
};

std::string kind_list() {
  std::string list;
  for (const auto& kind : kinds) {
    if (!list.empty()) list += &kind == &kinds.back() ? " or " : ", ";
    list += kind.key;
  }
  return list;
}

// A name travels into metrics, payloads and message ids.
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Entry read_entry(config::Section& section, const ReceiverContext& context) {
  Entry entry;
  section.required("name", entry.name, "how routes, metrics and the API call it: letters, digits, - _ .");
  section.optional("only_if", entry.only_if, "when this text is empty the receiver is left out: \"${WEBHOOK_URL:-}\"");
  section.optional("fallback", entry.fallback, "name of the receiver that gets what this one refuses for good");
  section.optional("send_resolved", entry.send_resolved, "tell it also when an alert is over");
  section.section("rate_limit", entry.rate_limit,
                  "how much it is sent at most; above it what waits is told in one digest as soon as there is room, or, by "
                  "kinds that tell one alert at a time, the worst first");
  entry.left_out = entry.only_if && entry.only_if->value.empty();
  const EntryUse use = entry.left_out ? EntryUse::left_out : EntryUse::used;
  std::size_t used = 0;
  for (const auto& kind : kinds) {
    if (section.has(kind.key)) ++used;
    if (auto plan = kind.configure(section, context, use)) entry.plan = std::move(plan);
  }
  if (section.has("name") && !is_name(entry.name.value)) {
    section.problem("name", "a receiver's name is up to 64 letters, digits, '-', '_' and '.'");
  }
  if (used != 1) {
    section.problem(section.mark(), used == 0 ? "this receiver has no kind: give it " + kind_list()
                                              : "a receiver has one kind only: " + kind_list());
  }
  return entry;
}

void check_names(config::Section& top, const std::vector<Entry>& entries) {
  std::map<std::string, config::Mark> first;
  for (const auto& entry : entries) {
    if (entry.name.value.empty()) continue;
    const auto [known, fresh] = first.emplace(entry.name.value, entry.name.mark);
    if (fresh) continue;
    const config::Mark& at = known->second;
    top.problem(entry.name.mark, "there is a receiver '" + entry.name.value + "' already, at " + at.file + ":" +
                                     std::to_string(at.line) + ":" + std::to_string(at.column));
  }
}

// Every fallback is an entry, and following them comes to an end.
void check_fallbacks(config::Section& top, const std::vector<Entry>& entries) {
  std::map<std::string, const Entry*> by_name;
  for (const auto& entry : entries) by_name.emplace(entry.name.value, &entry);
  for (const auto& entry : entries) {
    if (!entry.fallback) continue;
    const Entry* at = &entry;
    for (std::size_t steps = 0; at != nullptr && at->fallback; ++steps) {
      const auto next = by_name.find(at->fallback->value);
      if (next == by_name.end()) {
        if (at == &entry) top.problem(entry.fallback->mark, "there is no receiver '" + entry.fallback->value + "'");
        break;
      }
      at = next->second;
      if (at == &entry) {
        top.problem(entry.fallback->mark,
                    "fallbacks go round in a circle: '" + entry.name.value + "' comes back to itself");
        break;
      }
      if (steps > entries.size()) break;  // a circle that this one only leads into
    }
  }
}

}  // namespace

std::span<const ReceiverKind> receiver_kinds() { return kinds; }

ReceiverNames configure_receivers(config::Section& top, const ReceiverContext& context,
                                  std::vector<ReceiverPlan>& plans) {
  std::vector<Entry> entries;
  top.each("receivers", "who is told",
           [&](config::Section& section) { entries.push_back(read_entry(section, context)); });
  ReceiverNames names;
  if (top.describing()) return names;
  check_names(top, entries);
  check_fallbacks(top, entries);
  for (auto& entry : entries) {
    if (!entry.name.value.empty()) (entry.left_out ? names.left_out : names.used).push_back(entry.name.value);
    if (!entry.plan || entry.left_out) continue;
    ReceiverPlan plan = std::move(*entry.plan);
    plan.name = entry.name.value;
    plan.send_resolved = entry.send_resolved;
    plan.rate_limit = entry.rate_limit;
    // A fallback that is left out itself is none.
    const auto fallback = std::find_if(entries.begin(), entries.end(), [&](const Entry& other) {
      return entry.fallback && !other.left_out && other.name.value == entry.fallback->value;
    });
    if (fallback != entries.end()) plan.fallback = entry.fallback->value;
    plan.fingerprint += "\n" + context.external_url + "\n" + context.host;  // messages link to it and say it
    plans.push_back(std::move(plan));
  }
  return names;
}

}  // namespace sidewatch
