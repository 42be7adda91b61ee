#include "agent/own_metrics.h"

#include <algorithm>

namespace sidewatch {
namespace {

constexpr Metric rules_metric{"sidewatch_rules", MetricType::gauge, "", "Rules that are evaluated."};
constexpr Metric rule_failures_metric{"sidewatch_rule_evaluation_failures_total", MetricType::counter, "",
                                      "Evaluations of rules that ended in an error."};
constexpr Metric alerts_refused_metric{"sidewatch_alerts_refused_total", MetricType::counter, "",
                                       "Alerts not raised because their rule had too many (limits.max_alerts_per_rule)."};
constexpr Metric alerts_metric_by_level{"sidewatch_alerts_firing", MetricType::gauge, "", "Alerts firing now, by level."};
constexpr Metric suppressed_metric{"sidewatch_notifications_suppressed_total", MetricType::counter, "",
                                   "Messages that were not sent, by reason."};

constexpr Metric pending_metric{"sidewatch_notifications_pending", MetricType::gauge, "",
                                "Messages waiting for a receiver, the one under way included."};
constexpr Metric delivered_metric{"sidewatch_notifications_delivered_total", MetricType::counter, "",
                                  "Messages that the receiver took."};
constexpr Metric failed_attempts_metric{"sidewatch_notifications_failed_attempts_total", MetricType::counter, "",
                                        "Attempts that failed and are tried again."};
constexpr Metric rejected_metric{"sidewatch_notifications_rejected_total", MetricType::counter, "",
                                 "Messages that the receiver refused for good; they are in the dead letters."};
constexpr Metric dropped_metric{"sidewatch_notifications_dropped_total", MetricType::counter, "",
                                "Messages that a full queue, or the removal of their receiver, took away."};
constexpr Metric discarded_metric{"sidewatch_notifications_discarded_total", MetricType::counter, "",
                                  "Messages that somebody dropped with sidewatch outbox drop, before they were sent."};
constexpr Metric dead_letters_metric{"sidewatch_dead_letters", MetricType::gauge, "",
                                     "Messages that were refused for good or dropped and are kept to be looked at: the "
                                     "newest 1000, over restarts."};
constexpr Metric merged_metric{"sidewatch_notifications_merged_total", MetricType::counter, "",
                               "Messages that a later one of the same incident took in before they were sent."};

constexpr Metric held_metric{"sidewatch_notifications_held", MetricType::gauge, "",
                             "Messages that wait for the end of a silence or a mute interval."};
constexpr Metric silenced_metric{"sidewatch_notifications_silenced_total", MetricType::counter, "",
                                 "Messages about what began and ended while they were held back, never told."};
constexpr Metric silences_metric{"sidewatch_silences_active", MetricType::gauge, "", "Silences that hold now."};
constexpr Metric deliveries_metric{"sidewatch_notifications_deliveries_total", MetricType::counter, "",
                                   "Requests that the receiver took; each tells one message or several."};
constexpr Metric grouped_metric{"sidewatch_notifications_grouped_total", MetricType::counter, "",
                                "Messages that were told together with others, of those delivered."};
constexpr Metric digests_metric{"sidewatch_notifications_digests_total", MetricType::counter, "",
                                "Deliveries that told in one what the receiver's rate_limit had held back."};
constexpr Metric rate_limited_metric{"sidewatch_notifications_rate_limited_total", MetricType::counter, "",
                                     "How often the receiver's rate_limit was reached and held messages back."};

constexpr Metric durable_metric{"sidewatch_outbox_durable", MetricType::gauge, "",
                                "1 when alerts and messages are kept on disk (agent.state_dir)."};
constexpr Metric degraded_metric{"sidewatch_outbox_degraded", MetricType::gauge, "",
                                 "1 while the last commit could not be written and is in memory only."};
constexpr Metric failed_commits_metric{"sidewatch_outbox_failed_commits_total", MetricType::counter, "",
                                       "Commits that the disk refused."};
constexpr Metric missing_metric{"sidewatch_outbox_missing_messages", MetricType::gauge, "",
                                "Messages that damage to the state directory took away, found at the start."};
constexpr Metric quarantined_metric{"sidewatch_outbox_quarantined_rows", MetricType::gauge, "",
                                    "Unreadable rows that were put aside, found at the start."};

constexpr Metric connections_metric{"sidewatch_http_connections", MetricType::gauge, "", "Connections open now."};
constexpr Metric requests_metric{"sidewatch_http_requests_total", MetricType::counter, "", "Requests answered."};
constexpr Metric refused_metric{"sidewatch_http_refused_total", MetricType::counter, "",
                                "Requests and connections refused or given up, by reason."};

constexpr Metric log_dropped_metric{"sidewatch_log_lines_dropped_total", MetricType::counter, "",
                                    "Log lines lost because whoever reads the log was too slow."};
constexpr Metric log_failed_metric{"sidewatch_log_write_failures_total", MetricType::counter, "",
                                   "Log lines that could not be written."};

constexpr Metric evicted_metric{"sidewatch_history_evicted_samples_total", MetricType::counter, "",
                                "Samples forgotten before their time because history.max_bytes was reached."};
constexpr Metric contested_metric{"sidewatch_contested_samples_total", MetricType::counter, "",
                                  "Samples left out because another input has their series: of two that send the same, "
                                  "the first counts."};
constexpr Metric on_disk_metric{"sidewatch_history_on_disk", MetricType::gauge, "",
                                "1 when samples are on disk too, 0 while the disk refuses them; absent when they are not "
                                "to be."};
constexpr Metric disk_bytes_metric{"sidewatch_history_disk_bytes", MetricType::gauge, "bytes",
                                   "Size of the history on disk."};
constexpr Metric write_failures_metric{"sidewatch_history_write_failures_total", MetricType::counter, "",
                                       "How often the disk refused the history."};
constexpr Metric corruptions_metric{"sidewatch_history_corruptions_total", MetricType::counter, "",
                                    "Places of the history on disk that could not be read at the start and were cut off."};
constexpr Metric lost_samples_metric{"sidewatch_history_lost_samples_total", MetricType::counter, "",
                                     "Samples that were not written at once because the disk was too slow; the next "
                                     "checkpoint has them."};

constexpr Metric reload_successful_metric{"sidewatch_config_last_reload_successful", MetricType::gauge, "",
                                          "1 when the last reading of the configuration succeeded."};
constexpr Metric reload_time_metric{"sidewatch_config_last_reload_success_timestamp_seconds", MetricType::gauge,
                                    "seconds", "When the configuration in force was read."};
constexpr Metric wall_step_metric{"sidewatch_wall_clock_step_seconds", MetricType::gauge, "seconds",
                                  "How far the wall clock was moved since the agent started; no timer follows it."};

constexpr Metric all_metrics[] = {
    rules_metric,
    rule_failures_metric,
    alerts_refused_metric,
    alerts_metric_by_level,
    suppressed_metric,
    pending_metric,
    delivered_metric,
    failed_attempts_metric,
    rejected_metric,
    dropped_metric,
    discarded_metric,
    merged_metric,
    held_metric,
    silenced_metric,
    silences_metric,
    deliveries_metric,
    grouped_metric,
    digests_metric,
    rate_limited_metric,
    dead_letters_metric,
    durable_metric,
    degraded_metric,
    failed_commits_metric,
    missing_metric,
    quarantined_metric,
    connections_metric,
    requests_metric,
    refused_metric,
    log_dropped_metric,
    log_failed_metric,
    evicted_metric,
    contested_metric,
    on_disk_metric,
    disk_bytes_metric,
    write_failures_metric,
    corruptions_metric,
    lost_samples_metric,
    reload_successful_metric,
    reload_time_metric,
    wall_step_metric,
};

}  // namespace

std::span<const Metric> own_metrics() { return all_metrics; }

OwnMetrics::OwnMetrics(Instruments& instruments) : instruments_(instruments) {
  instruments_.counter(rule_failures_metric);
  instruments_.counter(alerts_refused_metric);
  for (const auto suppression : {Suppression::cooldown, Suppression::never_announced, Suppression::no_receiver,
                                 Suppression::already_known}) {
    instruments_.counter(suppressed_metric, {{"reason", to_string(suppression)}});
  }
}

void OwnMetrics::judged(const JudgeReport& report) {
  if (report.rules_failed > 0) {
    instruments_.counter(rule_failures_metric).increment(static_cast<double>(report.rules_failed));
  }
  if (report.alerts_refused > 0) {
    instruments_.counter(alerts_refused_metric).increment(static_cast<double>(report.alerts_refused));
  }
  for (const auto& event : report.events) {
    if (event.suppressed) instruments_.counter(suppressed_metric, {{"reason", to_string(*event.suppressed)}}).increment();
  }
}

void OwnMetrics::alerting(const std::vector<AlertView>& alerts, std::size_t rules) {
  instruments_.gauge(rules_metric).set(static_cast<double>(rules));
  for (const auto level : {Level::warning, Level::critical}) {
    const auto firing = std::count_if(alerts.begin(), alerts.end(),
                                      [&](const AlertView& alert) { return alert.firing && alert.level == level; });
    instruments_.gauge(alerts_metric_by_level, {{"level", to_string(level)}}).set(static_cast<double>(firing));
  }
}

void OwnMetrics::dispatched(const std::vector<ReceiverStatus>& receivers, const OutboxStatistics& outbox) {
  std::set<std::string> gone = receivers_;
  for (const auto& receiver : receivers) {
    gone.erase(receiver.name);
    receivers_.insert(receiver.name);
    const Labels labels{{"receiver", receiver.name}};
    instruments_.gauge(pending_metric, labels).set(static_cast<double>(receiver.queued));
    raise(instruments_.counter(delivered_metric, labels), static_cast<double>(receiver.delivered));
    raise(instruments_.counter(failed_attempts_metric, labels), static_cast<double>(receiver.failed_attempts));
    raise(instruments_.counter(rejected_metric, labels), static_cast<double>(receiver.rejected));
    raise(instruments_.counter(dropped_metric, labels), static_cast<double>(receiver.dropped));
    raise(instruments_.counter(discarded_metric, labels), static_cast<double>(receiver.discarded));
    raise(instruments_.counter(merged_metric, labels), static_cast<double>(receiver.merged));
    instruments_.gauge(held_metric, labels).set(static_cast<double>(receiver.held));
    raise(instruments_.counter(silenced_metric, labels), static_cast<double>(receiver.silenced));
    raise(instruments_.counter(deliveries_metric, labels), static_cast<double>(receiver.deliveries));
    raise(instruments_.counter(grouped_metric, labels), static_cast<double>(receiver.grouped));
    raise(instruments_.counter(digests_metric, labels), static_cast<double>(receiver.digests));
    raise(instruments_.counter(rate_limited_metric, labels), static_cast<double>(receiver.rate_limited));
  }
  for (const auto& name : gone) {
    for (const auto& metric : {pending_metric, held_metric}) instruments_.gauge(metric, {{"receiver", name}}).set(0);
  }
  instruments_.gauge(durable_metric).set(outbox.durable ? 1 : 0);
  instruments_.gauge(degraded_metric).set(outbox.degraded ? 1 : 0);
  raise(instruments_.counter(failed_commits_metric), static_cast<double>(outbox.failed_commits));
  instruments_.gauge(missing_metric).set(static_cast<double>(outbox.missing));
  instruments_.gauge(quarantined_metric).set(static_cast<double>(outbox.quarantined));
}

void OwnMetrics::buried(std::size_t dead_letters) {
  instruments_.gauge(dead_letters_metric).set(static_cast<double>(dead_letters));
}

void OwnMetrics::served(const HttpCounters& http) {
  instruments_.gauge(connections_metric).set(static_cast<double>(http.connections));
  raise(instruments_.counter(requests_metric), static_cast<double>(http.requests));
  const auto refused = [this](std::string_view reason, std::uint64_t total) {
    raise(instruments_.counter(refused_metric, {{"reason", reason}}), static_cast<double>(total));
  };
  refused("malformed", http.malformed);
  refused("forbidden", http.forbidden);
  refused("timed_out", http.timed_out);
  refused("evicted", http.evicted);
  refused("busy", http.turned_away);
  refused("abandoned", http.abandoned);
  refused("accept_failed", http.accept_failures);
  refused("handler_error", http.handler_errors);
}

// The total of a receiver begins anew when a reload brings it back; its counter goes on.
void OwnMetrics::raise(Counter& counter, double total) {
  double& last = totals_[&counter];
  counter.increment(total >= last ? total - last : total);
  last = total;
}

void OwnMetrics::logged(std::uint64_t dropped, std::uint64_t failures) {
  raise(instruments_.counter(log_dropped_metric), static_cast<double>(dropped));
  raise(instruments_.counter(log_failed_metric), static_cast<double>(failures));
}

void OwnMetrics::remembered(std::uint64_t evicted_samples) {
  raise(instruments_.counter(evicted_metric), static_cast<double>(evicted_samples));
}

void OwnMetrics::contested(std::uint64_t samples) {
  raise(instruments_.counter(contested_metric), static_cast<double>(samples));
}

void OwnMetrics::written_down(const HistoryWriter::Status& history) {
  instruments_.gauge(on_disk_metric).set(history.disk.on_disk ? 1 : 0);
  instruments_.gauge(disk_bytes_metric).set(static_cast<double>(history.disk.bytes));
  raise(instruments_.counter(write_failures_metric), static_cast<double>(history.disk.failures));
  raise(instruments_.counter(corruptions_metric), static_cast<double>(history.damages));
  raise(instruments_.counter(lost_samples_metric), static_cast<double>(history.lost_samples));
}

void OwnMetrics::reloaded(bool good, WallTime wall) {
  instruments_.gauge(reload_successful_metric).set(good ? 1 : 0);
  if (good) instruments_.gauge(reload_time_metric).set(to_seconds(wall.time_since_epoch()));
}

void OwnMetrics::silenced(std::size_t active) { instruments_.gauge(silences_metric).set(static_cast<double>(active)); }

void OwnMetrics::clocked(Duration wall_step) {
  instruments_.gauge(wall_step_metric).set(to_seconds(wall_step));
}

}  // namespace sidewatch
