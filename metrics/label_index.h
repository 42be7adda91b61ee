// From a label's value to the series that have it: the inverted index of the catalog.
//
// A series is known by its number. Values are kept as hashes only, eight bytes for each label of each series: two values
// may share one, so what is found has to be looked at again, and nothing is ever missed. Adding and removing cost the
// same however many series there are, near enough: the hashes are spread over buckets, each of them in order.
//
// Holds no lock: the catalog calls it under its own.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "metrics/labels.h"

namespace sidewatch {

class LabelIndex {
 public:
  struct Posting {
    std::uint32_t hash;  // of name and value
    std::uint32_t series;
    auto operator<=>(const Posting&) const = default;
  };

  void add(std::uint32_t series, const Labels& labels);
  void remove(std::uint32_t series, const Labels& labels);

  // The series that have this label, and perhaps a few others, in order of their numbers. Valid until the next change.
  std::span<const Posting> find(std::string_view name, std::string_view value) const;

 private:
  using Bucket = std::vector<Posting>;
  static constexpr std::size_t bucket_bits = 9;
  Bucket& bucket_of(std::uint32_t hash) { return buckets_[hash >> (32 - bucket_bits)]; }

  std::vector<Bucket> buckets_ = std::vector<Bucket>(std::size_t{1} << bucket_bits);
};

}  // namespace sidewatch
