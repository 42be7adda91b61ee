// The names, types and labels by which dashboards and rules made for cAdvisor and the kubelet find what they show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "collectors/container/metrics.h"
#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

// As cAdvisor serves them (its docs/storage/prometheus.md).
const std::map<std::string_view, MetricType> kCadvisor = {
    {"container_cpu_cfs_burst_periods_total", MetricType::counter},
    {"container_cpu_cfs_burst_seconds_total", MetricType::counter},
    {"container_cpu_cfs_periods_total", MetricType::counter},
    {"container_cpu_cfs_throttled_periods_total", MetricType::counter},
    {"container_cpu_cfs_throttled_seconds_total", MetricType::counter},
    {"container_cpu_system_seconds_total", MetricType::counter},
    {"container_cpu_usage_seconds_total", MetricType::counter},
    {"container_cpu_user_seconds_total", MetricType::counter},
    {"container_file_descriptors", MetricType::gauge},
    {"container_fs_reads_bytes_total", MetricType::counter},
    {"container_fs_reads_total", MetricType::counter},
    {"container_fs_writes_bytes_total", MetricType::counter},
    {"container_fs_writes_total", MetricType::counter},
    {"container_last_seen", MetricType::gauge},
    {"container_memory_cache", MetricType::gauge},
    {"container_memory_failcnt", MetricType::counter},
    {"container_memory_failures_total", MetricType::counter},
    {"container_memory_kernel_usage", MetricType::gauge},
    {"container_memory_mapped_file", MetricType::gauge},
    {"container_memory_max_usage_bytes", MetricType::gauge},
    {"container_memory_rss", MetricType::gauge},
    {"container_memory_swap", MetricType::gauge},
    {"container_memory_total_active_file_bytes", MetricType::gauge},
    {"container_memory_total_inactive_file_bytes", MetricType::gauge},
    {"container_memory_usage_bytes", MetricType::gauge},
    {"container_memory_working_set_bytes", MetricType::gauge},
    {"container_network_receive_bytes_total", MetricType::counter},
    {"container_network_receive_errors_total", MetricType::counter},
    {"container_network_receive_packets_dropped_total", MetricType::counter},
    {"container_network_receive_packets_total", MetricType::counter},
    {"container_network_transmit_bytes_total", MetricType::counter},
    {"container_network_transmit_errors_total", MetricType::counter},
    {"container_network_transmit_packets_dropped_total", MetricType::counter},
    {"container_network_transmit_packets_total", MetricType::counter},
    {"container_oom_events_total", MetricType::counter},
    {"container_pressure_cpu_stalled_seconds_total", MetricType::counter},
    {"container_pressure_cpu_waiting_seconds_total", MetricType::counter},
    {"container_pressure_io_stalled_seconds_total", MetricType::counter},
    {"container_pressure_io_waiting_seconds_total", MetricType::counter},
    {"container_pressure_memory_stalled_seconds_total", MetricType::counter},
    {"container_pressure_memory_waiting_seconds_total", MetricType::counter},
    {"container_processes", MetricType::gauge},
    {"container_spec_cpu_period", MetricType::gauge},
    {"container_spec_cpu_quota", MetricType::gauge},
    {"container_spec_cpu_shares", MetricType::gauge},
    {"container_spec_memory_limit_bytes", MetricType::gauge},
    {"container_spec_memory_reservation_limit_bytes", MetricType::gauge},
    {"container_spec_memory_swap_limit_bytes", MetricType::gauge},
    {"container_start_time_seconds", MetricType::gauge},
    {"container_threads", MetricType::gauge},
    {"container_threads_max", MetricType::gauge},
    {"container_ulimits_soft", MetricType::gauge},
};

TEST(ContainerNames, AreCadvisorsWithItsTypes) {
  std::map<std::string_view, MetricType> ours;
  for (const auto& group : metric_groups()) {
    for (const auto& metric : group.metrics) {
      EXPECT_TRUE(ours.emplace(metric.name, metric.type).second) << metric.name << " is listed twice";
    }
  }
  for (const auto& [name, type] : kCadvisor) {
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_EQ(ours[name], type) << name;
  }
}

TEST(ContainerNames, AreAllServedForAContainerThatHasEverything) {
  ContainerUnderTest pod(config_of(container_cases() / "pod-with-shared-processes"));
  pod.pass();
  std::set<std::string> served;
  for (const auto& [series, value] : pod.values()) served.insert(series.substr(0, series.find('{')));
  for (const auto& [name, type] : kCadvisor) EXPECT_TRUE(served.contains(std::string(name))) << name;
}

TEST(ContainerNames, HaveTheLabelsThatDashboardsSelectBy) {
  ContainerUnderTest pod(config_of(container_cases() / "pod-with-shared-processes"));
  pod.pass();
  const std::pair<std::string_view, std::string> more[] = {{"container_cpu_usage_seconds_total", "cpu=\"total\""},
                                                           {"container_fs_", "device=\"/dev/"},
                                                           {"container_network_", "interface=\"eth0\""}};
  for (const auto& [series, value] : pod.values()) {
    if (!kCadvisor.contains(series.substr(0, series.find('{')))) continue;
    EXPECT_THAT(series, testing::HasSubstr("name=\""));
    EXPECT_THAT(series, testing::HasSubstr("container=\""));
    EXPECT_THAT(series, testing::HasSubstr("id=\"/cri-containerd-"));
    for (const auto& [family, label] : more) {
      if (!series.starts_with(family)) continue;
      EXPECT_THAT(series, testing::HasSubstr(label));
    }
  }
}

}  // namespace
}  // namespace sidewatch::container
