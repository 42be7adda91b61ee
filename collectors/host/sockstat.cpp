// Sockets in use, from /proc/net/sockstat and /proc/net/sockstat6: lines of a protocol and pairs of name and number.
//
// Memory is given in pages ("mem"): node_sockstat_TCP_mem keeps that number, node_sockstat_TCP_mem_bytes converts it.
#include <unistd.h>

#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_sockstat_*", MetricType::gauge, "", "The number that the kernel gives for this protocol and name."},
    Metric{"node_sockstat_*_bytes", MetricType::gauge, "bytes", "Memory of this protocol's sockets."},
};

constexpr std::string_view kPages = "mem";

struct Pair {
  SeriesHandle series;
  SeriesHandle bytes;  // of "mem" only
};

class SockstatPart final : public Part {
 public:
  explicit SockstatPart(HostSources& sources)
      : sources_(sources), page_bytes_(static_cast<double>(::sysconf(_SC_PAGESIZE))),
        files_{File{ProcFile(sources.proc, "net/sockstat"), {}}, File{ProcFile(sources.proc, "net/sockstat6"), {}}} {}

  void sample(Batch& batch, PartReport& report) override {
    std::size_t present = 0;
    for (File& file : files_) {
      const FileText text = file.file.read(sources_.buffer);
      if (text.status() == FileStatus::gone) continue;  // sockstat6: no IPv6
      if (!text) return report.fail(file.file.error(text));
      ++present;
      sample_file(file, text.text, batch, report);
    }
    if (present == 0) report.absent();
  }

 private:
  struct File {
    ProcFile file;
    KeyedSlots<std::vector<Pair>> lines;  // by protocol
  };

  void sample_file(File& file, std::string_view rest, Batch& batch, PartReport& report) {
    std::string_view line;
    while (next_line(rest, line)) {
      if (!sample_line(file, line, batch)) {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/" + file.file.name()});
      }
    }
    file.lines.forget_untaken();
  }

  // "TCP: inuse 4 orphan 0 tw 0 alloc 4 mem 105".
  bool sample_line(File& file, std::string_view line, Batch& batch) {
    auto protocol = next_field(line);
    if (protocol.size() < 2 || protocol.back() != ':') return false;
    protocol.remove_suffix(1);
    auto* pairs = file.lines.take(protocol, [] { return std::vector<Pair>{}; });
    if (pairs == nullptr) return false;
    std::size_t index = 0;
    for (auto name = next_field(line); !name.empty(); name = next_field(line), ++index) {
      const auto number = parse_i64(next_field(line));
      if (!number) return false;
      if (index == pairs->size()) pairs->push_back(make_pair(protocol, name));
      const Pair& pair = (*pairs)[index];
      batch.add(pair.series, static_cast<double>(*number));
      batch.add(pair.bytes, static_cast<double>(*number) * page_bytes_);
    }
    return true;
  }

  Pair make_pair(std::string_view protocol, std::string_view name) {
    const std::string key = "node_sockstat_" + legal_name(protocol) + "_" + legal_name(name);
    const std::string of = std::string(name) + " of " + std::string(protocol) + " sockets";
    Pair pair;
    pair.series = sources_.catalog.series({key, MetricType::gauge, "", "The kernel's number for " + of + "."}, {});
    if (name == kPages) {
      pair.bytes = sources_.catalog.series(
          {key + "_bytes", MetricType::gauge, "bytes", "The kernel's number for " + of + ", in bytes."}, {});
    }
    return pair;
  }

  HostSources& sources_;
  double page_bytes_;
  std::array<File, 2> files_;
};

}  // namespace

std::unique_ptr<Part> make_sockstat_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<SockstatPart>(sources);
}

std::span<const Metric> sockstat_metrics() { return kMetrics; }

}  // namespace sidewatch
