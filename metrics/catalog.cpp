// The interning of series. See catalog.h.
//
// A family keeps its series' indexes ordered by labels: that order is the lookup (binary search) and the order of every
// answer. Beside it stands an index from labels to series. Slots are reused, each time with the next epoch.
//
// Under the lock candidates are only collected; they are looked at without it.
//
// Overflow series do not count against max_series, of which they would else take the last room: there is at most one for
// each metric that has others, and no metric gets one alone once the catalog is full.
#include "metrics/catalog.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/utf8.h"
#include "metrics/label_index.h"
#include "metrics/outside_series.h"
#include "metrics/selection.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

// A list so many times longer than the one that is found already is not gone through.
constexpr std::size_t worth_intersecting = 16;

// How series are asked for by this thread, and what came of it: set for the length of one call from outside.
struct Asking {
  bool from_outside = false;
  bool refused_already = false;  // by the source's own budget
  bool overflowed = false;
};
thread_local Asking asking;

OutsideSeries ask(Catalog& catalog, const Metric& metric, const Labels& labels, bool refused_already) {
  struct Call {  // over at its end, also where there is no memory for the series
    explicit Call(bool refused) { asking = {true, refused, false}; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { asking = {}; }
  };
  const Call call(refused_already);
  SeriesHandle series = catalog.series(metric, labels);
  return {std::move(series), asking.overflowed};
}

struct Slot {
  std::shared_ptr<const SeriesInfo> info;  // null: free
  std::uint32_t epoch = 0;
  std::uint32_t handles = 0;
  bool is_overflow = false;
};

struct FamilyEntry {
  std::shared_ptr<const Family> family;
  std::vector<std::uint32_t> members;  // slot indexes, ordered by labels
  std::uint64_t refused = 0;           // requests that got the overflow series
};

using Families = std::map<std::string, FamilyEntry, std::less<>>;

std::string label_text_of(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    text += name;
    text += "=\"";
    append_escaped_label_value(text, value);
    text += '"';
  }
  return text;
}

// A bucket and a quantile have their bound even here: without one the whole family would be no histogram any more.
Labels overflow_labels(const Family& family) {
  const Labels labels{{"overflow", "true"}};
  if (family.type == MetricType::histogram && family.name.ends_with("_bucket")) return labels.with("le", "+Inf");
  const bool part = family.name.ends_with("_sum") || family.name.ends_with("_count");
  if (family.type == MetricType::summary && !part) return labels.with("quantile", "1");
  return labels;
}

bool in_page_order(const Catalog::Entry& a, const Catalog::Entry& b) {
  const int names = a.info->family->name.compare(b.info->family->name);
  return names != 0 ? names < 0 : a.info->labels < b.info->labels;
}

}  // namespace

struct Catalog::State {
  State(Limits given, const Labels& given_labels) : limits(given), common_labels(mend(given_labels)) {}

  SeriesId obtain(const Metric& metric, const Labels& labels);
  Labels mend(const Labels& labels);
  bool has_room(const FamilyEntry* family, const Labels& labels) const;
  std::size_t most_series() const;
  SeriesId overflow(const Metric& metric, FamilyEntry* family);
  FamilyEntry& family_of(const Metric& metric, std::string name);
  std::vector<std::uint32_t>::iterator place_of(FamilyEntry& family, const Labels& labels);
  SeriesId find_or_add(FamilyEntry& family, Labels labels);
  std::uint32_t free_slot();
  bool alive(SeriesId id) const { return id.index < slots.size() && slots[id.index].epoch == id.epoch &&
                                         slots[id.index].info != nullptr; }
  SeriesId id_of(std::uint32_t index) const { return {index, slots[index].epoch}; }

  const FamilyEntry* named(std::span<const Matcher> matchers) const;
  std::optional<std::vector<std::uint32_t>> with_labels(std::span<const Matcher> matchers, std::size_t all) const;
  std::vector<std::uint32_t> having(const Matcher& matcher) const;
  Entry entry_of(std::uint32_t index) const { return {id_of(index), slots[index].info}; }

