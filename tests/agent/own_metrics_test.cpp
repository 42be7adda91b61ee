#include "agent/own_metrics.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

class OwnMetricsTest : public testing::Test {
 protected:
  // -1: there is no such instrument.
  double value(std::string_view name, const Labels& labels = {}) const {
    double found = -1;
    instruments.visit([&](const Metric& metric, const Labels& its, double present) {
      if (metric.name == name && its == labels) found = present;
    });
    return found;
  }
  double of_oncall(std::string_view name) const { return value(name, {{"receiver", "oncall"}}); }

  Instruments instruments;
  OwnMetrics metrics{instruments};
};

ReceiverStatus oncall() {
  ReceiverStatus status;
  status.name = "oncall";
  return status;
}

AlertView alert(bool firing, Level level) {
  AlertView view;
  view.firing = firing;
  view.level = level;
  return view;
}

AlertEvent suppressed(Suppression why) {
  AlertEvent event;
  event.suppressed = why;
  return event;
}

TEST_F(OwnMetricsTest, ShowsCountersThatRiseRarelyFromTheStart) {
  EXPECT_EQ(value("sidewatch_rule_evaluation_failures_total"), 0);
  EXPECT_EQ(value("sidewatch_alerts_refused_total"), 0);
  for (const auto* reason : {"cooldown", "never_announced", "no_receiver", "already_known"}) {
    EXPECT_EQ(value("sidewatch_notifications_suppressed_total", {{"reason", reason}}), 0) << reason;
  }
}

TEST_F(OwnMetricsTest, CountsWhatATickDid) {
  JudgeReport report;
  report.rules_failed = 2;
  report.alerts_refused = 3;
  report.events = {suppressed(Suppression::cooldown), suppressed(Suppression::cooldown), AlertEvent{}};
  const std::vector<AlertView> alerts{alert(true, Level::warning), alert(false, Level::warning),
                                      alert(true, Level::critical), alert(true, Level::critical)};
  metrics.judged(report);
  metrics.judged(report);
  metrics.alerting(alerts, 12);
  EXPECT_EQ(value("sidewatch_rules"), 12);
  EXPECT_EQ(value("sidewatch_rule_evaluation_failures_total"), 4);
  EXPECT_EQ(value("sidewatch_alerts_refused_total"), 6);
  EXPECT_EQ(value("sidewatch_alerts_firing", {{"level", "warning"}}), 1) << "a pending one does not fire";
  EXPECT_EQ(value("sidewatch_alerts_firing", {{"level", "critical"}}), 2);
  EXPECT_EQ(value("sidewatch_notifications_suppressed_total", {{"reason", "cooldown"}}), 4);
  EXPECT_EQ(value("sidewatch_notifications_suppressed_total", {{"reason", "no_receiver"}}), 0);
  metrics.alerting({}, 1);
  EXPECT_EQ(value("sidewatch_alerts_firing", {{"level", "critical"}}), 0);
}

TEST_F(OwnMetricsTest, ShowsTheTotalsOfEachReceiver) {
  auto status = oncall();
  status.queued = 4;
  status.delivered = 10;
  status.failed_attempts = 5;
  status.rejected = 3;
  status.dropped = 2;
  status.merged = 1;
  metrics.dispatched({status}, {});
  metrics.dispatched({status}, {});
  EXPECT_EQ(of_oncall("sidewatch_notifications_pending"), 4);
  EXPECT_EQ(of_oncall("sidewatch_notifications_delivered_total"), 10);
  EXPECT_EQ(of_oncall("sidewatch_notifications_failed_attempts_total"), 5);
  EXPECT_EQ(of_oncall("sidewatch_notifications_rejected_total"), 3);
  EXPECT_EQ(of_oncall("sidewatch_notifications_dropped_total"), 2);
  EXPECT_EQ(of_oncall("sidewatch_notifications_merged_total"), 1);
}

TEST_F(OwnMetricsTest, ShowsHowManyDeadLettersThereAre) {
  metrics.buried(3);
  EXPECT_EQ(value("sidewatch_dead_letters"), 3);
  metrics.buried(0);
  EXPECT_EQ(value("sidewatch_dead_letters"), 0);
}

TEST_F(OwnMetricsTest, ShowsNothingPendingForAReceiverThatIsGone) {
  auto status = oncall();
  status.queued = 4;
  metrics.dispatched({status}, {});
  metrics.dispatched({}, {});
  EXPECT_EQ(of_oncall("sidewatch_notifications_pending"), 0);
}

