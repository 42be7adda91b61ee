// Packets handled per core by the network stack, from /proc/net/softnet_stat: hexadecimal columns, a line per core.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_softnet_processed_total", MetricType::counter, "", "Packets that this core processed."},
    Metric{"node_softnet_dropped_total", MetricType::counter, "", "Packets dropped because the core's queue was full."},
    Metric{"node_softnet_times_squeezed_total", MetricType::counter, "",
           "Times that packets were left because the time for them was over."},
};

constexpr std::size_t kCpuColumn = 12;  // since Linux 5.10; before, a line's place is its core

struct SoftnetLine {
  std::array<double, kMetrics.size()> values{};
  std::uint64_t cpu = 0;
};

std::optional<SoftnetLine> parse_softnet_line(std::string_view line, std::uint64_t place) {
  SoftnetLine softnet;
  softnet.cpu = place;
  std::size_t column = 0;
  for (auto field = next_field(line); !field.empty(); field = next_field(line), ++column) {
    const auto value = parse_hex(field);
    if (!value) return std::nullopt;
    if (column < softnet.values.size()) softnet.values[column] = static_cast<double>(*value);
    if (column == kCpuColumn) softnet.cpu = *value;
  }
  return column >= softnet.values.size() ? std::optional(softnet) : std::nullopt;
}

class SoftnetPart final : public Part {
 public:
  explicit SoftnetPart(HostSources& sources) : sources_(sources), file_(sources.proc, "net/softnet_stat") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return file.status() == FileStatus::gone ? report.absent() : report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    for (std::uint64_t place = 0; next_line(rest, line); ++place) {
      if (const auto softnet = parse_softnet_line(line, place)) {
        add(*softnet, batch);
      } else {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/net/softnet_stat"});
      }
    }
    cores_.forget_untaken();
  }

 private:
  using Core = std::array<SeriesHandle, kMetrics.size()>;

  void add(const SoftnetLine& line, Batch& batch) {
    const std::string cpu = std::to_string(line.cpu);  // short: within the string itself
    const Core* core = cores_.take(cpu, [&] { return make_series(sources_.catalog, kMetrics, Labels{{"cpu", cpu}}); });
    if (core == nullptr) return;
    for (std::size_t i = 0; i < core->size(); ++i) batch.add((*core)[i], line.values[i]);
  }

  HostSources& sources_;
  ProcFile file_;
  KeyedSlots<Core> cores_;
};

}  // namespace

std::unique_ptr<Part> make_softnet_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<SoftnetPart>(sources);
}

std::span<const Metric> softnet_metrics() { return kMetrics; }

}  // namespace sidewatch
