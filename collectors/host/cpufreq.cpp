// Clock frequencies per core as cpufreq tells them: /sys/devices/system/cpu/cpuN/cpufreq, in kHz (Linux
// Documentation/admin-guide/pm/cpufreq.rst).
//
// cpuinfo_* is what the hardware does and can do, scaling_* what the governor asks for and may ask for. The hardware's
// present frequency is root's to read; without it there is no sample and no complaint.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_cpu_frequency_hertz", MetricType::gauge, "hertz", "Frequency that the core runs at."},
    Metric{"node_cpu_frequency_min_hertz", MetricType::gauge, "hertz", "Lowest frequency that the core can run at."},
    Metric{"node_cpu_frequency_max_hertz", MetricType::gauge, "hertz", "Highest frequency that the core can run at."},
    Metric{"node_cpu_scaling_frequency_hertz", MetricType::gauge, "hertz", "Frequency that the governor asked for."},
    Metric{"node_cpu_scaling_frequency_min_hertz", MetricType::gauge, "hertz",
           "Lowest frequency that the governor may ask for."},
    Metric{"node_cpu_scaling_frequency_max_hertz", MetricType::gauge, "hertz",
           "Highest frequency that the governor may ask for."},
    Metric{"node_cpu_scaling_governor", MetricType::gauge, "",
           "Which of the core's governors is in charge: 1 for it, 0 for the others."},
};
constexpr std::size_t kGovernor = 6;

constexpr std::array<const char*, 6> kFiles{"cpuinfo_cur_freq", "cpuinfo_min_freq", "cpuinfo_max_freq",
                                            "scaling_cur_freq", "scaling_min_freq", "scaling_max_freq"};
constexpr std::array<bool, 6> kMoving{true, false, false, true, false, false};
constexpr std::array<const char*, 2> kLookedAt{"cpufreq/", "cpufreq/scaling_governor"};

void add_governors(DeviceTree& tree, const std::string& cpu) {
  const std::string governor = tree.text("cpufreq/scaling_governor");
  const std::string all = tree.text("cpufreq/scaling_available_governors");
  std::string_view rest = all;
  for (auto name = next_field(rest); !name.empty(); name = next_field(rest)) {
    tree.constant(kMetrics[kGovernor], Labels{{"cpu", cpu}, {"governor", name}}, name == governor ? 1 : 0);
  }
}

void describe_cpu(DeviceTree& tree, const std::string& device) {
  const std::string cpu = device.substr(3);
  if (!parse_u64(cpu)) return;  // cpufreq and cpuidle stand beside the cores
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    NumberForm form{.times = 1000};
    form.pace = kMoving[i] ? NumberForm::Pace::every_pass : NumberForm::Pace::seldom;
    form.denied = NumberForm::Denied::passed_over;
    tree.number(std::string("cpufreq/") + kFiles[i], kMetrics[i], Labels{{"cpu", cpu}}, form);
  }
  add_governors(tree, cpu);
}

}  // namespace

std::unique_ptr<Part> make_cpufreq_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"devices/system/cpu", "cpu", kLookedAt, DeviceClass::Missing::nothing, describe_cpu});
}

std::span<const Metric> cpufreq_metrics() { return kMetrics; }

}  // namespace sidewatch
