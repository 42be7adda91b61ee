// The samples that a selector sees while an evaluation steps through a range: every sample is read from the store once,
// in blocks, and forgotten when the range has moved past it.
//
// The steps only move forward, so each series keeps two cursors into its block and a step costs no search. What a
// subquery made is stepped through in the same way, only that all of it is there from the beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "metrics/promql/budget.h"
#include "metrics/promql/operand.h"
#include "metrics/store.h"

namespace sidewatch::promql {

// One series' samples around the present step.
struct SeriesWindow {
  SeriesId id;
  LabelId labels;
  std::vector<Point> points;
  std::size_t begin = 0;  // points[begin, end) are in the window
  std::size_t end = 0;
  Time read_until;  // later samples are in the store still
};

class Windows {
 public:
  // `from` is before the first sample that will be wanted, `until` not before the last one.
  void begin_reading(Time from, Time until, Store::StaleMarkers markers);
  void add(SeriesId id, LabelId labels) { series_.push_back({id, labels, {}, 0, 0, from_}); }
  void add(LabelId labels, std::vector<Point> points) {
    series_.push_back({SeriesId{}, labels, std::move(points), 0, 0, Time::max()});
  }

  std::size_t size() const { return series_.size(); }
  LabelId labels(std::size_t series) const { return series_[series].labels; }

  // The samples with from < time <= to, valid until the next call; neither may be before what it was last time.
  std::span<const Point> move(std::size_t series, Time from, Time to, const Store& store, Budget& budget,
                              const Node& node);

  // Of these the last, or null; the others are forgotten.
  const Point* newest(std::size_t series, Time from, Time to, const Store& store, Budget& budget, const Node& node);

 private:
  void advance(SeriesWindow& series, Time from, Time to, const Store& store, Budget& budget, const Node& node) const;
  void read(SeriesWindow& series, Time from, Time to, const Store& store, Budget& budget, const Node& node) const;

  std::vector<SeriesWindow> series_;
  Time from_;
  Time until_;
  Duration block_{0};  // how much is read at once
  Store::StaleMarkers markers_ = Store::StaleMarkers::left_out;
};

}  // namespace sidewatch::promql
