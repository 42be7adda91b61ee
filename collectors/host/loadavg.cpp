// Load averages, from /proc/loadavg (proc(5)).
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_load1", MetricType::gauge, "", "Tasks running, ready or waiting for disk, averaged over 1 minute."},
    Metric{"node_load5", MetricType::gauge, "", "Tasks running, ready or waiting for disk, averaged over 5 minutes."},
    Metric{"node_load15", MetricType::gauge, "", "Tasks running, ready or waiting for disk, averaged over 15 minutes."},
};

using Loads = std::array<double, kMetrics.size()>;

std::optional<Loads> parse_loads(std::string_view text) {
  std::string_view line;
  if (!next_line(text, line)) return std::nullopt;
  Loads loads{};
  for (double& load : loads) {
    const auto value = parse_double(next_field(line));
    if (!value || *value < 0) return std::nullopt;
    load = *value;
  }
  return loads;
}

class LoadavgPart final : public Part {
 public:
  explicit LoadavgPart(HostSources& sources)
      : sources_(sources), file_(sources.proc, "loadavg"), series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return report.fail(file_.error(file));
    const auto loads = parse_loads(file.text);
    if (!loads) return report.fail({"three load averages are expected", sources_.proc.path() + "/loadavg"});
    for (std::size_t i = 0; i < series_.size(); ++i) batch.add(series_[i], (*loads)[i]);
  }

 private:
  HostSources& sources_;
  ProcFile file_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_loadavg_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<LoadavgPart>(sources);
}

std::span<const Metric> loadavg_metrics() { return kMetrics; }

}  // namespace sidewatch
