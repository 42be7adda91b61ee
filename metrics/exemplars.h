// Examples of what was counted: a sample of a counter or a bucket may come with one value that it counts, and with labels
// that lead to it (a trace). They are kept beside the store, few of each series and few in all, the newest.
//
// Any thread may call; one mutex inside. An exemplar that is the one that its series got last is not added again: a page
// shows it until there is a newer one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"

namespace sidewatch {

struct Exemplar {
  Labels labels;
  double value = 0;
  WallTime at;               // when it was counted
  bool has_own_time = true;  // whoever sent it said when; else when it came
};

class Exemplars {
 public:
  static constexpr std::size_t max_label_characters = 128;  // names and values together: OpenMetrics 1.0, "Exemplars"

  struct Limits {
    std::size_t per_series = 10;
    std::size_t in_all = 10'000;
  };
  Exemplars() : Exemplars(Limits{}) {}
  explicit Exemplars(Limits limits) : limits_(limits) {}

  // False when it was not taken: its labels are too long, or it is no newer than the last of its series.
  bool add(const std::shared_ptr<const SeriesInfo>& series, Exemplar exemplar);

  std::optional<Exemplar> newest(const SeriesInfo& series) const;

  struct OfSeries {
    std::shared_ptr<const SeriesInfo> series;
    std::vector<Exemplar> exemplars;  // oldest first
  };
  std::vector<OfSeries> all() const;  // in no order; series without any are not there

  std::size_t size() const;
  std::uint64_t version() const;  // rises with each that is added

 private:
  struct Kept {
    std::uint64_t number = 0;
    Exemplar exemplar;
  };
  struct Ring {
    std::shared_ptr<const SeriesInfo> series;
    std::deque<Kept> kept;
  };

  const Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<const SeriesInfo*, Ring> rings_;
  std::deque<std::pair<const SeriesInfo*, std::uint64_t>> order_;  // of adding; also of some that are gone
  std::uint64_t last_number_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sidewatch
