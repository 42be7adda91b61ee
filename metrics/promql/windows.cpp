// See windows.h.
#include "metrics/promql/windows.h"

#include <algorithm>

namespace sidewatch::promql {
namespace {

// A range is read in so many parts: fewer need more memory at a time, more decode the same chunk more often.
constexpr int blocks = 12;
constexpr Duration least_block = std::chrono::minutes(2);

}  // namespace

void Windows::begin_reading(Time from, Time until, Store::StaleMarkers markers) {
  series_.clear();
  from_ = from;
  until_ = until;
  block_ = std::max(least_block, (until - from) / blocks);
  markers_ = markers;
}

std::span<const Point> Windows::move(std::size_t index, Time from, Time to, const Store& store, Budget& budget,
                                     const Node& node) {
  SeriesWindow& series = series_[index];
  advance(series, from, to, store, budget, node);
  const std::size_t size = series.end - series.begin;
  budget.touch(size, node);
  return {series.points.data() + series.begin, size};
}

const Point* Windows::newest(std::size_t index, Time from, Time to, const Store& store, Budget& budget,
                             const Node& node) {
  SeriesWindow& series = series_[index];
  advance(series, from, to, store, budget, node);
  budget.touch(1, node);
  if (series.begin == series.end) return nullptr;
  series.begin = series.end - 1;
  return &series.points[series.begin];
}

void Windows::advance(SeriesWindow& series, Time from, Time to, const Store& store, Budget& budget,
                      const Node& node) const {
  const auto pass = [&](std::size_t& cursor, Time limit) {
    while (cursor < series.points.size() && series.points[cursor].time <= limit) ++cursor;
  };
  pass(series.begin, from);
  if (series.read_until < to) {
    read(series, from, to, store, budget, node);
    pass(series.begin, from);
  }
  series.end = std::max(series.end, series.begin);
  pass(series.end, to);
}

// What lies between the block before and `from` is not wanted any more.
void Windows::read(SeriesWindow& series, Time from, Time to, const Store& store, Budget& budget,
                   const Node& node) const {
  series.points.erase(series.points.begin(), series.points.begin() + static_cast<std::ptrdiff_t>(series.begin));
  budget.release(series.begin);
  series.end -= std::min(series.end, series.begin);
  series.begin = 0;
  const std::size_t kept = series.points.size();
  series.read_until = std::max(series.read_until, from);
  const Time until = std::max(to, std::min(until_, series.read_until + block_));
  store.range(series.id, series.read_until, until, series.points, markers_);
  series.read_until = until;
  budget.hold(series.points.size() - kept, node);
}

}  // namespace sidewatch::promql
