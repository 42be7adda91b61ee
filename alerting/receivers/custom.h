// The `custom` receiver: a request of the user's own making, for services that no other kind knows.
//
// `body` is JSON whose texts are templates. It is read as JSON first, and each text is rendered by itself and written
// as a JSON text again: whatever a label holds, it stays inside its text. A text that is `{{ $value }}` and nothing
// else becomes a number (null where there is none). Templates say nothing of the URL, the method or the headers: where
// messages go is decided by whoever writes the configuration.
//
// What the templates of a body know beyond those of a rule: $title and $text (as other receivers show them), $status
// (firing, resolved), $reason, $alert (the rule's name), $summary, $description, $valueText ("93.25 %"), $startsAt,
// $endsAt (empty while it fires), $link, $id (the same over retries), $key (the same over an alert's life) and
// $incident.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_custom(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
