#include "collectors/container/network.h"

#include <algorithm>
#include <utility>

#include "collectors/container/series.h"

namespace sidewatch::container {
namespace {

// The columns of net/dev behind the name (proc(5)), in the order of the metrics: bytes, packets, errors and drops of
// what was received, then of what was sent.
constexpr std::size_t kColumns = 16;
constexpr std::array<std::size_t, kNetworkMetrics.size()> kWanted{0, 1, 2, 3, 8, 9, 10, 11};

bool is_left_out(std::string_view name) {
  return name == "lo" || name.starts_with("veth") || name.starts_with("docker");
}

}  // namespace

bool next_interface(std::string_view& rest, std::string_view& name, InterfaceCounts& counts) {
  std::string_view line;
  while (next_line(rest, line)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    name = trim(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    std::array<std::optional<std::uint64_t>, kColumns> columns;
    for (auto& column : columns) column = parse_u64(next_field(line));
    const bool whole = std::all_of(columns.begin(), columns.end(), [](const auto& column) { return column; });
    if (!whole || name.empty()) continue;
    for (std::size_t i = 0; i < kWanted.size(); ++i) counts[i] = *columns[kWanted[i]];
    return true;
  }
  return false;
}

NetworkPart::NetworkPart(Catalog& catalog, Labels labels, const ProcDir& process)
    : catalog_(catalog), labels_(std::move(labels)), file_(process, "net/dev") {}

void NetworkPart::sample(PassContext& pass) {
  ++pass_;
  const FileText text = file_.read(pass.buffer);
  report(pass, file_, text);
  std::string_view rest = text.text;
  std::string_view name;
  InterfaceCounts counts{};
  while (next_interface(rest, name, counts)) {
    if (is_left_out(name)) continue;
    const Interface* found = interface(name);
    if (found == nullptr) continue;
    for (std::size_t i = 0; i < counts.size(); ++i) pass.batch.add(found->series[i], static_cast<double>(counts[i]));
  }
}

const NetworkPart::Interface* NetworkPart::interface(std::string_view name) {
  const auto found =
      std::find_if(interfaces_.begin(), interfaces_.end(), [&](const Interface& one) { return one.name == name; });
  Interface* interface = found != interfaces_.end() ? &*found : place_for_another();
  if (interface == nullptr) return nullptr;
  interface->pass = pass_;
  if (interface->name == name) return interface;
  interface->name = name;
  interface->series = series_of(catalog_, kNetworkMetrics, labels_.with("interface", name));
  return interface;
}

// Where there is none, an interface that was not there in the pass before has left its own.
NetworkPart::Interface* NetworkPart::place_for_another() {
  if (interfaces_.size() < max_interfaces) return &interfaces_.emplace_back();
  const auto gone = std::find_if(interfaces_.begin(), interfaces_.end(),
                                 [&](const Interface& one) { return one.pass + 1 < pass_; });
  return gone == interfaces_.end() ? nullptr : &*gone;
}

}  // namespace sidewatch::container
