// The `teams` receiver: one adaptive card per delivery, to a workflow of Microsoft Teams that posts what it is sent.
//
// All text stands in RichTextBlocks, which know no Markdown: a label's value can format nothing and hide no link. Links
// are buttons. The whole message is at most 28 KB; what is over that is cut from the text. The workflow says 202 before
// it posts, so what fails afterwards is seen only in the workflow's own history.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_teams(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
