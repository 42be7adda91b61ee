// Watchdogs, which restart the machine when nobody tells them in time that it lives: /sys/class/watchdog (Linux
// Documentation/ABI/testing/sysfs-class-watchdog). A driver tells of what its hardware can; the rest has no series.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_watchdog_bootstatus", MetricType::gauge, "", "Why the machine was started, as flags (WDIOF_)."},
    Metric{"node_watchdog_fw_version", MetricType::gauge, "", "Version of the watchdog's firmware."},
    Metric{"node_watchdog_nowayout", MetricType::gauge, "", "Whether it cannot be stopped once it runs: 1 or 0."},
    Metric{"node_watchdog_timeleft_seconds", MetricType::gauge, "seconds", "Time until it restarts the machine."},
    Metric{"node_watchdog_timeout_seconds", MetricType::gauge, "seconds",
           "Time after which it restarts the machine unless told that it lives."},
    Metric{"node_watchdog_pretimeout_seconds", MetricType::gauge, "seconds",
           "How long before that it gives a warning."},
    Metric{"node_watchdog_access_cs0", MetricType::gauge, "", "Whether the machine was started from its second flash."},
    Metric{"node_watchdog_info", MetricType::gauge, "", "What the watchdog is and how it stands; always 1."},
};
constexpr std::size_t kInfo = 7;

constexpr std::array<const char*, kInfo> kFiles{"bootstatus", "fw_version", "nowayout",  "timeleft",
                                                "timeout",    "pretimeout", "access_cs0"};
constexpr std::array<const char*, 5> kTexts{"options", "identity", "state", "status", "pretimeout_governor"};

void describe_watchdog(DeviceTree& tree, const std::string& device) {
  std::vector<Label> info{{"name", device}};
  for (const char* file : kTexts) {
    if (const std::string text = tree.text(file); !text.empty()) info.push_back({file, text});
  }
  tree.constant(kMetrics[kInfo], Labels(std::move(info)));
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    tree.number(kFiles[i], kMetrics[i], Labels{{"name", device}}, {.denied = NumberForm::Denied::passed_over});
  }
}

}  // namespace

std::unique_ptr<Part> make_watchdog_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/watchdog", "", kTexts, DeviceClass::Missing::absent, describe_watchdog});
}

std::span<const Metric> watchdog_metrics() { return kMetrics; }

}  // namespace sidewatch
