#include "metrics/label_index.h"

#include <algorithm>
#include <functional>

namespace sidewatch {
namespace {

std::uint32_t hash_of(std::string_view name, std::string_view value) {
  const std::size_t hash = std::hash<std::string_view>{}(name) * 31 + std::hash<std::string_view>{}(value);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

void LabelIndex::add(std::uint32_t series, const Labels& labels) {
  for (const auto& [name, value] : labels) {
    const Posting posting{hash_of(name, value), series};
    Bucket& bucket = bucket_of(posting.hash);
    const auto place = std::lower_bound(bucket.begin(), bucket.end(), posting);
    if (place == bucket.end() || *place != posting) bucket.insert(place, posting);  // two labels may share a hash
  }
}

void LabelIndex::remove(std::uint32_t series, const Labels& labels) {
  for (const auto& [name, value] : labels) {
    const Posting posting{hash_of(name, value), series};
    Bucket& bucket = bucket_of(posting.hash);
    const auto place = std::lower_bound(bucket.begin(), bucket.end(), posting);
    if (place == bucket.end() || *place != posting) continue;
    bucket.erase(place);
    if (bucket.size() * 4 < bucket.capacity()) bucket.shrink_to_fit();
  }
}

std::span<const LabelIndex::Posting> LabelIndex::find(std::string_view name, std::string_view value) const {
  const std::uint32_t hash = hash_of(name, value);
  const Bucket& bucket = buckets_[hash >> (32 - bucket_bits)];
  const auto by_hash = [](const Posting& a, const Posting& b) { return a.hash < b.hash; };
  const auto [first, last] = std::equal_range(bucket.begin(), bucket.end(), Posting{hash, 0}, by_hash);
  return {first, last};
}

}  // namespace sidewatch
