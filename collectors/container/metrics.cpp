#include "collectors/container/metrics.h"

namespace sidewatch::container {
namespace {

template <std::size_t N>
MetricGroup group(const char* title, const char* about, const std::array<Metric, N>& metrics) {
  return {title, about, {metrics.begin(), metrics.end()}};
}

}  // namespace

std::vector<MetricGroup> metric_groups() {
  return {
      group("container: memory", "memory of each target's cgroup, its limits, what happened at them", kMemoryMetrics),
      group("container: cpu", "CPU time, quota and throttling", kCpuMetrics),
      group("container: io", "reads and writes by the label device", kIoMetrics),
      group("container: tasks", "processes, threads, open files, age", kTaskMetrics),
      group("container: pressure", "pressure stall information of the container alone (cgroup v2)", kPressureMetrics),
      group("container: network", "by the label interface; only of targets with network: true", kNetworkMetrics),
      group("container: derived", "usage against limits, ready for thresholds, without the label id", kDerivedMetrics),
      group("container: targets", "whether the target was found, and where its limits are from", kTargetMetrics),
  };
}

}  // namespace sidewatch::container
