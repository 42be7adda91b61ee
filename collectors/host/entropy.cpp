// The kernel's entropy pool, from /proc/sys/kernel/random (random(4)).
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_entropy_available_bits", MetricType::gauge, "bits", "Entropy that the kernel has gathered."},
    Metric{"node_entropy_pool_size_bits", MetricType::gauge, "bits", "Entropy that the kernel's pool can hold."},
};

class EntropyPart final : public Part {
 public:
  explicit EntropyPart(HostSources& sources)
      : sources_(sources),
        files_{ProcFile(sources.proc, "sys/kernel/random/entropy_avail"),
               ProcFile(sources.proc, "sys/kernel/random/poolsize")},
        series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const FileText file = files_[i].read(sources_.buffer);
      if (!file) return file.status() == FileStatus::gone ? report.absent() : report.fail(files_[i].error(file));
      const auto bits = parse_u64(first_line(file.text));
      if (!bits) return report.fail({"a number is expected", sources_.proc.path() + "/" + files_[i].name()});
      batch.add(series_[i], static_cast<double>(*bits));
    }
  }

 private:
  HostSources& sources_;
  std::array<ProcFile, kMetrics.size()> files_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_entropy_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<EntropyPart>(sources);
}

std::span<const Metric> entropy_metrics() { return kMetrics; }

}  // namespace sidewatch
