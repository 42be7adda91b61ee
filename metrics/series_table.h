// The series that exist, by name and labels, and found again by matchers: the catalog without its lock and its budgets.
//
// A family keeps its series' indexes ordered by labels: that order is the lookup (binary search) and the order of every
// answer. Beside it stands an index from labels to series. Slots are reused, each time with the next epoch.
//
// Refuses nothing, mends nothing and holds no lock: the catalog does all of that.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/catalog.h"
#include "metrics/label_index.h"
#include "metrics/selection.h"

namespace sidewatch {

class SeriesTable {
 public:
  struct Members {
    std::shared_ptr<const Family> family;
    std::vector<std::uint32_t> indexes;  // ordered by labels
    std::uint64_t refused = 0;           // requests that got the overflow series
  };
  using Families = std::map<std::string, Members, std::less<>>;

  Members* find(std::string_view name);
  // The one of that name; where there is none it is made as the metric says, without any member yet.
  Members& obtain(const Metric& metric, std::string name);
  std::optional<SeriesId> find(const Members& family, const Labels& labels) const;
  enum class Kind : std::uint8_t { ordinary, overflow };
  SeriesId find_or_add(Members& family, Labels labels, Kind kind);  // the kind is that of what is made

  bool alive(SeriesId id) const;
  std::shared_ptr<const SeriesInfo> info(SeriesId id) const { return alive(id) ? slots_[id.index].info : nullptr; }
  void hold(SeriesId id) { ++slots_[id.index].handles; }
  void release(SeriesId id);
  bool forget(SeriesId id);  // false when it is no more, or held
  std::vector<SeriesId> unheld() const;

  // What may match and has to be looked at again; all that matches is among it.
  struct Candidates {
    std::vector<Catalog::Entry> entries;
    bool in_order = true;  // of name and labels
  };
  Candidates candidates(std::span<const Matcher> matchers, const Selection& selection) const;
  std::vector<Catalog::Entry> ordered() const;

  const Families& families() const { return families_; }
  std::size_t size() const { return size_; }
  std::size_t ordinary() const { return size_ - overflow_; }
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }  // without a lock

 private:
  struct Slot {
    std::shared_ptr<const SeriesInfo> info;  // null: free
    std::uint32_t epoch = 0;
    std::uint32_t handles = 0;
    Kind kind = Kind::ordinary;
  };
  using Place = std::vector<std::uint32_t>::const_iterator;
  Place place_of(const Members& family, const Labels& labels) const;
  bool is_at(Place place, const Members& family, const Labels& labels) const;
  std::uint32_t free_slot();
  SeriesId id_of(std::uint32_t index) const { return {index, slots_[index].epoch}; }
  Catalog::Entry entry_of(std::uint32_t index) const { return {id_of(index), slots_[index].info}; }
  std::optional<const Members*> named(std::span<const Matcher> matchers) const;
  std::optional<std::vector<std::uint32_t>> with_labels(std::span<const Matcher> matchers, std::size_t all) const;
  std::vector<std::uint32_t> having(const Matcher& matcher) const;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  Families families_;
  LabelIndex by_label_;
  std::size_t size_ = 0;
  std::size_t overflow_ = 0;  // among them
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace sidewatch
