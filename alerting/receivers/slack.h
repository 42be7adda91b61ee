// The `slack` receiver: one message of blocks per delivery, through an incoming webhook; with all of it as plain `text`
// beside them, for notifications and for services that take Slack's form without its blocks (Mattermost, Rocket.Chat).
//
// What labels hold is escaped and marked `verbatim`: it pings nobody and links nothing but what is a URL to the eye.
// Slack says in one word why it takes a message not, sometimes with status 200: the word decides.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_slack(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
