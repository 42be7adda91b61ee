// The catalog: one lock around the table of series, what it mends before it asks there, and the budgets. See catalog.h.
//
// Under the lock candidates are only collected; they are looked at without it.
//
// Overflow series do not count against max_series, of which they would else take the last room: there is at most one for
// each metric that has others, and no metric gets one alone once the catalog is full.
#include "metrics/catalog.h"

#include <algorithm>
#include <mutex>
#include <string_view>

#include "base/utf8.h"
#include "metrics/outside_series.h"
#include "metrics/selection.h"
#include "metrics/series_table.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

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

  struct Obtained {
    SeriesId id;
    bool overflowed = false;
  };
  Obtained obtain(const Metric& metric, const Labels& labels, Origin origin);
  Labels mend(const Labels& labels);
  Obtained overflow(const Metric& metric, SeriesTable::Members* family, std::size_t most_series);

  const Limits limits;
  Counts counts;
  const Labels common_labels;
  mutable std::mutex mutex;
  SeriesTable table;
};

Catalog::State::Obtained Catalog::State::obtain(const Metric& metric, const Labels& labels, Origin origin) {
  std::string name(metric.name);
  if (!is_legal_metric_name(name)) {
    name = mend_metric_name(name);
    ++counts.mended;
  }
  Labels complete = mend(labels).or_else(common_labels);
  SeriesTable::Members* const family = table.find(name);
  if (family && family->family->type != metric.type) ++counts.type_conflicts;
  const std::size_t most_series = origin == Origin::agent ? limits.max_series : room_for_outside(limits.max_series);
  if (origin == Origin::refused_outside) return overflow(metric, family, most_series);
  if (family) {
    if (const auto known = table.find(*family, complete)) return {*known};
  }
  const bool has_room = table.ordinary() < most_series && complete.size() <= limits.max_labels &&
                        (!family || family->indexes.size() < limits.max_series_per_metric);
  if (!has_room) return overflow(metric, family, most_series);
  auto& members = family ? *family : table.obtain(metric, std::move(name));
  return {table.find_or_add(members, std::move(complete), SeriesTable::Kind::ordinary)};
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

// A known metric has its own overflow series: as many as there are metrics, so at most max_series more. The metrics
// that are not known when the catalog is full share one.
Catalog::State::Obtained Catalog::State::overflow(const Metric& metric, SeriesTable::Members* family,
                                                  std::size_t most_series) {
  ++counts.overflowed;
  if (!family) {
    const Metric& known = table.size() < most_series ? metric : overflow_metric;
    std::string name = mend_metric_name(known.name);
    family = &table.obtain(known, std::move(name));
  }
  ++family->refused;
  Labels labels = overflow_labels(*family->family).or_else(common_labels);
  return {table.find_or_add(*family, std::move(labels), SeriesTable::Kind::overflow), true};
}

Catalog::Catalog(Limits limits, const Labels& common_labels)
    : state_(std::make_unique<State>(limits, common_labels)) {}
Catalog::~Catalog() = default;

Catalog::Given Catalog::ask(const Metric& metric, const Labels& labels, Origin origin) {
  const std::lock_guard lock(state_->mutex);
  const auto [id, overflowed] = state_->obtain(metric, labels, origin);
  state_->table.hold(id);
  return {SeriesHandle(this, id), overflowed};
}

std::vector<Catalog::Entry> Catalog::find(std::span<const Matcher> matchers) const {
  Selection selection(matchers);
  SeriesTable::Candidates found;
  {
    const std::lock_guard lock(state_->mutex);
    found = state_->table.candidates(matchers, selection);
  }
  auto& [entries, in_order] = found;
  std::erase_if(entries, [&](const Entry& entry) { return !selection.takes(entry.info->family->name, entry.info->labels); });
  if (!in_order) std::sort(entries.begin(), entries.end(), in_page_order);
  return std::move(entries);
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
  return state_->table.info(id);
}

std::uint64_t Catalog::generation() const { return state_->table.generation(); }

std::size_t Catalog::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->table.size();
}

std::uint64_t Catalog::overflowed() const { return counts().overflowed; }

Catalog::Counts Catalog::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

std::vector<Catalog::Refusals> Catalog::refusals() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Refusals> found;
  for (const auto& [name, family] : state_->table.families()) {
    if (family.refused > 0) found.push_back({name, family.refused});
  }
  return found;
}

const Labels& Catalog::common_labels() const { return state_->common_labels; }

std::vector<Catalog::Entry> Catalog::ordered() const {
  const std::lock_guard lock(state_->mutex);
  return state_->table.ordered();
}

std::vector<SeriesId> Catalog::unheld() const {
  const std::lock_guard lock(state_->mutex);
  return state_->table.unheld();
}

bool Catalog::forget(SeriesId id) {
  const std::lock_guard lock(state_->mutex);
  return state_->table.forget(id);
}

void Catalog::release(SeriesId id) {
  const std::lock_guard lock(state_->mutex);
  state_->table.release(id);
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
