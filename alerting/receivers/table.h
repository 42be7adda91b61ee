// The table of all receivers: a new one is one more line in table.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/message_text.h"
#include "alerting/receiver.h"
#include "alerting/routes/route_config.h"
#include "config/outside_texts.h"
#include "config/section.h"

namespace sidewatch {

// What receivers may lean on. The log is the agent's, so the `log` receiver is handed a place to write its line.
struct ReceiverContext {
  std::function<void(Level level, const std::string& line)> log;
  std::function<WallTime()> wall;  // the wall clock, for signatures and dates; the system's when empty
  std::string external_url = {};   // where people find this agent; empty: nowhere
  std::string host = {};           // agent.host: what it calls its machine
  // Told of each attempt, where somebody watches (`notify test`): what was sent and what came back, without secrets.
  std::function<void(const std::string& request, const std::string& answer)> trace = {};
  // What ${...} stood for in the configuration, for those in whose texts some of it may stand; may be null.
  std::shared_ptr<const config::OutsideTexts> outside = nullptr;

  MessageOrigin origin() const { return {external_url, host}; }
};

// An entry whose `only_if` is empty is read like any other, but what it says is not judged.
enum class EntryUse { used, left_out };

struct ReceiverKind {
  std::string_view key;  // under the receiver's entry: webhook, log
  // Declares this kind's key in the entry; a plan (without its name) when the entry has the key.
  std::optional<ReceiverPlan> (*configure)(config::Section& entry, const ReceiverContext& context, EntryUse use);
};

std::span<const ReceiverKind> receiver_kinds();

// Reads the top-level `receivers:` list: names unique, exactly one kind per entry, `fallback` another entry and no
// circle, `only_if` (an entry whose `only_if` text is empty is left out, so that a shipped file can offer a receiver
// that an environment variable switches on).
// Gives their names, for the routes.
ReceiverNames configure_receivers(config::Section& top, const ReceiverContext& context, std::vector<ReceiverPlan>& plans);

}  // namespace sidewatch
