// Messages about alerts; see announce.h.

#include "alerting/announce.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "alerting/rule_value.h"

namespace sidewatch {
namespace {

// Unique per message and receiver, and the same whenever this message is made again after a crash.
std::string message_id(const Alert& alert, const std::string& receiver) {
  return alert.incident() + "-" + std::to_string(alert.contact.messages) + "-" +
         to_hex(stable_hash(receiver)).substr(0, 8);
}

// What made the incident's worst level.
std::optional<Threshold> threshold_of(const Rule& rule, Level worst) {
  if (rule.by_presence) {
    const auto comparing = rule.expr ? split_comparison(*rule.expr) : std::nullopt;
    return comparing ? std::optional(comparing->threshold) : std::nullopt;
  }
  const auto& level = worst == Level::critical ? rule.policy.critical : rule.policy.warning;
  return level ? std::optional(level->threshold) : std::nullopt;
}

Routing follow_up() {
  Routing routing;
  routing.follow_up = true;
  return routing;
}

}  // namespace

AlertTexts texts_of(const Alert& alert, const Rule& rule, Level level, const TemplateScope* scope) {
  const TemplateData data{alert.state.value, rule.by_presence ? alert.sample : alert.entity, level, scope,
                          rule.by_presence ? NumberStyle::as_go : NumberStyle::plain};
  AlertTexts texts;
  texts.labels = rule.by_presence ? alert.entity : alert.entity.with("severity", to_string(level));
  if (!rule.by_presence) {
    for (const auto& [name, value] : rule.labels) texts.labels = texts.labels.with(name, value.render(data));
  }
  texts.labels = texts.labels.with("alertname", alert.alertname());
  for (const auto& [name, value] : rule.annotations) {
    texts.annotations = texts.annotations.with(name, value.render(data));
  }
  return texts;
}

bool reaches_somebody(const Alert& alert, const Labels& labels, const Router& router) {
  if (router.receivers().empty()) return false;
  return !alert.state.firing() || alert.contact.told != Level::ok ||
         !router.recipients(labels, alert.state.level).empty();
}

void announce(Alert& alert, const Rule& rule, const Decision& decision, const Moment& moment, AlertTexts texts,
              const Router& router, std::vector<Notification>& out) {
  const Level level = alert.state.level;
  if (level != Level::ok) alert.told_labels = std::move(texts.labels);
  Notification message;
  message.alert_key = alert.key;
  message.incident = alert.incident();
  message.reason = *decision.send;
  message.level = level;
  message.worst = alert.state.worst;
  message.rule = rule.name;
  message.labels = alert.told_labels;
  message.annotations = std::move(texts.annotations);
  message.value = alert.state.value;
  message.peak = alert.state.peak;
  message.threshold = threshold_of(rule, alert.state.worst);
  message.unit = rule.unit;
  message.starts_at = WallTime(Duration(alert.started_wall_ms));
  if (level == Level::ok) message.ends_at = moment.wall();
  message.duration = moment.now - alert.state.fired_at.value_or(moment.now);
  message.created_at = moment.wall();
  message.suppressed = decision.suppressed_before;
  const auto recipients = router.recipients(message.labels, level == Level::ok ? message.worst : level);
  for (const std::string& receiver : router.receivers()) {
    const auto chosen = std::find_if(recipients.begin(), recipients.end(),
                                     [&](const Recipient& recipient) { return recipient.receiver == receiver; });
    message.receiver = receiver;
    message.id = message_id(alert, receiver);
    message.routing = chosen != recipients.end() ? routing_of(*chosen, router.to_match(message.labels)) : follow_up();
    out.push_back(message);
  }
}

}  // namespace sidewatch
