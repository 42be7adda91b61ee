#include "metrics/exemplars.h"

#include "base/utf8.h"

namespace sidewatch {
namespace {

bool labels_fit(const Labels& labels) {
  std::size_t characters = 0;
  for (const Label& label : labels) characters += count_characters(label.name) + count_characters(label.value);
  return characters <= Exemplars::max_label_characters;
}

// Without a time of its own an exemplar is known by what it says.
bool is_newer(const Exemplar& exemplar, const Exemplar& last) {
  if (exemplar.has_own_time && last.has_own_time) return exemplar.at > last.at;
  return exemplar.value != last.value || exemplar.labels != last.labels;
}

}  // namespace

bool Exemplars::add(const std::shared_ptr<const SeriesInfo>& series, Exemplar exemplar) {
  if (!series || !labels_fit(exemplar.labels)) return false;
  const std::lock_guard lock(mutex_);
  Ring& ring = rings_[series.get()];
  ring.series = series;
  if (!ring.kept.empty() && !is_newer(exemplar, ring.kept.back().exemplar)) return false;
  ring.kept.push_back({++last_number_, std::move(exemplar)});
  order_.emplace_back(series.get(), last_number_);
  ++size_;
  if (ring.kept.size() > limits_.per_series) {
    ring.kept.pop_front();
    --size_;
  }
  while (order_.size() > limits_.in_all) {
    const auto [oldest, number] = order_.front();
    order_.pop_front();
    const auto found = rings_.find(oldest);
    if (found == rings_.end() || found->second.kept.front().number != number) continue;
    found->second.kept.pop_front();
    --size_;
    if (found->second.kept.empty()) rings_.erase(found);
  }
  return true;
}

std::optional<Exemplar> Exemplars::newest(const SeriesInfo& series) const {
  const std::lock_guard lock(mutex_);
  const auto found = rings_.find(&series);
  if (found == rings_.end()) return std::nullopt;
  return found->second.kept.back().exemplar;
}

std::vector<Exemplars::OfSeries> Exemplars::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<OfSeries> result;
  result.reserve(rings_.size());
  for (const auto& [info, ring] : rings_) {
    OfSeries& of = result.emplace_back();
    of.series = ring.series;
    for (const Kept& kept : ring.kept) of.exemplars.push_back(kept.exemplar);
  }
  return result;
}

std::size_t Exemplars::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

std::uint64_t Exemplars::version() const {
  const std::lock_guard lock(mutex_);
  return last_number_;
}

}  // namespace sidewatch
