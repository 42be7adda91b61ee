// Whether SELinux guards this machine: its filesystem is mounted under /sys/fs/selinux or it is not there. How it is
// meant to be stands in /etc/selinux/config.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_selinux_enabled", MetricType::gauge, "", "Whether SELinux is on."},
    Metric{"node_selinux_config_mode", MetricType::gauge, "",
           "The configured mode: 1 enforcing, 0 permissive, -1 disabled."},
    Metric{"node_selinux_current_mode", MetricType::gauge, "", "The mode now: 1 enforcing, 0 permissive."},
};

// The value of SELINUX= as a number.
std::optional<double> configured_mode(std::string_view config) {
  std::string_view line;
  while (next_line(config, line)) {
    line = trim(line);
    if (!line.starts_with("SELINUX=")) continue;
    const auto mode = trim(line.substr(8));
    if (mode == "enforcing") return 1;
    if (mode == "permissive") return 0;
    if (mode == "disabled") return -1;
  }
  return std::nullopt;
}

class SelinuxPart final : public Part {
 public:
  explicit SelinuxPart(HostSources& sources)
      : sources_(sources),
        root_(sources.rootfs + "/"),
        enforce_(sources.sys, "fs/selinux/enforce"),
        series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText enforce = enforce_.read(sources_.buffer);
    if (enforce.status() == FileStatus::gone) return batch.add(series_[0], 0);
    if (!enforce) return report.fail(enforce_.error(enforce));
    const auto mode = parse_u64(trim(enforce.text));
    if (!mode) return report.fail({"a number is expected", sources_.sys.path() + "/" + enforce_.name()});
    batch.add(series_[0], 1);
    batch.add(series_[2], static_cast<double>(*mode));
    const FileText config = root_.read("etc/selinux/config", sources_.buffer);
    if (const auto configured = configured_mode(config.text)) batch.add(series_[1], *configured);
  }

 private:
  HostSources& sources_;
  ProcDir root_;
  ProcFile enforce_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_selinux_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<SelinuxPart>(sources);
}

std::span<const Metric> selinux_metrics() { return kMetrics; }

}  // namespace sidewatch
