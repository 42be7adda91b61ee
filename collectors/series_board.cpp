#include "collectors/series_board.h"

#include <algorithm>
#include <utility>

namespace sidewatch {

SeriesBoard::Place SeriesBoard::add(std::shared_ptr<const Family> family, Labels labels) {
  if (free_.empty()) {
    free_.push_back(static_cast<Place>(entries_.size()));
    entries_.emplace_back();
  }
  const Place place = free_.back();
  free_.pop_back();
  Entry& entry = entries_[place];
  entry.family = std::move(family);
  entry.labels = std::move(labels);
  entry.value = 0;
  entry.before.reset();
  return place;
}

void SeriesBoard::begin(Place place, double before) {
  entries_[place].value = before;
  entries_[place].before = before;
}

void SeriesBoard::remove(Place place) {
  Entry& entry = entries_[place];
  entry.family.reset();
  entry.labels = {};
  entry.is_lost = false;
  ++entry.epoch;
  free_.push_back(place);
}

void SeriesBoard::add_exemplar(Place place, Exemplar exemplar) {
  if (waiting_.size() < max_waiting) waiting_.push_back({place, entries_[place].epoch, std::move(exemplar)});
}

void BoardWriter::lost(const std::vector<LostSeries>& series) {
  lost_.clear();
  for (const auto& each : series) lost_.push_back(each.series);
  std::ranges::sort(lost_);
}

void BoardWriter::write(SeriesBoard& board, Catalog& catalog, Batch& batch, Exemplars* exemplars) {
  held_.resize(board.entries_.size());
  over_budget_ = 0;
  twins_ = 0;
  const bool may_have_room = budget_.begin_pass(catalog);
  const bool had_ended = std::exchange(has_ended_, false);
  board.any_lost_ = !lost_.empty();
  for (std::size_t place = 0; place < held_.size(); ++place) {
    auto& entry = board.entries_[place];
    Held& held = held_[place];
    if (!entry.family) {
      has_ended_ = has_ended_ || held.series;
      if (held.is_asked) held = {};
      continue;
    }
    const bool may_be_better_off = !held.is_settled && (held.is_twin ? had_ended : may_have_room);
    const bool is_another = held.is_asked && held.epoch != entry.epoch;
    has_ended_ = has_ended_ || (is_another && held.series);
    if (!held.is_asked || is_another || may_be_better_off) ask(board, static_cast<SeriesBoard::Place>(place), catalog);
    if (!held.series) ++(held.is_twin ? twins_ : over_budget_);
    entry.is_lost = board.any_lost_ && held.series && std::ranges::binary_search(lost_, held.series.id());
    if (const auto before = std::exchange(entry.before, std::nullopt)) {
      batch.begin(held.series, *before, entry.value);
    } else {
      batch.add(held.series, entry.value);
    }
  }
  if (exemplars != nullptr) write_exemplars(board, catalog, *exemplars);
  board.waiting_.clear();
}

void BoardWriter::ask(const SeriesBoard& board, SeriesBoard::Place place, Catalog& catalog) {
  const auto& entry = board.entries_[place];
  const Family& family = *entry.family;
  auto given = budget_.series(catalog, {family.name, family.type, family.unit, family.help}, entry.labels);
  const bool twin = given.settled && is_twin(board, place, given.series.id());
  if (twin) given = {};
  held_[place] = {std::move(given.series), true, given.settled, twin, entry.epoch};
}

// Where it is none, the place becomes the series' owner.
bool BoardWriter::is_twin(const SeriesBoard& board, SeriesBoard::Place place, SeriesId id) {
  const auto [owner, is_new] = owners_.try_emplace(id.index, place);
  if (is_new || owner->second == place) return false;
  const Held& other = held_[owner->second];
  const auto& on_board = board.entries_[owner->second];
  const bool stands = on_board.family && on_board.epoch == other.epoch;  // and did not end since the last pass
  if (stands && other.series && other.series.id() == id) return true;
  owner->second = place;
  return false;
}

std::string BoardWriter::what_is_wrong(std::string_view key) const {
  if (over_budget_ > 0) return SeriesBudget::what_is_wrong(key);
  return "series are left out that would be the same as another, as characters that may not stand in a name become '_' and "
         "long values of labels are cut (limits.max_label_value_bytes)";
}

void BoardWriter::write_exemplars(const SeriesBoard& board, const Catalog& catalog, Exemplars& exemplars) const {
  for (const auto& [place, epoch, exemplar] : board.waiting_) {
    const Held& held = held_[place];
    if (!held.series || held.epoch != epoch || board.is_lost(place)) continue;  // the series has ended since, or is another's
    const auto info = catalog.info(held.series.id());
    if (info && info->labels.get("overflow") != "true") (void)exemplars.add(info, exemplar);
  }
}

}  // namespace sidewatch
