#include "collectors/container/pressure.h"

#include "collectors/container/series.h"

namespace sidewatch::container {
namespace {

// In the order of the metrics: each file has "some" (waiting) and "full" (stalled). CPU has no "full" before Linux
// 5.13.
constexpr std::array<const char*, 3> kFiles{"cpu.pressure", "memory.pressure", "io.pressure"};

double seconds(std::uint64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

}  // namespace

PressurePart::PressurePart(Catalog& catalog, const Labels& labels, const Levels& levels)
    : directory_(levels.own()), series_(series_of(catalog, kPressureMetrics, labels)) {
  for (const char* name : kFiles) files_.push_back(levels.own_file(name));
}

void PressurePart::sample(PassContext& pass) {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const FileText text = files_[i].read(pass.buffer);
    report(pass, files_[i], text);
    if (!text) continue;
    const Stalls stalls = parse_pressure(text.text);
    if (stalls.some_us) pass.batch.add(series_[2 * i], seconds(*stalls.some_us));
    if (stalls.full_us) pass.batch.add(series_[2 * i + 1], seconds(*stalls.full_us));
    if (!stalls.some_us) report(pass, directory_, files_[i], "no total for 'some'");
  }
}

}  // namespace sidewatch::container
