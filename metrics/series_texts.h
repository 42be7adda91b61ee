// What is known of the series on a page that is read again and again, by their text (`up{job="a"}`).
//
// From one reading to the next a page has nearly always the same series in the same order: so the series that stood
// behind the one just read is looked at first, and only if it is not there, all are searched. A series that is missing in
// a whole reading is forgotten; after a reading that did not come to its end, everything is. What is not worth the memory
// may be forgotten at once: then it is met for the first time again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sidewatch {

template <class Known>
class SeriesTexts {
 public:
  enum class Met { known, first_time, twice };  // twice: in this reading already
  struct Found {
    Known& known;
    Met met;
  };

  void begin() {
    if (!ended_) clear();
    ended_ = false;
    ++reading_;
    seen_.clear();
    at_ = 0;
  }

  // The text that is likely to come next; empty when there is none.
  std::string_view expected() const { return at_ < order_.size() ? order_[at_]->text : std::string_view(); }

  Found take(std::string_view text) {
    if (at_ < order_.size() && order_[at_]->text == text) return met(*order_[at_], Met::known);
    const auto found = by_text_.find(text);
    if (found != by_text_.end()) return met(found->second, Met::known);
    const auto added = by_text_.emplace(std::string(text), Entry()).first;
    added->second.text = added->first;
    return met(added->second, Met::first_time);
  }

  // What take() has just met for the first time.
  void forget_last() {
    const auto last = by_text_.find(seen_.back()->text);
    seen_.pop_back();
    by_text_.erase(last);
  }

  // Of those of this reading the ones that `is_unwanted`, which is asked in the order of the page. Before end().
  template <class Predicate>
  void forget_if(const Predicate& is_unwanted) {
    std::erase_if(seen_, [&](Entry* entry) {
      const bool unwanted = is_unwanted(std::as_const(entry->known));
      if (unwanted) entry->reading = 0;
      return unwanted;
    });
    for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i]->place = i;
  }

  // The reading came to the end of the page.
  void end() {
    ended_ = true;
    order_.swap(seen_);
    if (order_.size() == by_text_.size()) return;
    std::erase_if(by_text_, [this](const auto& entry) { return entry.second.reading != reading_; });
  }

  void clear() {
    order_.clear();
    seen_.clear();
    by_text_.clear();
    at_ = 0;
  }
  std::size_t size() const { return by_text_.size(); }

 private:
  struct Entry {
    std::string_view text;
    Known known{};
    std::uint64_t reading = 0;  // the last one that met it
    std::size_t place = 0;      // in that one's order
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Found met(Entry& entry, Met how) {
    if (entry.reading == reading_) return {entry.known, Met::twice};
    if (how == Met::known) at_ = entry.place + 1;
    entry.reading = reading_;
    entry.place = seen_.size();
    seen_.push_back(&entry);
    return {entry.known, how};
  }

  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> by_text_;
  std::vector<Entry*> order_;  // of the last reading that came to its end
  std::vector<Entry*> seen_;   // of this one
  std::size_t at_ = 0;         // in order_
  std::uint64_t reading_ = 0;
  bool ended_ = true;
};

}  // namespace sidewatch
