#include "collectors/database/failure.h"

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

}  // namespace sidewatch::database
