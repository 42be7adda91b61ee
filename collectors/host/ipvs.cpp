// Load balancing by the kernel (IPVS), from /proc/net/ip_vs_stats and /proc/net/ip_vs.
//
// The first has a line of totals below two lines of headings, in hexadecimal. The second has a line per service ("TCP
// C0A80016:0CEA wlc", or "FWM 10001000 wlc" for a firewall mark) and under it a line per backend: "-> C0A85216:0CEA
// Tunnel 100 248 2", which is weight, active and inactive connections. Addresses are hexadecimal (v4) or in brackets
// (v6).
#include <arpa/inet.h>

#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_ipvs_connections_total", MetricType::counter, "", "Connections made."},
    Metric{"node_ipvs_incoming_packets_total", MetricType::counter, "", "Packets that came in."},
    Metric{"node_ipvs_outgoing_packets_total", MetricType::counter, "", "Packets that went out."},
    Metric{"node_ipvs_incoming_bytes_total", MetricType::counter, "bytes", "Bytes that came in."},
    Metric{"node_ipvs_outgoing_bytes_total", MetricType::counter, "bytes", "Bytes that went out."},
    Metric{"node_ipvs_backend_weight", MetricType::gauge, "", "Weight of the backend."},
    Metric{"node_ipvs_backend_connections_active", MetricType::gauge, "", "Active connections to the backend."},
    Metric{"node_ipvs_backend_connections_inactive", MetricType::gauge, "", "Inactive connections to the backend."},
};
constexpr std::size_t kTotals = 5;
constexpr std::size_t kBackendNumbers = 3;

struct HostAndPort {
  std::string host;
  std::string port;
};

// "C0A80016:0CEA" or "[2001:0db8:...:0001]:0050".
std::optional<HostAndPort> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_hex(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const auto host = text.substr(0, colon);
  std::array<char, INET6_ADDRSTRLEN> words{};
  if (host.starts_with('[') && host.ends_with(']')) {
    in6_addr address{};
    if (::inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) != 1) return std::nullopt;
    ::inet_ntop(AF_INET6, &address, words.data(), words.size());
  } else {
    const auto number = parse_hex(host);
    if (!number || host.size() != 8) return std::nullopt;
    const in_addr address{htonl(static_cast<std::uint32_t>(*number))};
    ::inet_ntop(AF_INET, &address, words.data(), words.size());
  }
  return HostAndPort{words.data(), std::to_string(*port)};
}

struct IpvsBackend {
  bool understood = false;
  std::array<SeriesHandle, kBackendNumbers> series;
};

class IpvsPart final : public Part {
 public:
  explicit IpvsPart(HostSources& sources)
      : sources_(sources), totals_file_(sources.proc, "net/ip_vs_stats"), backends_file_(sources.proc, "net/ip_vs") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText totals = totals_file_.read(sources_.buffer);
    if (totals.status() == FileStatus::gone) return report.absent();
    if (!totals) return report.fail(totals_file_.error(totals));
    add_totals(totals.text, batch, report);
    const FileText backends = backends_file_.read(sources_.buffer);
    if (!backends) return report.partial(backends_file_.error(backends));
    add_backends(backends.text, batch, report);
    backends_.forget_untaken();
  }

 private:
  void add_totals(std::string_view text, Batch& batch, PartReport& report) {
    std::string_view line;
    for (int i = 0; i < 3; ++i) {
      if (!next_line(text, line)) return report.partial({"too short", sources_.proc.path() + "/net/ip_vs_stats"});
    }
    for (std::size_t i = 0; i < kTotals; ++i) {
      const auto value = parse_hex(next_field(line));
      if (!value) return report.partial({"totals not understood", sources_.proc.path() + "/net/ip_vs_stats"});
      if (!totals_[i]) totals_[i] = sources_.catalog.series(kMetrics[i], {});
      batch.add(totals_[i], static_cast<double>(*value));
    }
  }

  void add_backends(std::string_view text, Batch& batch, PartReport& report) {
    std::string_view protocol;
    std::string_view service;
    std::string_view line;
    while (next_line(text, line)) {
      auto rest = line;
      const auto word = next_field(rest);
      const auto second = next_field(rest);
      if (word == "TCP" || word == "UDP" || word == "SCTP" || word == "FWM") {
        protocol = word;
        service = second;
      } else if (word == "->" && second != "RemoteAddress:Port" && !protocol.empty()) {
        add_backend(protocol, service, second, rest, batch, report);
      }
    }
  }

  void add_backend(std::string_view protocol, std::string_view service, std::string_view remote, std::string_view rest,
                   Batch& batch, PartReport& report) {
    key_ = protocol;
    (key_ += ' ') += service;
    (key_ += ' ') += remote;
    IpvsBackend* backend = backends_.take(key_, [&] { return make_backend(protocol, service, remote); });
    if (backend == nullptr) return;
    next_field(rest);  // how packets are forwarded
    std::array<std::optional<std::uint64_t>, kBackendNumbers> numbers;
    for (auto& number : numbers) number = parse_u64(next_field(rest));
    if (!backend->understood || !numbers.back()) {
      return report.partial({"backend not understood: " + key_, sources_.proc.path() + "/net/ip_vs"});
    }
    for (std::size_t i = 0; i < kBackendNumbers; ++i) {
      if (numbers[i]) batch.add(backend->series[i], static_cast<double>(*numbers[i]));
    }
  }

  IpvsBackend make_backend(std::string_view protocol, std::string_view service, std::string_view remote) {
    IpvsBackend backend;
    const auto there = parse_endpoint(remote);
    const bool marked = protocol == "FWM";
    const auto here = marked ? std::optional(HostAndPort{"", "0"}) : parse_endpoint(service);
    backend.understood = there && here;
    if (!backend.understood) return backend;
    const Labels labels{{"local_address", here->host},   {"local_port", here->port},
                        {"remote_address", there->host}, {"remote_port", there->port},
                        {"proto", protocol},             {"local_mark", marked ? service : std::string_view()}};
    for (std::size_t i = 0; i < kBackendNumbers; ++i) {
      backend.series[i] = sources_.catalog.series(kMetrics[kTotals + i], labels);
    }
    return backend;
  }

  HostSources& sources_;
  ProcFile totals_file_;
  ProcFile backends_file_;
  std::array<SeriesHandle, kTotals> totals_;
  std::string key_;  // kept for its capacity
  KeyedSlots<IpvsBackend> backends_;
};

}  // namespace

std::unique_ptr<Part> make_ipvs_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<IpvsPart>(sources);
}

std::span<const Metric> ipvs_metrics() { return kMetrics; }

}  // namespace sidewatch
