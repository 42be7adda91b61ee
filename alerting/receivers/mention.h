// Who is pinged by a message: those whom the configuration names, when something becomes critical, and nobody else.
#pragma once

#include <string>
#include <string_view>

#include "alerting/delivery.h"

namespace sidewatch {

// There is news of something critical in it: not merely that it still is.
bool becomes_critical(const Delivery& delivery);

// Plain text in which no '@' names anybody any more: an invisible character (U+2060) stands between it and the name.
// For services that look for names in any text and know no escape for them. URLs and mail addresses stay as they are.
std::string without_mentions(std::string_view text);

}  // namespace sidewatch
