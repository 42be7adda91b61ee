// Counters of the memory manager, from /proc/vmstat (proc(5)): the keys that `vmstat.fields` finds.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_vmstat_*", MetricType::untyped, "", "The number that /proc/vmstat gives for this key."},
};

struct Field {
  SeriesHandle series;  // empty when the key is not wanted
};

class VmstatPart final : public Part {
 public:
  VmstatPart(HostSources& sources, const Regex& fields)
      : sources_(sources), wanted_(fields), file_(sources.proc, "vmstat") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const auto key = next_field(line);
      const Field* field = fields_.take(key, [&] { return make_field(key); });
      if (field == nullptr || !field->series) continue;
      if (const auto value = parse_double(next_field(line))) {
        batch.add(field->series, *value);
      } else {
        report.partial({"no number for " + std::string(key), sources_.proc.path() + "/vmstat"});
      }
    }
    fields_.forget_untaken();
    if (fields_.size() == 0) report.fail({"no key was found", sources_.proc.path() + "/vmstat"});
  }

 private:
  Field make_field(std::string_view key) {
    if (key.empty() || !wanted_.partial_match(key)) return {};
    const std::string name = "node_vmstat_" + legal_name(key);
    const std::string help = "The number that /proc/vmstat gives for " + std::string(key) + ".";
    return {sources_.catalog.series({name, kMetrics[0].type, "", help}, {})};
  }

  HostSources& sources_;
  Regex wanted_;
  ProcFile file_;
  KeyedSlots<Field> fields_;
};

}  // namespace

std::unique_ptr<Part> make_vmstat_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<VmstatPart>(sources, config.vmstat_fields);
}

std::span<const Metric> vmstat_metrics() { return kMetrics; }

}  // namespace sidewatch
