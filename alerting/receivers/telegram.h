// The `telegram` receiver: one message per delivery, from a bot to a chat, in Telegram's HTML.
//
// The bot's token stands in the path of each request and is shown nowhere. Telegram's limit counts what is left when
// tags and entities are read, in UTF-16; the text is cut before it is escaped, so no tag is ever cut. The answer's
// `description` says what is wrong; a group that became a supergroup has another id, which is named.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_telegram(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
