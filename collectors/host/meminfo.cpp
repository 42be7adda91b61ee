// Memory and swap: every key of /proc/meminfo (proc(5)) becomes a metric, so a newer kernel's keys need no change here.
//
// "Active(anon):  12 kB" becomes node_memory_Active_anon_bytes 12288; a key without a unit keeps its name and number.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_memory_*_bytes", MetricType::gauge, "bytes", "The amount that /proc/meminfo gives for this key."},
    Metric{"node_memory_*", MetricType::gauge, "", "The number that /proc/meminfo gives for this key."},
};

struct MemoryLine {
  std::string_view key;  // as in the file: "Active(anon)"
  double value = 0;
  bool in_bytes = false;
};

std::optional<MemoryLine> parse_memory_line(std::string_view line) {
  MemoryLine memory;
  memory.key = next_field(line);
  if (memory.key.size() < 2 || memory.key.back() != ':') return std::nullopt;
  memory.key.remove_suffix(1);
  const auto value = parse_u64(next_field(line));
  const auto unit = next_field(line);
  if (!value || (!unit.empty() && unit != "kB")) return std::nullopt;
  memory.in_bytes = !unit.empty();
  memory.value = static_cast<double>(*value) * (memory.in_bytes ? 1024 : 1);
  return memory;
}

// "Active(anon)" -> "Active_anon".
std::string metric_key(std::string_view key) {
  std::string name = legal_name(key);
  while (!name.empty() && name.back() == '_' && key.back() == ')') {
    name.pop_back();
    key.remove_suffix(1);
  }
  return name;
}

SeriesHandle make_memory_series(Catalog& catalog, const MemoryLine& line) {
  const std::string name = "node_memory_" + metric_key(line.key) + (line.in_bytes ? "_bytes" : "");
  const std::string what = line.in_bytes ? "The amount" : "The number";
  const std::string help = what + " that /proc/meminfo gives for " + std::string(line.key) + ".";
  return catalog.series({name, MetricType::gauge, line.in_bytes ? "bytes" : "", help}, {});
}

class MeminfoPart final : public Part {
 public:
  explicit MeminfoPart(HostSources& sources) : sources_(sources), file_(sources.proc, "meminfo") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const auto memory = parse_memory_line(line);
      if (!memory) {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/meminfo"});
        continue;
      }
      const auto* series = series_.take(memory->key, [&] { return make_memory_series(sources_.catalog, *memory); });
      if (series != nullptr) batch.add(*series, memory->value);
    }
    series_.forget_untaken();
    if (series_.size() == 0) report.fail({"no key was found", sources_.proc.path() + "/meminfo"});
  }

 private:
  HostSources& sources_;
  ProcFile file_;
  KeyedSlots<SeriesHandle> series_;
};

}  // namespace

std::unique_ptr<Part> make_meminfo_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<MeminfoPart>(sources);
}

std::span<const Metric> meminfo_metrics() { return kMetrics; }

}  // namespace sidewatch
