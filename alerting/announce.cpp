// Messages about alerts; see announce.h.

#include "alerting/announce.h"

namespace sidewatch {
namespace {

TemplateData data_of(const Alert& alert, Level level) { return {alert.state.value, alert.entity, level}; }

// Unique per message and receiver, and the same whenever this message is made again after a crash.
std::string message_id(const Alert& alert, const std::string& receiver) {
  return alert.incident() + "-" + std::to_string(alert.contact.messages) + "-" +
         to_hex(stable_hash(receiver)).substr(0, 8);
}

}  // namespace

Labels labels_of(const Alert& alert, const Rule& rule, Level level) {
  Labels labels = alert.entity.with("severity", to_string(level));
  const TemplateData data = data_of(alert, level);
  for (const auto& [name, value] : rule.labels) labels = labels.with(name, value.render(data));
  return labels.with("alertname", alert.rule);
}

Labels annotations_of(const Alert& alert, const Rule& rule, Level level) {
  const TemplateData data = data_of(alert, level);
  Labels annotations;
  if (!rule.summary.empty()) annotations = annotations.with("summary", rule.summary.render(data));
  if (!rule.description.empty()) annotations = annotations.with("description", rule.description.render(data));
  return annotations;
}

void announce(Alert& alert, const Rule& rule, const Decision& decision, const Moment& moment,
              std::span<const std::string> receivers, std::vector<Notification>& out) {
  const Level level = alert.state.level;
  if (level != Level::ok) alert.told_labels = labels_of(alert, rule, level);
  Notification message;
  message.alert_key = alert.key;
  message.incident = alert.incident();
  message.reason = *decision.send;
  message.level = level;
  message.worst = alert.state.worst;
  message.rule = alert.rule;
  message.labels = alert.told_labels;
  message.annotations = annotations_of(alert, rule, level);
  message.value = alert.state.value;
  message.peak = alert.state.peak;
  message.starts_at = WallTime(Duration(alert.started_wall_ms));
  if (level == Level::ok) message.ends_at = moment.wall();
  message.duration = moment.now - alert.state.fired_at.value_or(moment.now);
  message.created_at = moment.wall();
  message.suppressed = decision.suppressed_before;
  for (const std::string& receiver : receivers) {
    message.receiver = receiver;
    message.id = message_id(alert, receiver);
    out.push_back(message);
  }
}

}  // namespace sidewatch
