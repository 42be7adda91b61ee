// Load balancing by the kernel (IPVS), from /proc/net/ip_vs_stats and /proc/net/ip_vs.
//
// The first has a line of totals below two lines of headings, in hexadecimal. The second has a line per service ("TCP
// C0A80016:0CEA wlc", or "FWM 10001000 wlc" for a firewall mark) and under it a line per backend: "-> C0A85216:0CEA
// Tunnel 100 248 2", which is weight, active and inactive connections. Addresses are hexadecimal (v4) or in brackets
// (v6). Backends that are alike in the labels of the configuration are added up.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <memory>

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

// What backends with the same labels have together.
struct BackendSum {
  Labels labels;
  std::array<SeriesHandle, kBackendNumbers> series;
  std::array<double, kBackendNumbers> numbers{};
  bool pending = false;  // not yet written in this pass
};

struct IpvsBackend {
  std::shared_ptr<BackendSum> sum;  // null: its line is not understood
};

class IpvsPart final : public Part {
 public:
  IpvsPart(HostSources& sources, std::vector<std::string> labels)
      : sources_(sources), labels_(std::move(labels)), totals_file_(sources.proc, "net/ip_vs_stats"), backends_file_(sources.proc, "net/ip_vs") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText totals = totals_file_.read(sources_.buffer);
    if (totals.status() == FileStatus::gone) return report.absent();
    if (!totals) return report.fail(totals_file_.error(totals));
    add_totals(totals.text, batch, report);
    const FileText backends = backends_file_.read(sources_.buffer);
    if (!backends) return report.partial(backends_file_.error(backends));
    add_backends(backends.text, report);
    backends_.forget_untaken();
    backends_.for_each([&](IpvsBackend& backend) {
      if (backend.sum && std::exchange(backend.sum->pending, false)) write(*backend.sum, batch);
    });
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

  void add_backends(std::string_view text, PartReport& report) {
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
        add_backend(protocol, service, second, rest, report);
      }
    }
  }

  void add_backend(std::string_view protocol, std::string_view service, std::string_view remote, std::string_view rest,
                   PartReport& report) {
    key_ = protocol;
    (key_ += ' ') += service;
    (key_ += ' ') += remote;
    IpvsBackend* backend = backends_.take(key_, [&] { return make_backend(protocol, service, remote); });
    if (backend == nullptr) return;
    next_field(rest);  // how packets are forwarded
    std::array<double, kBackendNumbers> numbers{};
    bool understood = backend->sum != nullptr;
    for (double& number : numbers) {
      const auto value = parse_u64(next_field(rest));
      understood = understood && value;
      number = static_cast<double>(value.value_or(0));
    }
    if (!understood) return report.partial({"backend not understood: " + key_, sources_.proc.path() + "/net/ip_vs"});
    BackendSum& sum = *backend->sum;
    if (!std::exchange(sum.pending, true)) sum.numbers = {};
    for (std::size_t i = 0; i < kBackendNumbers; ++i) sum.numbers[i] += numbers[i];
  }

  static void write(const BackendSum& sum, Batch& batch) {
    for (std::size_t i = 0; i < kBackendNumbers; ++i) batch.add(sum.series[i], sum.numbers[i]);
  }

  IpvsBackend make_backend(std::string_view protocol, std::string_view service, std::string_view remote) {
    const auto there = parse_endpoint(remote);
    const bool marked = protocol == "FWM";
    const auto here = marked ? std::optional(HostAndPort{"", "0"}) : parse_endpoint(service);
    if (!there || !here) return {};
    const std::array<std::string_view, kIpvsBackendLabels.size()> values{  // in the order of those labels
        here->host, here->port, there->host, there->port, protocol, marked ? service : std::string_view()};
    std::vector<Label> labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool wanted = std::find(labels_.begin(), labels_.end(), kIpvsBackendLabels[i]) != labels_.end();
      if (wanted) labels.push_back({std::string(kIpvsBackendLabels[i]), std::string(values[i])});
    }
    return {sum_with(Labels(std::move(labels)))};
  }

  std::shared_ptr<BackendSum> sum_with(Labels labels) {
    std::shared_ptr<BackendSum> sum;
    backends_.for_each([&](const IpvsBackend& backend) {
      if (backend.sum && backend.sum->labels == labels) sum = backend.sum;
    });
    if (sum) return sum;
    sum = std::make_shared<BackendSum>();
    sum->labels = std::move(labels);
    for (std::size_t i = 0; i < kBackendNumbers; ++i) {
      sum->series[i] = sources_.catalog.series(kMetrics[kTotals + i], sum->labels);
    }
    return sum;
  }

  HostSources& sources_;
  std::vector<std::string> labels_;
  ProcFile totals_file_;
  ProcFile backends_file_;
  std::array<SeriesHandle, kTotals> totals_;
  std::string key_;  // kept for its capacity
  KeyedSlots<IpvsBackend> backends_;
};

}  // namespace

std::unique_ptr<Part> make_ipvs_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<IpvsPart>(sources, config.ipvs_backend_labels);
}

std::span<const Metric> ipvs_metrics() { return kMetrics; }

}  // namespace sidewatch
