#include "collectors/statsd/events.h"

#include <utility>

namespace sidewatch::statsd {

constexpr Metric recent_events_metric{
    "sidewatch_statsd_recent_events", MetricType::gauge, "",
    "How many events of this title came since the first of them; 0 when none came for events.keep, then gone. Only with "
    "events."};
constexpr Metric check_message_metric{
    "sidewatch_statsd_service_check_message", MetricType::gauge, "",
    "1; the label message is what the last service check of this name said in words. Only with events."};

void Events::take(const Event& event, const Labels& tags) {
  const Labels of_all{{"title", others}, {"type", known_type(event.type)}, {"priority", known_priority(event.priority)}};
  Labels labels = of_all.with("title", event.title).or_else(tags);
  if (!event.key.empty()) labels = labels.with("aggregation_key", event.key);
  if (!event.source.empty()) labels = labels.with("source", event.source);
  if (!events_.contains(labels) && events_.size() >= options_.max) {
    labels = of_all;
  }
  auto& seen = events_[labels];
  if (!seen.series) seen.series = catalog_.series(recent_events_metric, labels);
  seen.count += 1;
  seen.touched = true;
}

void Events::take(const ServiceCheck& check, const Labels& tags) {
  if (check.message.empty()) return;
  const Labels labels = tags.with("name", check.name);
  if (!checks_.contains(labels) && checks_.size() >= options_.max) return;  // its status is told all the same
  auto& said = checks_[labels];
  said.touched = true;
  if (said.series && said.message == check.message) return;
  said.message = check.message;
  said.series = catalog_.series(check_message_metric, labels.with("message", check.message));
}

void Events::write(Batch& batch, Time now) {
  for (auto one = events_.begin(); one != events_.end();) {
    Seen& seen = one->second;
    if (std::exchange(seen.touched, false)) seen.last = now;
    if (now - seen.last > 2 * options_.keep) {
      one = events_.erase(one);
      continue;
    }
    if (now - seen.last > options_.keep) seen.count = 0;
    batch.add(seen.series, seen.count);
    ++one;
  }
  write_checks(batch, now);
}

void Events::write_checks(Batch& batch, Time now) {
  for (auto one = checks_.begin(); one != checks_.end();) {
    Said& said = one->second;
    if (std::exchange(said.touched, false)) said.last = now;
    if (now - said.last > 2 * options_.keep) {
      one = checks_.erase(one);
      continue;
    }
    batch.add(said.series, 1);
    ++one;
  }
}

}  // namespace sidewatch::statsd
