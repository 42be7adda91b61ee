// What the agent says about itself, beyond its collectors: alerts, messages, the outbox, the server, the log, reloads.
//
// Kept in Instruments, from where the `self` collector brings them onto /metrics. The loop refreshes them once a tick.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <span>

#include "agent/history_writer.h"
#include "agent/http/server.h"
#include "agent/judge.h"
#include "alerting/dispatcher.h"
#include "alerting/outbox.h"
#include "metrics/instruments.h"

namespace sidewatch {

// Every metric below, for the written reference.
std::span<const Metric> own_metrics();

class OwnMetrics {
 public:
  explicit OwnMetrics(Instruments& instruments);

  void judged(const JudgeReport& report);
  void alerting(const std::vector<AlertView>& alerts, std::size_t rules);
  void buried(std::size_t dead_letters);
  void dispatched(const std::vector<ReceiverStatus>& receivers, const OutboxStatistics& outbox);
  void served(const HttpCounters& http);
  void logged(std::uint64_t dropped, std::uint64_t failures);
  void remembered(std::uint64_t evicted_samples);
  void contested(std::uint64_t samples);
  void written_down(const HistoryWriter::Status& history);
  void reloaded(bool good, WallTime wall);
  void clocked(Duration wall_step);
  void silenced(std::size_t active);

 private:
  void raise(Counter& counter, double total);

  Instruments& instruments_;
  std::map<const Counter*, double> totals_;  // as last shown; a total that fell began anew
  std::set<std::string> receivers_;          // shown so far
};

}  // namespace sidewatch
