#include "collectors/database/failure.h"

#include <cctype>

#include "base/utf8.h"

namespace sidewatch::database {

std::string_view to_string(FailureKind kind) {
  switch (kind) {
    case FailureKind::unreachable: return "unreachable";
    case FailureKind::login_refused: return "login_refused";
    case FailureKind::too_many_connections: return "too_many_connections";
    case FailureKind::timeout: return "timeout";
    case FailureKind::lost: return "lost";
    case FailureKind::denied: return "denied";
    case FailureKind::missing: return "missing";
    case FailureKind::malformed: return "malformed";
    case FailureKind::locked: return "locked";
    case FailureKind::too_large: return "too_large";
    case FailureKind::other: break;
  }
  return "other";
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 300;
  const bool cut = text.size() > longest;
  std::string shown;
  for (const char c : mend_utf8(text.substr(0, longest))) {
    const bool is_gap = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (c == '\n' && !shown.empty() && std::isalnum(static_cast<unsigned char>(shown.back())) != 0) shown += '.';
    if (is_gap && (shown.empty() || shown.back() == ' ')) continue;
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    shown += is_gap ? ' ' : is_control ? '?' : c;
  }
  while (!shown.empty() && (shown.back() == ' ' || (!cut && shown.back() == '.'))) shown.pop_back();
  return cut ? shown + "..." : shown;
}

}  // namespace sidewatch::database
