#include "collectors/own_names.h"

#include <algorithm>
#include <array>
#include <functional>

#include "collectors/table.h"

namespace sidewatch {
namespace {

constexpr std::array<std::string_view, 2> agents_own_prefixes = {"sidewatch_", "ALERTS"};

std::uint64_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

struct Known {
  std::vector<std::uint64_t> hashes;
  std::vector<std::string> prefixes{agents_own_prefixes.begin(), agents_own_prefixes.end()};
};

Known read_table() {
  Known known;
  for (const auto& kind : collector_kinds()) {
    for (const auto& group : kind.metrics()) {
      for (const auto& metric : group.metrics) {
        const auto star = metric.name.find('*');
        if (star == std::string_view::npos) {
          known.hashes.push_back(hash_of(metric.name));
        } else {
          known.prefixes.emplace_back(metric.name.substr(0, star));
        }
      }
    }
  }
  std::sort(known.hashes.begin(), known.hashes.end());
  std::sort(known.prefixes.begin(), known.prefixes.end());
  known.prefixes.erase(std::unique(known.prefixes.begin(), known.prefixes.end()), known.prefixes.end());
  return known;
}

}  // namespace

bool is_agents_own(std::string_view name) {
  return std::ranges::any_of(agents_own_prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

OwnNames::OwnNames() {
  static const Known known = read_table();  // in which there are some thousand names
  hashes_ = known.hashes;
  prefixes_ = known.prefixes;
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
