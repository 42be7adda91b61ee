// Pressure stall information: time that tasks waited for CPU, memory, disk or interrupts, from /proc/pressure
// (Linux Documentation/accounting/psi.rst). "some": at least one task waited; "full": all of them, so nothing got on.
// Absent where the kernel was built or started without it.
#include <array>
#include <cerrno>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_pressure_cpu_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task waited for a core."},
    Metric{"node_pressure_io_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task waited for I/O."},
    Metric{"node_pressure_io_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which every task waited for I/O."},
    Metric{"node_pressure_memory_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task waited for memory."},
    Metric{"node_pressure_memory_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which every task waited for memory."},
    Metric{"node_pressure_irq_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which interrupts kept every task from getting on."},
};

// Which line of which file each metric is.
struct Source {
  std::size_t file;
  std::string_view line;
};
constexpr std::array<const char*, 4> kFiles{"pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq"};
constexpr std::array<Source, kMetrics.size()> kSources{
    Source{0, "some"}, Source{1, "some"}, Source{1, "full"}, Source{2, "some"}, Source{2, "full"}, Source{3, "full"}};
constexpr std::size_t kIrq = 3;  // since Linux 6.1, where interrupt time is accounted
constexpr double kMicrosecondsPerSecond = 1e6;

// The total of the line that starts with `wanted`: "some avg10=0.00 avg60=0.00 avg300=0.00 total=4382581".
std::optional<double> parse_total(std::string_view text, std::string_view wanted) {
  std::string_view line;
  while (next_line(text, line)) {
    if (next_field(line) != wanted) continue;
    for (auto field = next_field(line); !field.empty(); field = next_field(line)) {
      if (!field.starts_with("total=")) continue;
      const auto total = parse_u64(field.substr(6));
      return total ? std::optional(static_cast<double>(*total) / kMicrosecondsPerSecond) : std::nullopt;
    }
  }
  return std::nullopt;
}

class PressurePart final : public Part {
 public:
  explicit PressurePart(HostSources& sources) : sources_(sources), series_(make_series(sources.catalog, kMetrics)) {
    for (const char* name : kFiles) files_.emplace_back(sources.proc, name);
  }

  void sample(Batch& batch, PartReport& report) override {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const FileText file = files_[i].read(sources_.buffer);
      const bool not_there = file.status() == FileStatus::gone || file.error_number == EOPNOTSUPP;
      if (not_there && i == kIrq) return;
      if (not_there) return report.absent();
      if (!file) return report.fail(files_[i].error(file));
      add(i, file.text, batch, report);
    }
  }

 private:
  void add(std::size_t file, std::string_view text, Batch& batch, PartReport& report) {
    for (std::size_t i = 0; i < kSources.size(); ++i) {
      if (kSources[i].file != file) continue;
      if (const auto seconds = parse_total(text, kSources[i].line)) {
        batch.add(series_[i], *seconds);
      } else {
        report.partial({"no total for '" + std::string(kSources[i].line) + "'",
                        sources_.proc.path() + "/" + files_[file].name()});
      }
    }
  }

  HostSources& sources_;
  std::vector<ProcFile> files_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_pressure_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<PressurePart>(sources);
}

std::span<const Metric> pressure_metrics() { return kMetrics; }

}  // namespace sidewatch
