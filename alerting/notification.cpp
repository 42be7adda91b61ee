#include "alerting/notification.h"

namespace sidewatch {

std::string_view to_string(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "warning";
    case Level::critical: return "critical";
  }
  return "ok";
}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::fired: return "fired";
    case Reason::escalated: return "escalated";
    case Reason::deescalated: return "deescalated";
    case Reason::repeated: return "repeated";
    case Reason::resolved: return "resolved";
    case Reason::fired_and_resolved: return "fired_and_resolved";
    case Reason::rule_removed: return "rule_removed";
  }
  return "fired";
}

}  // namespace sidewatch