  const Limits limits;
  Counts counts;
  const Labels common_labels;
  mutable std::mutex mutex;
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free;
  Families families;
  LabelIndex by_label;
  std::size_t size = 0;
  std::size_t overflow_series = 0;  // among them
  std::atomic<std::uint64_t> generation{1};
};

SeriesId Catalog::State::obtain(const Metric& metric, const Labels& labels) {
  std::string name(metric.name);
  if (!is_legal_metric_name(name)) {
    name = mend_metric_name(name);
    ++counts.mended;
  }
  Labels complete = mend(labels).or_else(common_labels);
  const auto found = families.find(name);
  FamilyEntry* family = found == families.end() ? nullptr : &found->second;
  if (family && family->family->type != metric.type) ++counts.type_conflicts;
  if (asking.refused_already) return overflow(metric, family);
  if (family) {
    const auto place = place_of(*family, complete);
    if (place != family->members.end() && slots[*place].info->labels == complete) return id_of(*place);
  }
  if (!has_room(family, complete)) return overflow(metric, family);
  return find_or_add(family ? *family : family_of(metric, std::move(name)), std::move(complete));
}

Labels Catalog::State::mend(const Labels& labels) {
  const auto fine = [&](const Label& label) {
    return is_legal_label_name(label.name) && label.name != name_label && is_utf8(label.value) &&
           label.value.size() <= limits.max_label_value_bytes;
  };
  if (std::all_of(labels.begin(), labels.end(), fine)) return labels;
  std::vector<Label> result;
  bool mended = false;
  bool shortened = false;
  for (const auto& [name, value] : labels) {
    std::string legal_name = name == name_label ? "exported_name" : mend_label_name(name);
    std::string text = mend_utf8(value);
    mended = mended || legal_name != name || text != value;
    const auto cut = cut_at_character(text, limits.max_label_value_bytes);
    shortened = shortened || cut.size() != text.size();
    result.push_back({std::move(legal_name), std::string(cut)});
  }
  if (mended) ++counts.mended;
  if (shortened) ++counts.shortened;
  return Labels(std::move(result));
}

bool Catalog::State::has_room(const FamilyEntry* family, const Labels& labels) const {
  return size - overflow_series < most_series() && labels.size() <= limits.max_labels &&
         (!family || family->members.size() < limits.max_series_per_metric);
}

std::size_t Catalog::State::most_series() const {
  return asking.from_outside ? room_for_outside(limits.max_series) : limits.max_series;
}

// A known metric has its own overflow series: as many as there are metrics, so at most max_series more. The metrics
// that are not known when the catalog is full share one.
SeriesId Catalog::State::overflow(const Metric& metric, FamilyEntry* family) {
  ++counts.overflowed;
  asking.overflowed = true;
  if (!family) {
    const Metric& known = size < most_series() ? metric : overflow_metric;
    std::string name = mend_metric_name(known.name);
    family = &family_of(known, std::move(name));
  }
  ++family->refused;
  const std::size_t before = size;
  const SeriesId id = find_or_add(*family, overflow_labels(*family->family).or_else(common_labels));
  if (size > before) {
    slots[id.index].is_overflow = true;
    ++overflow_series;
  }
  return id;
}

FamilyEntry& Catalog::State::family_of(const Metric& metric, std::string name) {
  auto& entry = families[name];
  if (!entry.family) {
    entry.family = std::make_shared<const Family>(
        Family{std::move(name), metric.type, std::string(metric.unit), mend_utf8(metric.help)});
  }
  return entry;
}

std::vector<std::uint32_t>::iterator Catalog::State::place_of(FamilyEntry& family, const Labels& labels) {
  const auto before = [&](std::uint32_t index, const Labels& wanted) { return slots[index].info->labels < wanted; };
  return std::lower_bound(family.members.begin(), family.members.end(), labels, before);
}

