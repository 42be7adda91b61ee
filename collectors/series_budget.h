// How many series a source whose names strangers choose may have in the catalog.
//
// A series stays in the catalog after its handle went, until the store has forgotten its samples. So a limit on what stands
// at one time bounds nothing: who sends other names in each pass would fill the catalog, and then nobody else's series
// would have room, the agent's own among them. A budget counts what its source has made until the catalog has forgotten it.
//
// A series that the source had before costs nothing when it comes back. Allocates only for new ones. Does not lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

#include "metrics/catalog.h"

namespace sidewatch {

class SeriesBudget {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  explicit SeriesBudget(std::size_t max_series = unlimited) : max_series_(max_series) {}

  // Before the series of a pass are asked for: counts no longer what was forgotten since. True: it is worth asking again for
  // what is not settled, since there may be room by now.
  bool begin_pass(const Catalog& catalog);

  struct Given {
    SeriesHandle series;   // empty: the budget is used up. A Batch takes no sample for it.
    bool settled = false;  // false: it is empty, or its metric's overflow series, and may be better off later
  };
  // `keep_free`: that many of the budget are not for this one, unless the source had it before.
  Given series(Catalog& catalog, const Metric& metric, const Labels& labels, std::size_t keep_free = 0);

  // For the outcome of a pass in which there were empty ones. `key` is what raises the budget.
  static std::string what_is_wrong(std::string_view key);

 private:
  std::size_t max_series_;
  std::unordered_map<std::uint64_t, SeriesId> made_;  // by the hash of name and labels
  std::uint64_t looked_at_ = 0;                       // the catalog's generation when forgotten ones were looked for
  bool has_refused_ = false;                          // since there last was room
  std::size_t overflowed_at_ = 0;                     // the catalog's size when it last gave an overflow series; 0: never
};

}  // namespace sidewatch
