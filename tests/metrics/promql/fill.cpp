#include "tests/metrics/promql/fill.h"

#include <cstdlib>
#include <sstream>

namespace sidewatch::promql {

void Fixture::add(std::string_view name, const Labels& labels, double start_seconds, double step_seconds,
                  std::string_view values) {
  std::vector<Point> points;
  std::istringstream words{std::string(values)};
  double seconds = start_seconds;
  for (std::string word; words >> word; seconds += step_seconds) {
    if (word == "_") continue;
    const Time time = time_at_ms(static_cast<std::int64_t>(seconds * 1000));
    points.push_back({time, word == "stale" ? stale_marker() : std::strtod(word.c_str(), nullptr)});
  }
  add(name, labels, points);
}

void Fixture::add(std::string_view name, const Labels& labels, const std::vector<Point>& points) {
  handles_.push_back(catalog_.series({.name = name, .type = MetricType::untyped, .unit = {}, .help = {}}, labels));
  const SourceId source = store_.add_source("test");
  Batch batch;
  for (const Point& point : points) {
    batch.clear();
    if (!is_stale_marker(point.value)) batch.add(handles_.back(), point.value);
    store_.append(source, point.time, batch);  // an empty pass ends what the one before wrote
  }
}

}  // namespace sidewatch::promql