SeriesId Catalog::State::find_or_add(FamilyEntry& family, Labels labels) {
  const auto place = place_of(family, labels);
  if (place != family.members.end() && slots[*place].info->labels == labels) return id_of(*place);
  std::string text = label_text_of(labels);
  auto info = std::make_shared<const SeriesInfo>(SeriesInfo{family.family, std::move(labels), std::move(text)});
  const std::uint32_t slot = free_slot();
  slots[slot].info = std::move(info);
  family.members.insert(place, slot);
  by_label.add(slot, slots[slot].info->labels);
  ++size;
  ++generation;
  return id_of(slot);
}

std::uint32_t Catalog::State::free_slot() {
  if (free.empty()) {
    slots.emplace_back();
    return static_cast<std::uint32_t>(slots.size() - 1);
  }
  const std::uint32_t index = free.back();
  free.pop_back();
  return index;
}

const FamilyEntry* Catalog::State::named(std::span<const Matcher> matchers) const {
  for (const Matcher& matcher : matchers) {
    if (matcher.name() != name_label || matcher.only().size() != 1) continue;
    const auto found = families.find(matcher.only().front());
    return found == families.end() ? nullptr : &found->second;
  }
  return nullptr;
}

// The series, by number, that have the labels that are asked for by value; some may be among them that do not. Nothing
// when no label is asked for so, or when these are no fewer than `all`.
std::optional<std::vector<std::uint32_t>> Catalog::State::with_labels(std::span<const Matcher> matchers,
                                                                      std::size_t all) const {
  std::vector<std::pair<std::size_t, const Matcher*>> rarest_first;
  for (const Matcher& matcher : matchers) {
    if (matcher.only().empty() || matcher.name() == name_label) continue;
    std::size_t count = 0;
    for (const std::string& value : matcher.only()) count += by_label.find(matcher.name(), value).size();
    rarest_first.emplace_back(count, &matcher);
  }
  std::sort(rarest_first.begin(), rarest_first.end());
  if (rarest_first.empty() || rarest_first.front().first >= all) return std::nullopt;
  std::vector<std::uint32_t> result = having(*rarest_first.front().second);
  for (std::size_t i = 1; i < rarest_first.size(); ++i) {
    if (rarest_first[i].first > worth_intersecting * result.size()) break;  // looking at each one costs less
    const std::vector<std::uint32_t> others = having(*rarest_first[i].second);
    std::vector<std::uint32_t> both;
    std::set_intersection(result.begin(), result.end(), others.begin(), others.end(), std::back_inserter(both));
    result = std::move(both);
  }
  return result;
}

