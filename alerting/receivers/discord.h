// The `discord` receiver: one embed per message, through a channel's webhook.
//
// An embed never pings anybody, and `allowed_mentions` says so once more: only who is named in `mention_at_critical`
// is. Discord limits each part and all of them together, counted with their escapes; what has no room is cut, the text
// first. Discord's answer says why it refuses a message, or for how long it takes none; `wait=true` makes it answer
// only when the message is in the channel.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_discord(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
