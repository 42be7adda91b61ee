// What lines said becomes series: counters are summed, gauges keep the last value, histograms fill buckets.
//
// There are at most `max_series` of them. A label set beyond that goes to the overflow series of its metric
// ({overflow="true"}), whose place is kept from the beginning, and is counted. What no label can change stands at 0 from
// the first pass on, so that the first line is seen as an increase.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "collectors/log/interpreter.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::log {

class Counted {
 public:
  struct Options {
    std::size_t max_series = 1000;
    Duration ttl{0};  // a series that no line was for during so long is dropped; 0: never
  };
  // `metrics` must outlive it. `labels` are those of every series.
  Counted(Catalog& catalog, const std::vector<LogMetric>& metrics, const Labels& labels, Options options);
  ~Counted();

  void add(const Interpreter::Found& found);
  // A counter that is new stood at 0 in the pass before, so that its first line is seen as an increase. `with_zero`: there is
  // no pass before, so it is 0 in this one, and what it is in the next. True when anything was held back so.
  enum class Begin { after_zero, with_zero };
  bool write(Batch& batch, Time now, Begin begin = Begin::after_zero);

  std::size_t series() const { return series_; }                // beside overflow series
  std::uint64_t overflowed() const { return overflowed_; }  // lines that went to an overflow series

 private:
  struct Slot;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Family {
    const LogMetric* metric = nullptr;
    std::unordered_map<std::string, Slot*, Hash, std::equal_to<>> by_labels;
    std::unique_ptr<Slot> overflow;
  };

  std::unique_ptr<Slot> make_slot(const LogMetric& metric, const Labels& labels);
  bool is_shared(const Slot& slot) const;
  Slot& slot_of(Family& family, const std::string& labels);
  Slot& resolve(Family& family, const std::string& labels);
  void drop_old(Time now);

  Catalog& catalog_;
  const Labels labels_;
  const Options options_;
  std::vector<Family> families_;  // by the number of the metric
  std::vector<std::unique_ptr<Slot>> slots_;
  std::map<SeriesId, Slot*> by_series_;  // two metrics of one name may meet in one series
  std::size_t series_ = 0;
  std::uint64_t overflowed_ = 0;
};

}  // namespace sidewatch::log