std::vector<std::uint32_t> Catalog::State::having(const Matcher& matcher) const {
  std::vector<std::uint32_t> result;
  for (const std::string& value : matcher.only()) {
    for (const auto& posting : by_label.find(matcher.name(), value)) result.push_back(posting.series);
  }
  if (matcher.only().size() == 1) return result;
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

Catalog::Catalog(Limits limits, const Labels& common_labels)
    : state_(std::make_unique<State>(limits, common_labels)) {}
Catalog::~Catalog() = default;

SeriesHandle Catalog::series(const Metric& metric, const Labels& labels) {
  const std::lock_guard lock(state_->mutex);
  const SeriesId id = state_->obtain(metric, labels);
  ++state_->slots[id.index].handles;
  return SeriesHandle(this, id);
}

OutsideSeries series_from_outside(Catalog& catalog, const Metric& metric, const Labels& labels) {
  return ask(catalog, metric, labels, false);
}

OutsideSeries overflow_from_outside(Catalog& catalog, const Metric& metric) { return ask(catalog, metric, {}, true); }

std::vector<Catalog::Entry> Catalog::find(std::span<const Matcher> matchers) const {
  std::vector<Entry> entries;
  Selection selection(matchers);
  bool in_order = true;
  {
    const std::lock_guard lock(state_->mutex);
    const bool by_name = std::any_of(matchers.begin(), matchers.end(), [](const Matcher& matcher) {
      return matcher.name() == name_label && matcher.only().size() == 1;
    });
    const FamilyEntry* family = state_->named(matchers);
    if (by_name && !family) return entries;
    const std::size_t all = family ? family->members.size() : state_->size;
    if (const auto chosen = state_->with_labels(matchers, all)) {
      for (const std::uint32_t index : *chosen) {
        if (!family || state_->slots[index].info->family == family->family) entries.push_back(state_->entry_of(index));
      }
      in_order = entries.size() < 2;
    } else if (family) {
      entries.reserve(all);
      for (const std::uint32_t index : family->members) entries.push_back(state_->entry_of(index));
    } else {
      for (const auto& [name, each] : state_->families) {
        if (!selection.takes_metric(name)) continue;
        for (const std::uint32_t index : each.members) entries.push_back(state_->entry_of(index));
      }
    }
  }
  std::erase_if(entries, [&](const Entry& entry) { return !selection.takes(entry.info->family->name, entry.info->labels); });
  if (!in_order) std::sort(entries.begin(), entries.end(), in_page_order);
  return entries;
}

std::vector<SeriesId> Catalog::select(std::span<const Matcher> matchers) const {
  const auto entries = find(matchers);
  std::vector<SeriesId> selected;
  selected.reserve(entries.size());
  for (const Entry& entry : entries) selected.push_back(entry.id);
  return selected;
}

std::shared_ptr<const SeriesInfo> Catalog::info(SeriesId id) const {
  const std::lock_guard lock(state_->mutex);
  return state_->alive(id) ? state_->slots[id.index].info : nullptr;
}

std::uint64_t Catalog::generation() const { return state_->generation.load(std::memory_order_acquire); }

std::size_t Catalog::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->size;
}

std::uint64_t Catalog::overflowed() const { return counts().overflowed; }

Catalog::Counts Catalog::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

std::vector<Catalog::Refusals> Catalog::refusals() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Refusals> found;
  for (const auto& [name, family] : state_->families) {
    if (family.refused > 0) found.push_back({name, family.refused});
  }
  return found;
}

const Labels& Catalog::common_labels() const { return state_->common_labels; }

std::vector<Catalog::Entry> Catalog::ordered() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Entry> entries;
  entries.reserve(state_->size);
  for (const auto& [name, family] : state_->families) {
    for (const std::uint32_t member : family.members) entries.push_back(state_->entry_of(member));
  }
  return entries;
}

std::vector<SeriesId> Catalog::unheld() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<SeriesId> ids;
  for (std::uint32_t index = 0; index < state_->slots.size(); ++index) {
    const Slot& slot = state_->slots[index];
    if (slot.info && slot.handles == 0) ids.push_back({index, slot.epoch});
  }
  return ids;
}

bool Catalog::forget(SeriesId id) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->alive(id) || state_->slots[id.index].handles > 0) return false;
  Slot& slot = state_->slots[id.index];
  const auto entry = state_->families.find(slot.info->family->name);
  FamilyEntry& family = entry->second;
  family.members.erase(state_->place_of(family, slot.info->labels));
  state_->by_label.remove(id.index, slot.info->labels);
  if (family.members.empty()) state_->families.erase(entry);
  slot.info.reset();
  if (std::exchange(slot.is_overflow, false)) --state_->overflow_series;
  ++slot.epoch;
  state_->free.push_back(id.index);
  --state_->size;
  ++state_->generation;
  return true;
}

void Catalog::release(SeriesId id) {
  const std::lock_guard lock(state_->mutex);
  assert(state_->alive(id) && state_->slots[id.index].handles > 0);
  --state_->slots[id.index].handles;
}

SeriesHandle& SeriesHandle::operator=(SeriesHandle&& other) noexcept {
  if (this != &other) {
    if (catalog_) catalog_->release(id_);
    catalog_ = std::exchange(other.catalog_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

SeriesHandle::~SeriesHandle() {
  if (catalog_) catalog_->release(id_);
}

}  // namespace sidewatch
