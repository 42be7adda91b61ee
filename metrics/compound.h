// A histogram or a summary on a page: several series names (x_bucket, x_sum, x_count) that are one family x.
//
// The store knows each of those names as a family of its own, with the type of the whole. Here they are put together,
// or refused: where a name is already somebody else's, or where the samples do not make a histogram or a summary, the
// parts are better shown each on its own.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "metrics/store.h"

namespace sidewatch {

// The series of one name; empty when there are none. `all` is ordered by name, as Store::snapshot() gives it.
std::span<const SeriesValue> find_family(std::span<const SeriesValue> all, std::string_view name);

struct Compound {
  std::string_view name;                    // of the family; looks into the part that it was made from
  const Family* first = nullptr;            // the part first in the order of names; null: there is no compound
  std::vector<const SeriesValue*> samples;  // label set by label set; buckets by rising bound, then count and sum
};

enum class CompoundRules {
  names_and_bounds,  // no name taken, a readable bound on every bucket and a quantile on every quantile sample
  openmetrics,       // as well: x_created free, counts whole, no sum NaN, a +Inf bucket in every histogram
};

// The compound that `part` (of type histogram or summary) belongs to.
Compound compound_of(std::span<const SeriesValue> all, const Family& part, CompoundRules rules);

}  // namespace sidewatch
