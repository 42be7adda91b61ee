#include "alerting/receivers/log.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace sidewatch {

struct LogConfig {};

void declare(config::Section&, LogConfig&) {}

namespace {

std::string for_people(double value) {
  if (std::isnan(value)) return "none";
  char digits[40];
  constexpr int significant = 6;
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, significant).ptr;
  return std::string(digits, end);
}

std::string headline(const Notification& n) {
  const std::string level(to_string(n.level));
  switch (n.reason) {
    case Reason::fired: return "FIRING " + level;
    case Reason::escalated: return "ESCALATED to " + level;
    case Reason::deescalated: return "DEESCALATED to " + level;
    case Reason::repeated: return "STILL FIRING " + level;
    case Reason::resolved: return "RESOLVED";
    case Reason::fired_and_resolved: return "FIRED (" + std::string(to_string(n.worst)) + ") AND RESOLVED";
    case Reason::rule_removed: return "RESOLVED (its rule was removed)";
  }
  return level;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

class LogReceiver final : public Receiver {
 public:
  explicit LogReceiver(ReceiverContext context) : context_(std::move(context)) {}

  Attempt send(const Delivery& delivery) override {
    for (const Notification& alert : delivery.alerts) {
      if (context_.log) context_.log(alert.level, log_line(alert));
    }
    return Delivered{};
  }

 private:
  const ReceiverContext context_;
};

}  // namespace

std::string log_line(const Notification& n) {
  std::string line = headline(n) + " " + n.rule;
  const Labels labels = n.labels.without("alertname").without("severity");
  if (!labels.empty()) line += labels.to_string();
  const auto summary = n.annotations.get("summary");
  if (!summary.empty()) line += ": " + std::string(summary);
  line += " (value " + for_people(n.value) + ", peak " + for_people(n.peak);
  if (n.duration > Duration(0)) line += ", lasted " + to_words(n.duration);
  if (n.suppressed > 0) line += ", " + std::to_string(n.suppressed) + " held back before";
  return one_line(mend_utf8(line + ")"));
}

std::optional<ReceiverPlan> configure_log(config::Section& entry, const ReceiverContext& context, EntryUse) {
  std::optional<LogConfig> config;
  entry.section("log", config, "writes one readable line per message to the agent's own log: {}");
  if (!config) return std::nullopt;
  ReceiverPlan plan;
  plan.description = "the log";
  plan.fingerprint = "log";
  plan.make = [context] { return std::make_unique<LogReceiver>(context); };
  return plan;
}

}  // namespace sidewatch
