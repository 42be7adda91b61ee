#include "collectors/statsd/key_table.h"

#include <cstring>
#include <random>
#include <utility>

namespace sidewatch::statsd {
namespace {

constexpr std::size_t first_slots = 64;

// Eight bytes at a time: what lines begin with must cost less than the lines themselves. (wyhash's way of mixing: the
// two halves of a product.)
std::uint64_t mix_word(std::uint64_t hash, std::uint64_t word) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(hash ^ word ^ odd) * (word + odd + hash);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t word_at(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// The last word overlaps the one before, so that no rest has a length of its own.
std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  const char* at = text.data();
  const std::size_t size = text.size();
  const char* const end = at + size;
  if (size == 0) return hash;
  hash += size;
  if (size < sizeof(std::uint32_t)) {
    return mix_word(hash, word_at<std::uint8_t>(at) << 16 | word_at<std::uint8_t>(at + size / 2) << 8 | word_at<std::uint8_t>(end - 1));
  }
  if (size < sizeof(std::uint64_t)) {
    return mix_word(hash, word_at<std::uint32_t>(at) << 32 | word_at<std::uint32_t>(end - sizeof(std::uint32_t)));
  }
  for (; end - at > static_cast<std::ptrdiff_t>(sizeof(std::uint64_t)); at += sizeof(std::uint64_t)) {
    hash = mix_word(hash, word_at<std::uint64_t>(at));
  }
  return mix_word(hash, word_at<std::uint64_t>(end - sizeof(std::uint64_t)));
}

}  // namespace

KeyTable::KeyTable(std::size_t max_keys, std::size_t max_bytes)
    : max_keys_(max_keys), max_bytes_(max_bytes), seed_(std::random_device{}()), slots_(first_slots) {}

std::uint64_t KeyTable::hash(const Key& key) const {
  return mix(mix(seed_ + static_cast<std::uint64_t>(key.kind), key.name), key.tags);
}

std::uint32_t KeyTable::find(const Key& key, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.what == unknown) return unknown;
    if (slot.hash != hash || slot.kind != key.kind || slot.name_size != key.name.size() ||
        slot.tags_size != key.tags.size()) {
      continue;
    }
    const char* const bytes = bytes_.data() + slot.at;
    if (std::memcmp(bytes, key.name.data(), key.name.size()) == 0 &&
        std::string_view(bytes + key.name.size(), key.tags.size()) == key.tags) {
      return slot.what;
    }
  }
}

void KeyTable::remember(const Key& key, std::uint64_t hash, std::uint32_t what) {
  if (size_ == max_keys_ || bytes_.size() + key.name.size() + key.tags.size() > max_bytes_) forget_all();
  if (key.name.size() + key.tags.size() > max_bytes_) return;
  if (2 * (size_ + 1) > slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].what != unknown) i = (i + 1) & mask;
  slots_[i] = {hash, what, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(key.name.size()),
               static_cast<std::uint32_t>(key.tags.size()), key.kind};
  bytes_.append(key.name).append(key.tags);
  ++size_;
}

void KeyTable::forget_all() {
  for (auto& slot : slots_) slot = Slot{};
  bytes_.clear();
  size_ = 0;
}

void KeyTable::grow() {
  std::vector<Slot> larger(slots_.size() * 2);
  const std::size_t mask = larger.size() - 1;
  for (const auto& slot : slots_) {
    if (slot.what == unknown) continue;
    std::size_t i = slot.hash & mask;
    while (larger[i].what != unknown) i = (i + 1) & mask;
    larger[i] = slot;
  }
  slots_ = std::move(larger);
}

}  // namespace sidewatch::statsd
