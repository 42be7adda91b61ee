// Open file descriptors of the whole machine, from /proc/sys/fs/file-nr (proc(5)): allocated, 0, maximum.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_filefd_allocated", MetricType::gauge, "", "File handles that the kernel has allocated."},
    Metric{"node_filefd_maximum", MetricType::gauge, "", "File handles that the kernel would allocate at most."},
};

class FilefdPart final : public Part {
 public:
  explicit FilefdPart(HostSources& sources)
      : sources_(sources), file_(sources.proc, "sys/fs/file-nr"), series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    next_line(rest, line);
    const auto allocated = parse_u64(next_field(line));
    next_field(line);
    const auto maximum = parse_u64(next_field(line));
    if (!allocated || !maximum) {
      return report.fail({"three numbers are expected", sources_.proc.path() + "/sys/fs/file-nr"});
    }
    batch.add(series_[0], static_cast<double>(*allocated));
    batch.add(series_[1], static_cast<double>(*maximum));
  }

 private:
  HostSources& sources_;
  ProcFile file_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_filefd_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<FilefdPart>(sources);
}

std::span<const Metric> filefd_metrics() { return kMetrics; }

}  // namespace sidewatch
