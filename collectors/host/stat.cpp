// What /proc/stat says besides CPU times: boot time, forks, interrupts, context switches, running processes (proc(5)).
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_boot_time_seconds", MetricType::gauge, "seconds", "When the machine was started, in Unix time."},
    Metric{"node_context_switches_total", MetricType::counter, "", "Times that a core went from task to task."},
    Metric{"node_forks_total", MetricType::counter, "", "Processes and threads created since boot."},
    Metric{"node_intr_total", MetricType::counter, "", "Interrupts serviced."},
    Metric{"node_procs_blocked", MetricType::gauge, "", "Tasks that wait for I/O and cannot be interrupted."},
    Metric{"node_procs_running", MetricType::gauge, "", "Tasks that run or wait for a core."},
};

// The key of each metric, in the order above.
constexpr std::array<std::string_view, kMetrics.size()> kKeys{"btime", "ctxt",          "processes",
                                                              "intr",  "procs_blocked", "procs_running"};

class StatPart final : public Part {
 public:
  explicit StatPart(HostSources& sources) : sources_(sources), series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = sources_.stat.read(sources_.pass);
    if (!file) return report.fail(sources_.stat.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    std::size_t found = 0;
    while (next_line(rest, line)) {
      const auto key = next_field(line);
      for (std::size_t i = 0; i < kKeys.size(); ++i) {
        if (key != kKeys[i]) continue;
        const auto value = parse_u64(next_field(line));
        if (!value) break;
        batch.add(series_[i], static_cast<double>(*value));
        ++found;
      }
    }
    if (found < kKeys.size()) report.partial({"some of the counters are missing", sources_.proc.path() + "/stat"});
  }

 private:
  HostSources& sources_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_stat_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<StatPart>(sources);
}

std::span<const Metric> stat_metrics() { return kMetrics; }

}  // namespace sidewatch
