// The `file` receiver: one line of JSON per message, the same that a webhook gets (webhook_payload.h), at the end of a
// file.
//
// A line is written in one go, so that lines of several writers do not mix, and what could be written only in part (a
// full disk), or is not known to be on the disk where that is asked for, is taken back. Whoever rotates the file moves
// it away: before each message it is looked whether the name still leads to the same file. A file that has reached
// max_size takes nothing until it is moved away; what is refused goes to `fallback` or waits. Only regular files are
// written to, and never through a symbolic link.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_file(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
