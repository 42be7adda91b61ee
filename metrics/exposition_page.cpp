// Implementation of exposition_page.h.
#include "metrics/exposition_page.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "metrics/exemplars.h"

namespace sidewatch {
namespace {

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

// What OpenMetrics makes a family's type depend on (see exposition.cpp and compound.cpp).
bool is_whole(double value) { return value == std::trunc(value) && std::isfinite(value); }

bool changes_only_itself(MetricType type, double before, double after) {
  switch (type) {
    case MetricType::gauge:
    case MetricType::untyped: return true;
    case MetricType::counter: return (before >= 0) == (after >= 0);
    case MetricType::histogram:
    case MetricType::summary:
      return (before >= 0) == (after >= 0) && is_whole(before) == is_whole(after) &&
             std::isnan(before) == std::isnan(after);
  }
  return false;
}

}  // namespace

std::string ExpositionPage::draw(const Store& store, const std::string* before) {
  if (before != nullptr && can_redraw(store)) return redraw(*before);
  return draw_anew(store, before == nullptr ? 0 : before->size());
}

bool ExpositionPage::can_redraw(const Store& store) {
  if (!store.values(lineup_, fresh_)) return false;
  if (format_ == ExpositionFormat::prometheus_text) return true;
  if (shows_exemplars_ || (exemplars_ != nullptr && exemplars_->version() != exemplars_version_)) return false;
  return std::all_of(places_.begin(), places_.end(), [this](const ValuePlace& place) {
    return changes_only_itself(place.type, values_[place.series], fresh_[place.series]);
  });
}

std::string ExpositionPage::redraw(const std::string& before) {
  const std::uint64_t lineup = std::exchange(lineup_, 0);  // should memory run out on the way, the next is drawn anew
  std::string page;
  page.reserve(before.size() + before.size() / 16);
  std::size_t copied = 0;  // of the text before
  for (ValuePlace& place : places_) {
    const std::size_t was_at = place.begin;
    place.begin = static_cast<std::uint32_t>(page.size() + was_at - copied);
    const double value = fresh_[place.series];
    if (same_bits(value, values_[place.series])) continue;
    page.append(before, copied, was_at - copied);
    append_value(page, value);
    copied = before.find('\n', was_at);
  }
  page.append(before, copied);
  std::swap(values_, fresh_);
  lineup_ = lineup;
  return page;
}

std::string ExpositionPage::draw_anew(const Store& store, std::size_t likely_size) {
  std::string page;
  page.reserve(likely_size + likely_size / 16);
  lineup_ = 0;
  std::uint64_t lineup = 0;
  const auto series = store.snapshot(&lineup);
  values_.clear();
  for (const SeriesValue& one : series) values_.push_back(one.last.value);
  places_.clear();
  exemplars_version_ = exemplars_ == nullptr ? 0 : exemplars_->version();
  shows_exemplars_ = render_exposition(series, format_, page, &places_, exemplars_) > 0;
  lineup_ = lineup;
  return page;
}

}  // namespace sidewatch