TEST_F(OwnMetricsTest, GoesOnCountingForAReceiverThatCameBack) {
  auto status = oncall();
  status.delivered = 10;
  metrics.dispatched({status}, {});
  metrics.dispatched({}, {});
  status.delivered = 2;  // its queue is a new one
  metrics.dispatched({status}, {});
  EXPECT_EQ(of_oncall("sidewatch_notifications_delivered_total"), 12);
}

TEST_F(OwnMetricsTest, ShowsTheStateOfTheOutbox) {
  OutboxStatistics outbox;
  outbox.durable = true;
  outbox.degraded = true;
  outbox.failed_commits = 7;
  outbox.missing = 1;
  outbox.quarantined = 2;
  metrics.dispatched({}, outbox);
  EXPECT_EQ(value("sidewatch_outbox_durable"), 1);
  EXPECT_EQ(value("sidewatch_outbox_degraded"), 1);
  EXPECT_EQ(value("sidewatch_outbox_failed_commits_total"), 7);
  EXPECT_EQ(value("sidewatch_outbox_missing_messages"), 1);
  EXPECT_EQ(value("sidewatch_outbox_quarantined_rows"), 2);
  outbox.degraded = false;
  metrics.dispatched({}, outbox);
  EXPECT_EQ(value("sidewatch_outbox_degraded"), 0);
}

TEST_F(OwnMetricsTest, ShowsWhatTheServerCounted) {
  HttpCounters http;
  http.connections = 3;
  http.requests = 100;
  http.malformed = 1;
  http.timed_out = 2;
  metrics.served(http);
  EXPECT_EQ(value("sidewatch_http_connections"), 3);
  EXPECT_EQ(value("sidewatch_http_requests_total"), 100);
  EXPECT_EQ(value("sidewatch_http_refused_total", {{"reason", "malformed"}}), 1);
  EXPECT_EQ(value("sidewatch_http_refused_total", {{"reason", "timed_out"}}), 2);
  EXPECT_EQ(value("sidewatch_http_refused_total", {{"reason", "forbidden"}}), 0);
}

TEST_F(OwnMetricsTest, ShowsWhatTheLogLost) {
  metrics.logged(5, 2);
  metrics.logged(6, 2);
  EXPECT_EQ(value("sidewatch_log_lines_dropped_total"), 6);
  EXPECT_EQ(value("sidewatch_log_write_failures_total"), 2);
}

TEST_F(OwnMetricsTest, ShowsWhatIsLeftOutOfTwoInputsWithOneSeries) {
  metrics.contested(3);
  metrics.contested(5);
  EXPECT_EQ(value("sidewatch_contested_samples_total"), 5);
}

TEST_F(OwnMetricsTest, ShowsHowTheHistoryFares) {
  metrics.remembered(12);
  EXPECT_EQ(value("sidewatch_history_evicted_samples_total"), 12);
  HistoryWriter::Status history;
  history.disk = {true, 1, 4096};
  history.damages = 2;
  history.lost_samples = 30;
  metrics.written_down(history);
  EXPECT_EQ(value("sidewatch_history_on_disk"), 1);
  EXPECT_EQ(value("sidewatch_history_disk_bytes"), 4096);
  EXPECT_EQ(value("sidewatch_history_write_failures_total"), 1);
  EXPECT_EQ(value("sidewatch_history_corruptions_total"), 2);
  EXPECT_EQ(value("sidewatch_history_lost_samples_total"), 30);
  history.disk.on_disk = false;
  metrics.written_down(history);
  EXPECT_EQ(value("sidewatch_history_on_disk"), 0);
}

TEST_F(OwnMetricsTest, KeepsTheTimeOfTheConfigurationInForce) {
  metrics.reloaded(true, WallTime(1'772'366'400'500ms));
  EXPECT_EQ(value("sidewatch_config_last_reload_successful"), 1);
  EXPECT_EQ(value("sidewatch_config_last_reload_success_timestamp_seconds"), 1'772'366'400.5);
  metrics.reloaded(false, WallTime(1'772'366'500'000ms));
  EXPECT_EQ(value("sidewatch_config_last_reload_successful"), 0);
  EXPECT_EQ(value("sidewatch_config_last_reload_success_timestamp_seconds"), 1'772'366'400.5);
}

TEST_F(OwnMetricsTest, ShowsHowFarTheWallClockWasMoved) {
  metrics.clocked(0ms);
  EXPECT_EQ(value("sidewatch_wall_clock_step_seconds"), 0);
  metrics.clocked(-90s);
  EXPECT_EQ(value("sidewatch_wall_clock_step_seconds"), -90);
}

}  // namespace
}  // namespace sidewatch
