#include "collectors/statsd/own_names.h"

#include <algorithm>
#include <functional>

#include "collectors/table.h"

namespace sidewatch::statsd {
namespace {

std::uint64_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

}  // namespace

OwnNames::OwnNames() : prefixes_{"sidewatch_", "ALERTS"} {
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

}  // namespace sidewatch::statsd
