#include "agent/room_watch.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/outside_series.h"

namespace sidewatch {
namespace {

using Entries = std::span<const Catalog::Entry>;

constexpr std::size_t many_values = 10;  // of a label: fewer fill no budget

// Those of one metric stand together.
Entries of_metric(const std::vector<Catalog::Entry>& all, std::string_view name) {
  const auto [first, last] = std::ranges::equal_range(
      all, name, {}, [](const Catalog::Entry& entry) -> std::string_view { return entry.info->family->name; });
  return {first, last};
}

Entries of_largest_metric(const std::vector<Catalog::Entry>& all) {
  Entries largest;
  for (std::size_t at = 0; at < all.size();) {
    const Entries one = of_metric(all, all[at].info->family->name);
    if (one.size() > largest.size()) largest = one;
    at += one.size();
  }
  return largest;
}

// The label with the most values, and how many it has.
std::pair<std::string, std::size_t> widest_label(Entries entries) {
  std::map<std::string_view, std::set<std::string_view>> values;
  for (const auto& entry : entries) {
    for (const auto& [name, value] : entry.info->labels) values[name].insert(value);
  }
  std::pair<std::string, std::size_t> widest;
  for (const auto& [name, distinct] : values) {
    if (distinct.size() > widest.second) widest = {std::string(name), distinct.size()};
  }
  return widest;
}

}  // namespace

std::optional<RoomWatch::News> RoomWatch::look(Time now) {
  const std::uint64_t refused = catalog_.overflowed();
  if (refused != std::exchange(refused_, refused)) {
    const bool is_new = !last_refusal_;
    last_refusal_ = now;
    if (is_new) return describe();
  } else if (last_refusal_ && now - *last_refusal_ >= calm) {
    last_refusal_.reset();
    for (const auto& [metric, requests] : catalog_.refusals()) refused_before_[metric] = requests;
    return News{false, "no series was left out for ten minutes", {}};
  }
  return std::nullopt;
}

RoomWatch::News RoomWatch::describe() {
  std::string most_refused;
  std::uint64_t most = 0;
  for (const auto& [metric, requests] : catalog_.refusals()) {
    const auto before = refused_before_.find(metric);
    const std::uint64_t since = requests - (before == refused_before_.end() ? 0 : std::min(before->second, requests));
    if (since > most) most_refused = metric;
    most = std::max(most, since);
  }
  const auto all = catalog_.find({});
  Entries metric = of_metric(all, most_refused);
  std::string limit = "collectors.statsd.max_series, or limits.max_labels where a series has too many";
  if (metric.size() >= limits_.max_series_per_metric) {
    limit = "limits.max_series_per_metric";
  } else if (all.size() >= room_for_outside(limits_.max_series)) {
    limit = "limits.max_series";
    metric = of_largest_metric(all);  // the one that was refused may only have come late
  }
  const auto [label, values] = widest_label(metric);
  LogFields fields{{"limit", std::move(limit)},
                   {"metric", metric.empty() ? most_refused : metric.front().info->family->name},
                   {"series", metric.size()}};
  std::string why = "there are more metrics than the limit has room for, or one of them has too many labels";
  if (values >= many_values) {
    why = "mostly a label holds what has no end";
    fields.emplace_back("label", label);
    fields.emplace_back("values", values);
  }
  fields.emplace_back("see", "sidewatch top-series");
  return {true, "series are left out, new ones share one with overflow=\"true\": " + why, std::move(fields)};
}

}  // namespace sidewatch
