// The table of all receivers: a new one is one more line in table.cpp.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/receiver.h"
#include "config/section.h"

namespace sidewatch {

// What receivers may lean on: the log is the agent's, so the `log` receiver is handed a place to write its line.
struct ReceiverContext {
  std::function<void(Level level, const std::string& line)> log;
  std::function<WallTime()> wall;  // the wall clock, for signatures; the system's when empty
};

// A plan that still lacks its name and what it leans on.
using ReceiverDraft = std::function<ReceiverPlan(const ReceiverContext& context)>;

struct ReceiverKind {
  std::string_view key;  // under the receiver's entry: webhook, log
  // Declares this kind's key in the entry; a draft when the entry uses it.
  std::optional<ReceiverDraft> (*configure)(config::Section& entry);
};

std::span<const ReceiverKind> receiver_kinds();

// Reads the top-level `receivers:` list: names unique, exactly one kind per entry, `only_if` (an entry whose
// `only_if` text is empty is left out, so that a shipped file can offer a receiver that an environment variable
// switches on).
void configure_receivers(config::Section& top, const ReceiverContext& context, std::vector<ReceiverPlan>& plans);

}  // namespace sidewatch
