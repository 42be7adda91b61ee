#include "collectors/own_names.h"

#include <algorithm>
#include <array>
#include <functional>

#include "collectors/table.h"

namespace sidewatch {
namespace {

constexpr std::array<std::string_view, 2> agents_own_prefixes = {"sidewatch_", "ALERTS"};

std::uint64_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

}  // namespace

bool is_agents_own(std::string_view name) {
  return std::ranges::any_of(agents_own_prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

OwnNames::OwnNames() : prefixes_(agents_own_prefixes.begin(), agents_own_prefixes.end()) {
  for (const auto& kind : collector_kinds()) {
    for (const auto& group : kind.metrics()) {
      for (const auto& metric : group.metrics) {
        const auto star = metric.name.find('*');
        if (star == std::string_view::npos) {
          hashes_.push_back(hash_of(metric.name));
        } else {
          prefixes_.emplace_back(metric.name.substr(0, star));
        }
      }
    }
  }
  std::sort(hashes_.begin(), hashes_.end());
  std::sort(prefixes_.begin(), prefixes_.end());
  prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end()), prefixes_.end());
}

bool OwnNames::contain(std::string_view name) const {
  return std::binary_search(hashes_.begin(), hashes_.end(), hash_of(name)) ||
         std::any_of(prefixes_.begin(), prefixes_.end(), [&](const auto& prefix) { return name.starts_with(prefix); });
}

bool OwnNames::contain_part_of(std::string_view name) const {
  constexpr std::array<std::string_view, 6> ends = {"", "_bucket", "_count", "_sum", "_min", "_max"};
  return std::ranges::any_of(ends, [&](std::string_view end) { return contain(std::string(name) + std::string(end)); });
}

}  // namespace sidewatch
