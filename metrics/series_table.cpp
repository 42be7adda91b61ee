#include "metrics/series_table.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

// A list so many times longer than the one that is found already is not gone through.
constexpr std::size_t worth_intersecting = 16;

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

}  // namespace

SeriesTable::Members* SeriesTable::find(std::string_view name) {
  const auto found = families_.find(name);
  return found == families_.end() ? nullptr : &found->second;
}

SeriesTable::Members& SeriesTable::obtain(const Metric& metric, std::string name) {
  auto& family = families_[name];
  if (!family.family) {
    family.family = std::make_shared<const Family>(
        Family{std::move(name), metric.type, std::string(metric.unit), mend_utf8(metric.help)});
  }
  return family;
}

std::optional<SeriesId> SeriesTable::find(const Members& family, const Labels& labels) const {
  const auto place = place_of(family, labels);
  if (!is_at(place, family, labels)) return std::nullopt;
  return id_of(*place);
}

SeriesId SeriesTable::find_or_add(Members& family, Labels labels, Kind kind) {
  const auto place = place_of(family, labels);
  if (is_at(place, family, labels)) return id_of(*place);
  std::string text = label_text_of(labels);
  auto info = std::make_shared<const SeriesInfo>(SeriesInfo{family.family, std::move(labels), std::move(text)});
  const std::uint32_t index = free_slot();
  slots_[index].info = std::move(info);
  slots_[index].kind = kind;
  family.indexes.insert(place, index);
  by_label_.add(index, slots_[index].info->labels);
  ++size_;
  if (kind == Kind::overflow) ++overflow_;
  ++generation_;
  return id_of(index);
}

bool SeriesTable::alive(SeriesId id) const {
  return id.index < slots_.size() && slots_[id.index].epoch == id.epoch && slots_[id.index].info != nullptr;
}

void SeriesTable::release(SeriesId id) {
  assert(alive(id) && slots_[id.index].handles > 0);
  --slots_[id.index].handles;
}

bool SeriesTable::forget(SeriesId id) {
  if (!alive(id) || slots_[id.index].handles > 0) return false;
  Slot& slot = slots_[id.index];
  const auto entry = families_.find(slot.info->family->name);
  Members& family = entry->second;
  family.indexes.erase(place_of(family, slot.info->labels));
  by_label_.remove(id.index, slot.info->labels);
  if (family.indexes.empty()) families_.erase(entry);
  slot.info.reset();
  if (slot.kind == Kind::overflow) --overflow_;
  ++slot.epoch;
  free_.push_back(id.index);
  --size_;
  ++generation_;
  return true;
}

std::vector<SeriesId> SeriesTable::unheld() const {
  std::vector<SeriesId> ids;
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].info && slots_[index].handles == 0) ids.push_back(id_of(index));
  }
  return ids;
}

SeriesTable::Candidates SeriesTable::candidates(std::span<const Matcher> matchers, const Selection& selection) const {
  Candidates found;
  const auto asked = named(matchers);
  if (asked && !*asked) return found;
  const Members* const family = asked.value_or(nullptr);
  const std::size_t all = family ? family->indexes.size() : size_;
  if (const auto chosen = with_labels(matchers, all)) {
    for (const std::uint32_t index : *chosen) {
      if (!family || slots_[index].info->family == family->family) found.entries.push_back(entry_of(index));
    }
    found.in_order = found.entries.size() < 2;
    return found;
  }
  found.entries.reserve(family ? all : 0);
  const auto take = [&](const Members& members) {
    for (const std::uint32_t index : members.indexes) found.entries.push_back(entry_of(index));
  };
  if (family) {
    take(*family);
    return found;
  }
  for (const auto& [name, each] : families_) {
    if (selection.takes_metric(name)) take(each);
  }
  return found;
}

std::vector<Catalog::Entry> SeriesTable::ordered() const {
  std::vector<Catalog::Entry> entries;
  entries.reserve(size_);
  for (const auto& [name, family] : families_) {
    for (const std::uint32_t index : family.indexes) entries.push_back(entry_of(index));
  }
  return entries;
}

SeriesTable::Place SeriesTable::place_of(const Members& family, const Labels& labels) const {
  const auto before = [&](std::uint32_t index, const Labels& wanted) { return slots_[index].info->labels < wanted; };
  return std::lower_bound(family.indexes.begin(), family.indexes.end(), labels, before);
}

bool SeriesTable::is_at(Place place, const Members& family, const Labels& labels) const {
  return place != family.indexes.end() && slots_[*place].info->labels == labels;
}

std::uint32_t SeriesTable::free_slot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

// Absent: no name is asked for. Null: there is none of the name that is.
std::optional<const SeriesTable::Members*> SeriesTable::named(std::span<const Matcher> matchers) const {
  for (const Matcher& matcher : matchers) {
    if (matcher.name() != name_label || matcher.only().size() != 1) continue;
    const auto found = families_.find(matcher.only().front());
    return found == families_.end() ? nullptr : &found->second;
  }
  return std::nullopt;
}

// The series, by number, that have the labels that are asked for by value; some may be among them that do not. Nothing
// when no label is asked for so, or when these are no fewer than `all`.
std::optional<std::vector<std::uint32_t>> SeriesTable::with_labels(std::span<const Matcher> matchers,
                                                                   std::size_t all) const {
  std::vector<std::pair<std::size_t, const Matcher*>> rarest_first;
  for (const Matcher& matcher : matchers) {
    if (matcher.only().empty() || matcher.name() == name_label) continue;
    std::size_t count = 0;
    for (const std::string& value : matcher.only()) count += by_label_.find(matcher.name(), value).size();
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

std::vector<std::uint32_t> SeriesTable::having(const Matcher& matcher) const {
  std::vector<std::uint32_t> result;
  for (const std::string& value : matcher.only()) {
    for (const auto& posting : by_label_.find(matcher.name(), value)) result.push_back(posting.series);
  }
  if (matcher.only().size() == 1) return result;
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace sidewatch
