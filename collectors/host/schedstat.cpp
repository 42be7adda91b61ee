// How long each core ran tasks and how long tasks waited for it, from /proc/schedstat (Documentation/scheduler/
// sched-stats.rst): of a line "cpuN ..." the last three numbers. Absent where the kernel does not count.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_schedstat_running_seconds_total", MetricType::counter, "seconds", "Time that tasks ran on this core."},
    Metric{"node_schedstat_waiting_seconds_total", MetricType::counter, "seconds",
           "Time that tasks, ready to run, waited for this core."},
    Metric{"node_schedstat_timeslices_total", MetricType::counter, "", "Time slices that ran on this core."},
};

constexpr std::size_t kSkippedFields = 6;
constexpr double kNanoseconds = 1e9;

using Values = std::array<double, kMetrics.size()>;

// What stands after "cpuN" in a line; nothing when it is torn.
std::optional<Values> parse_core(std::string_view fields) {
  for (std::size_t i = 0; i < kSkippedFields; ++i) next_field(fields);
  Values values{};
  for (double& value : values) {
    const auto number = parse_u64(next_field(fields));
    if (!number) return std::nullopt;
    value = static_cast<double>(*number);
  }
  values[0] /= kNanoseconds;
  values[1] /= kNanoseconds;
  return values;
}

class SchedstatPart final : public Part {
 public:
  explicit SchedstatPart(HostSources& sources) : sources_(sources), file_(sources.proc, "schedstat") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return file.status() == FileStatus::gone ? report.absent() : report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const std::string_view whole = line;
      const auto name = next_field(line);
      if (!name.starts_with("cpu") || !parse_u64(name.substr(3))) continue;  // "version", "timestamp", "domain0"
      if (const auto values = parse_core(line)) {
        add(name.substr(3), *values, batch);
      } else {
        report.partial({"line not understood: " + std::string(whole), sources_.proc.path() + "/schedstat"});
      }
    }
    cores_.forget_untaken();
  }

 private:
  using Core = std::array<SeriesHandle, kMetrics.size()>;

  void add(std::string_view cpu, const Values& values, Batch& batch) {
    const Core* core = cores_.take(cpu, [&] { return make_series(sources_.catalog, kMetrics, Labels{{"cpu", cpu}}); });
    if (core == nullptr) return;
    for (std::size_t i = 0; i < values.size(); ++i) batch.add((*core)[i], values[i]);
  }

  HostSources& sources_;
  ProcFile file_;
  KeyedSlots<Core> cores_;
};

}  // namespace

std::unique_ptr<Part> make_schedstat_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<SchedstatPart>(sources);
}

std::span<const Metric> schedstat_metrics() { return kMetrics; }

}  // namespace sidewatch
