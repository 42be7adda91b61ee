#include "alerting/receivers/mention.h"

#include <algorithm>

#include "alerting/receivers/fitted_text.h"

namespace sidewatch {
namespace {

constexpr std::string_view word_joiner = "\xE2\x81\xA0";

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || byte >= 0x80;
}

}  // namespace

bool becomes_critical(const Delivery& delivery) {
  return std::any_of(delivery.alerts.begin(), delivery.alerts.end(), [](const Notification& n) {
    return n.level == Level::critical && n.reason != Reason::repeated;
  });
}

std::string without_mentions(std::string_view text) {
  std::string out;
  for (const auto& part : split_at_urls(text)) {
    for (std::size_t i = 0; i < part.text.size(); ++i) {
      out += part.text[i];
      if (part.is_url || part.text[i] != '@') continue;
      if (i == 0 || !is_word(part.text[i - 1])) out += word_joiner;
    }
  }
  return out;
}

}  // namespace sidewatch
