// Series that are found again by a text of the server's, pass after pass: its rows come in nearly the same order each
// time, so the next one is mostly the one that stands behind the last.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/catalog.h"

namespace sidewatch::database::mysql {

class SeriesRow {
 public:
  void begin() { next_ = 0; }
  // Lets go of those that were not asked for since begin().
  void end() { entries_.resize(next_); }

  // The series of `key`; one that is not known is what `make()` returns (which may be none).
  template <class Make>
  const SeriesHandle& get(std::string_view key, Make make) {
    std::size_t at = next_;
    while (at < entries_.size() && entries_[at].key != key) ++at;
    if (at == entries_.size()) entries_.push_back({std::string(key), make()});
    if (at != next_) std::swap(entries_[at], entries_[next_]);
    return entries_[next_++].series;
  }

 private:
  struct Entry {
    std::string key;
    SeriesHandle series;
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;  // those before it were asked for in this round
};

}  // namespace sidewatch::database::mysql
