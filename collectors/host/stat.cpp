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
    Metric{"node_softirqs_total", MetricType::counter, "",
           "Soft interrupts serviced, by vector; only with `stat: {softirqs: true}`."},
};

// The key of each metric but the last, in the order above.
constexpr std::size_t kSoftirqs = kMetrics.size() - 1;
constexpr std::array<std::string_view, kSoftirqs> kKeys{"btime", "ctxt",          "processes",
                                                        "intr",  "procs_blocked", "procs_running"};

// The columns of the line "softirq", after their sum.
constexpr std::array<std::string_view, 10> kVectors{"hi",           "timer",   "net_tx", "net_rx",  "block",
                                                    "block_iopoll", "tasklet", "sched",  "hrtimer", "rcu"};

class StatPart final : public Part {
 public:
  StatPart(HostSources& sources, bool softirqs) : sources_(sources) {
    for (std::size_t i = 0; i < kKeys.size(); ++i) series_[i] = sources.catalog.series(kMetrics[i], {});
    if (!softirqs) return;
    for (const std::string_view vector : kVectors) {
      softirqs_.push_back(sources.catalog.series(kMetrics[kSoftirqs], Labels{{"vector", vector}}));
    }
  }

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
      if (key == "softirq") add_softirqs(line, batch);
    }
    if (found < kKeys.size()) report.partial({"some of the counters are missing", sources_.proc.path() + "/stat"});
  }

 private:
  void add_softirqs(std::string_view columns, Batch& batch) {
    next_field(columns);  // their sum
    for (const SeriesHandle& series : softirqs_) {
      const auto count = parse_u64(next_field(columns));
      if (count) batch.add(series, static_cast<double>(*count));
    }
  }

  HostSources& sources_;
  std::array<SeriesHandle, kKeys.size()> series_;
  std::vector<SeriesHandle> softirqs_;  // none: they are not wanted
};

}  // namespace

std::unique_ptr<Part> make_stat_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<StatPart>(sources, config.softirqs);
}

std::span<const Metric> stat_metrics() { return kMetrics; }

}  // namespace sidewatch
