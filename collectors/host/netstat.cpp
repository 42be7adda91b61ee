// Counters of IP, TCP, UDP and ICMP, from /proc/net/snmp, /proc/net/netstat (pairs of lines: names, numbers) and
// /proc/net/snmp6 (a name and a number per line): those whose Protocol_Name `netstat.fields` finds.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_netstat_*", MetricType::untyped, "", "The number that the kernel gives for this protocol and name."},
};

struct Field {
  SeriesHandle series;  // empty when the field is not wanted
};

// Calls `visit(index of the field in the line, protocol, name, number)` for each field of a pair of lines.
template <class Visit>
bool visit_pair(std::string_view names, std::string_view numbers, Visit&& visit) {
  const auto protocol = next_field(names);
  if (protocol.size() < 2 || protocol.back() != ':' || next_field(numbers) != protocol) return false;
  for (auto name = next_field(names); !name.empty(); name = next_field(names)) {
    const auto number = parse_i64(next_field(numbers));
    if (!number) return false;
    visit(protocol.substr(0, protocol.size() - 1), name, static_cast<double>(*number));
  }
  return true;
}

// "Ip6InOctets 128": the protocol ends with the first 6.
template <class Visit>
bool visit_line_of_six(std::string_view line, Visit&& visit) {
  const auto name = next_field(line);
  const auto six = name.find('6');
  const auto number = parse_i64(next_field(line));
  if (six == std::string_view::npos || !number) return false;
  visit(name.substr(0, six + 1), name.substr(six + 1), static_cast<double>(*number));
  return true;
}

class NetstatPart final : public Part {
 public:
  NetstatPart(HostSources& sources, const Regex& fields)
      : sources_(sources), wanted_(fields), netstat_(sources.proc, "net/netstat"), snmp_(sources.proc, "net/snmp"),
        snmp6_(sources.proc, "net/snmp6") {}

  void sample(Batch& batch, PartReport& report) override {
    sample_pairs(netstat_, netstat_fields_, batch, report);
    sample_pairs(snmp_, snmp_fields_, batch, report);
    sample_six(batch, report);
  }

 private:
  using Fields = std::vector<Field>;

  void sample_pairs(ProcFile& file, KeyedSlots<Fields>& kept, Batch& batch, PartReport& report) {
    const FileText text = file.read(sources_.buffer);
    if (!text) return report.fail(file.error(text));
    std::string_view rest = text.text;
    std::string_view names;
    std::string_view numbers;
    while (next_line(rest, names) && next_line(rest, numbers)) {
      // The line of names is the key: while it is the same, fields are known by their place in it.
      Fields* fields = kept.take(names, [] { return Fields{}; });
      if (fields == nullptr) continue;
      std::size_t index = 0;
      const bool understood = visit_pair(names, numbers, [&](auto protocol, auto name, double number) {
        if (index == fields->size()) fields->push_back(make_field(protocol, name));
        batch.add((*fields)[index++].series, number);
      });
      if (!understood) {
        report.partial({"line not understood: " + std::string(numbers), sources_.proc.path() + "/" + file.name()});
      }
    }
    kept.forget_untaken();
    if (kept.size() == 0) report.fail({"no counters were found", sources_.proc.path() + "/" + file.name()});
  }

  void sample_six(Batch& batch, PartReport& report) {
    const FileText text = snmp6_.read(sources_.buffer);
    if (text.status() == FileStatus::gone) return;  // no IPv6
    if (!text) return report.fail(snmp6_.error(text));
    std::string_view rest = text.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const bool understood = visit_line_of_six(line, [&](auto protocol, auto name, double number) {
        const auto key = std::string_view(protocol.data(), protocol.size() + name.size());
        const Field* field = snmp6_fields_.take(key, [&] { return make_field(protocol, name); });
        if (field != nullptr) batch.add(field->series, number);
      });
      if (!understood) {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/net/snmp6"});
      }
    }
    snmp6_fields_.forget_untaken();
  }

  Field make_field(std::string_view protocol, std::string_view name) {
    const std::string key = legal_name(protocol) + "_" + legal_name(name);
    if (!wanted_.partial_match(key)) return {};
    const std::string help = "The number that the kernel gives for " + std::string(name) + " of " +
                             std::string(protocol) + ".";
    return {sources_.catalog.series({"node_netstat_" + key, kMetrics[0].type, "", help}, {})};
  }

  HostSources& sources_;
  Regex wanted_;
  ProcFile netstat_;
  ProcFile snmp_;
  ProcFile snmp6_;
  KeyedSlots<Fields> netstat_fields_;
  KeyedSlots<Fields> snmp_fields_;
  KeyedSlots<Field> snmp6_fields_;
};

}  // namespace

std::unique_ptr<Part> make_netstat_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<NetstatPart>(sources, config.netstat_fields);
}

std::span<const Metric> netstat_metrics() { return kMetrics; }

}  // namespace sidewatch
