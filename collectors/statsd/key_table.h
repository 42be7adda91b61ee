// Finds what a line belongs to by its bytes: name, kind and tags as they came, without taking the tags apart.
//
// It is only a shortcut: a line that is not in it is looked at closely and then remembered. So it may be emptied when it
// is full, which bounds its memory whatever is sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/statsd/line.h"

namespace sidewatch::statsd {

class KeyTable {
 public:
  struct Key {
    std::string_view name;
    std::string_view tags;
    Kind kind;
  };
  static constexpr std::uint32_t unknown = UINT32_MAX;

  explicit KeyTable(std::size_t max_keys, std::size_t max_bytes = std::size_t{8} << 20);

  std::uint32_t find(const Key& key, std::uint64_t hash) const;  // unknown when it is not there
  void remember(const Key& key, std::uint64_t hash, std::uint32_t what);
  void forget_all();
  std::size_t size() const { return size_; }

  std::uint64_t hash(const Key& key) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t what = unknown;
    std::uint32_t at = 0;  // of its bytes: the name, then the tags
    std::uint32_t name_size = 0;
    std::uint32_t tags_size = 0;
    Kind kind{};
  };
  void grow();

  const std::size_t max_keys_;
  const std::size_t max_bytes_;
  const std::uint64_t seed_;  // so that nobody can choose keys that collide
  std::vector<Slot> slots_;  // a power of two; at most half of them taken
  std::string bytes_;
  std::size_t size_ = 0;
};

}  // namespace sidewatch::statsd
