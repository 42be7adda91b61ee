// Groups as a text that survives the agent, and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "collectors/pushgateway/groups.h"

namespace sidewatch::pushgateway {

// Of the text: what groups may take, and what JSON adds.
inline std::size_t max_saved_bytes(const GroupLimits& limits) { return 4 * limits.max_bytes(); }

std::string save_groups(const Groups& groups);

// Takes over what was saved, as far as there is room for it. Error: it is not such a text; nothing was taken over then.
Result<void> restore_groups(std::string_view text, Groups& groups, Time now, WallTime wall);

}  // namespace sidewatch::pushgateway
