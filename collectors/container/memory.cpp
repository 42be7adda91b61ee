// The working set is what is charged less the page cache that was not used lately, as cAdvisor and the kubelet have it:
// the kernel drops that cache before it kills.
#include "collectors/container/memory.h"

#include <algorithm>

#include "collectors/container/series.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, memory_event_count> kEventNames{"low", "high",     "max",
                                                                       "oom", "oom_kill", "oom_group_kill"};
constexpr std::array<std::array<std::string_view, 2>, fault_series_count> kFaultLabels{{
    {"pgfault", "container"}, {"pgmajfault", "container"}, {"pgfault", "hierarchy"}, {"pgmajfault", "hierarchy"}}};

std::variant<MemoryV2, MemoryV1> reader_of(const Levels& levels) {
  if (levels.unified()) return std::variant<MemoryV2, MemoryV1>(std::in_place_type<MemoryV2>, levels);
  return std::variant<MemoryV2, MemoryV1>(std::in_place_type<MemoryV1>, levels);
}

template <std::size_t N>
void add_all(Batch& batch, const std::array<SeriesHandle, N>& series, const std::array<MaybeNumber, N>& values) {
  for (std::size_t i = 0; i < N; ++i) {
    if (values[i]) batch.add(series[i], *values[i]);
  }
}

}  // namespace

MaybeNumber working_set(std::optional<std::uint64_t> usage, std::optional<std::uint64_t> inactive) {
  if (!usage || !inactive) return std::nullopt;
  return static_cast<double>(*usage - std::min(*usage, *inactive));
}

MaybeNumber read_working_set(const ProcDir& cgroup, const WorkingSetFiles& files, ReadBuffer& buffer) {
  const FileText usage_text = cgroup.read(files.usage, buffer);
  const auto usage = usage_text ? parse_count(usage_text.text) : std::nullopt;
  return working_set(usage, read_keyed(cgroup, "memory.stat", std::array{files.inactive_key}, buffer)[0]);
}

MemoryPart::MemoryPart(Catalog& catalog, const Labels& labels, const Levels& levels)
    : reader_(reader_of(levels)),
      series_(series_of(catalog, kMemoryMetrics, labels, {memory_page_faults, memory_events, memory_limit})) {
  for (std::size_t i = 0; i < fault_series_count; ++i) {
    const auto& [type, scope] = kFaultLabels[i];
    faults_[i] = catalog.series(kMemoryMetrics[memory_page_faults],
                                labels.with("failure_type", type).with("scope", scope));
  }
  for (std::size_t i = 0; i < memory_event_count; ++i) {
    events_[i] = catalog.series(kMemoryMetrics[memory_events], labels.with("event", kEventNames[i]));
  }
}

const MemoryReading& MemoryPart::sample(PassContext& pass) {
  reading_ = {};
  std::visit([&](auto& reader) { reader.read(pass, reading_); }, reader_);
  add_all(pass.batch, series_, reading_.values);
  add_all(pass.batch, faults_, reading_.faults);
  add_all(pass.batch, events_, reading_.events);
  return reading_;
}

}  // namespace sidewatch::container
