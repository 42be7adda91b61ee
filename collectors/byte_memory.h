// What bytes meant when they came last: a bounded memory that forgets everything when it is full.
//
// It is only a shortcut: what is not in it is looked at closely and then remembered. Looking up copies nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sidewatch {

template <class Value>
class ByteMemory {
 public:
  ByteMemory(std::size_t max_entries, std::size_t max_bytes) : max_entries_(max_entries), max_bytes_(max_bytes) {}

  const Value* find(std::string_view bytes) const {
    const auto found = entries_.find(bytes);
    return found != entries_.end() ? &found->second : nullptr;
  }

  void remember(std::string_view bytes, Value value) {
    if (bytes.size() > max_bytes_ / 64) return;  // one must not crowd out the others
    if (entries_.size() == max_entries_ || bytes_ + bytes.size() > max_bytes_) forget_all();
    bytes_ += bytes.size();
    entries_.emplace(bytes, std::move(value));
  }

  void forget_all() {
    entries_.clear();
    bytes_ = 0;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>{}(bytes); }
  };
  const std::size_t max_entries_;
  const std::size_t max_bytes_;
  std::unordered_map<std::string, Value, Hash, std::equal_to<>> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace sidewatch
