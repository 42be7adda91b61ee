// The `ntfy` receiver: one notification per delivery, published as JSON to ntfy.sh or a server of one's own.
//
// Whoever knows a topic can read and write it, so the topic is kept like a password. A notification is plain text; what
// is over 4096 bytes would become an attachment, and is cut before. Errors have a code, by which they are judged.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_ntfy(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
