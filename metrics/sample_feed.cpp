#include "metrics/sample_feed.h"

#include <chrono>
#include <string>
#include <utility>

namespace sidewatch {
namespace {

// Whoever gives the samples has bounded them; nothing of them is to be dropped or cut here.
constexpr Catalog::Limits generous{.max_series = 1'000'000, .max_series_per_metric = 1'000'000, .max_labels = 1'000,
                                   .max_label_value_bytes = std::size_t{1} << 20};
constexpr std::size_t max_bytes = std::size_t{4} << 30;
constexpr Duration for_ever = std::chrono::hours(24 * 365 * 200);

}  // namespace

SampleFeed::SampleFeed() : catalog_(generous, Labels()), store_(catalog_, {for_ever, max_bytes}) {}

void SampleFeed::add(TimedSeries series) {
  const std::string name(series.labels.get("__name__"));
  SeriesHandle handle = catalog_.series({name, MetricType::untyped, "", ""}, series.labels.without("__name__"));
  series_.push_back({std::move(handle), store_.add_source("given"), std::move(series.points), 0});
}

void SampleFeed::advance(Time to) {
  for (Pending& series : series_) {
    for (; series.next < series.points.size() && series.points[series.next].time <= to; ++series.next) {
      const Point& point = series.points[series.next];
      batch_.clear();
      if (!is_stale_marker(point.value)) batch_.add(series.handle, point.value);
      store_.append(series.source, point.time, batch_);  // an empty pass ends what the one before wrote
    }
  }
}

}  // namespace sidewatch
