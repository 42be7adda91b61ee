// What waits in the queues of UDP sockets, summed over all of them: /proc/net/{udp,udp6}, a line per socket, in which
// the fifth field is "tx:rx" in hexadecimal bytes.
//
// A full receive queue means that its program does not keep up; the kernel throws away what comes next.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_udp_queues", MetricType::gauge, "", "Bytes that wait in the queues of UDP sockets."},
};

constexpr std::size_t kQueueField = 4;

struct Queues {
  double sent = 0;
  double received = 0;
};

bool add_socket(std::string_view line, Queues& queues) {
  std::string_view field = next_field(line);
  for (std::size_t i = 0; i < kQueueField; ++i) field = next_field(line);
  const auto colon = field.find(':');
  if (colon == std::string_view::npos) return false;
  const auto sent = parse_hex(field.substr(0, colon));
  const auto received = parse_hex(field.substr(colon + 1));
  if (!sent || !received) return false;
  queues.sent += static_cast<double>(*sent);
  queues.received += static_cast<double>(*received);
  return true;
}

class UdpQueuesPart final : public Part {
 public:
  explicit UdpQueuesPart(HostSources& sources)
      : sources_(sources), tables_{Table(sources, "net/udp", "v4"), Table(sources, "net/udp6", "v6")} {}

  void sample(Batch& batch, PartReport& report) override {
    bool any = false;
    for (Table& table : tables_) {
      const FileText file = table.file.read(sources_.buffer);
      if (file.status() == FileStatus::gone) continue;  // a kernel without this protocol
      if (!file) return report.fail(table.file.error(file));
      any = true;
      add(table, file.text, batch, report);
    }
    if (!any) report.absent();
  }

 private:
  struct Table {
    Table(HostSources& sources, const char* name, const char* ip)
        : file(sources.proc, name),
          sent(sources.catalog.series(kMetrics[0], Labels{{"queue", "tx"}, {"ip", ip}})),
          received(sources.catalog.series(kMetrics[0], Labels{{"queue", "rx"}, {"ip", ip}})) {}
    ProcFile file;
    SeriesHandle sent;
    SeriesHandle received;
  };

  void add(const Table& table, std::string_view text, Batch& batch, PartReport& report) const {
    Queues queues;
    std::string_view line;
    next_line(text, line);  // the headings
    while (next_line(text, line)) {
      if (!add_socket(line, queues)) {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/" + table.file.name()});
      }
    }
    batch.add(table.sent, queues.sent);
    batch.add(table.received, queues.received);
  }

  HostSources& sources_;
  std::array<Table, 2> tables_;
};

}  // namespace

std::unique_ptr<Part> make_udp_queues_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<UdpQueuesPart>(sources);
}

std::span<const Metric> udp_queues_metrics() { return kMetrics; }

}  // namespace sidewatch
