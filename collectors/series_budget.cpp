#include "collectors/series_budget.h"

#include <functional>
#include <utility>

#include "metrics/outside_series.h"

namespace sidewatch {
namespace {

constexpr std::size_t short_part = 10;  // of the budget: when so much is left or less, forgotten ones are looked for

std::uint64_t hash_of(std::string_view name, const Labels& labels) {
  constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;  // so that the same text in both does not cancel out
  return std::hash<std::string_view>{}(name) * spread ^ labels.hash();
}

}  // namespace

bool SeriesBudget::begin_pass(const Catalog& catalog) {
  const bool is_short = made_.size() >= max_series_ - max_series_ / short_part;
  if (is_short && std::exchange(looked_at_, catalog.generation()) != catalog.generation()) {
    std::erase_if(made_, [&](const auto& each) { return catalog.info(each.second) == nullptr; });
  }
  const bool has_room = made_.size() < max_series_ && std::exchange(has_refused_, false);
  const bool catalog_has_room = catalog.size() < overflowed_at_;
  if (catalog_has_room) overflowed_at_ = 0;
  return has_room || catalog_has_room;
}

SeriesBudget::Given SeriesBudget::series(Catalog& catalog, const Metric& metric, const Labels& labels,
                                         std::size_t keep_free) {
  const std::uint64_t hash = hash_of(metric.name, labels);
  const auto known = made_.find(hash);
  if (known == made_.end() && made_.size() + keep_free >= max_series_) {
    has_refused_ = true;
    return {};
  }
  auto [handle, overflowed] = series_from_outside(catalog, metric, labels);
  const SeriesId id = handle.id();
  if (overflowed) {
    overflowed_at_ = catalog.size();
    return {std::move(handle), false};
  }
  const bool is_another = known != made_.end() && known->second != id && catalog.info(known->second) != nullptr;
  if (is_another) return {};  // of the same hash, which somebody must have looked for
  made_.insert_or_assign(hash, id);
  return {std::move(handle), true};
}

std::string SeriesBudget::what_is_wrong(std::string_view key) {
  return "series are left out: those that stand, and those that ended and that history.retention still remembers, are as "
         "many as " + std::string(key) + " allows";
}

}  // namespace sidewatch
