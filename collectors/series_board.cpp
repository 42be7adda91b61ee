#include "collectors/series_board.h"

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
  return place;
}

void SeriesBoard::remove(Place place) {
  Entry& entry = entries_[place];
  entry.family.reset();
  entry.labels = {};
  ++entry.epoch;
  free_.push_back(place);
}

void SeriesBoard::add_exemplar(Place place, Exemplar exemplar) {
  if (waiting_.size() < max_waiting) waiting_.push_back({place, entries_[place].epoch, std::move(exemplar)});
}

void BoardWriter::write(SeriesBoard& board, Catalog& catalog, Batch& batch, Exemplars* exemplars) {
  held_.resize(board.entries_.size());
  left_out_ = 0;
  const bool may_have_room = budget_.begin_pass(catalog);
  for (std::size_t place = 0; place < held_.size(); ++place) {
    const auto& entry = board.entries_[place];
    Held& held = held_[place];
    if (!entry.family) {
      if (held.is_asked) held = {};
      continue;
    }
    if (!held.is_asked || held.epoch != entry.epoch || (!held.is_settled && may_have_room)) {
      const Family& family = *entry.family;
      auto given = budget_.series(catalog, {family.name, family.type, family.unit, family.help}, entry.labels);
      held = {std::move(given.series), true, given.settled, entry.epoch};
    }
    if (!held.series) ++left_out_;
    batch.add(held.series, entry.value);
  }
  if (exemplars != nullptr) write_exemplars(board, catalog, *exemplars);
  board.waiting_.clear();
}

void BoardWriter::write_exemplars(const SeriesBoard& board, const Catalog& catalog, Exemplars& exemplars) const {
  for (const auto& [place, epoch, exemplar] : board.waiting_) {
    const Held& held = held_[place];
    if (!held.series || held.epoch != epoch) continue;  // the series has ended since
    const auto info = catalog.info(held.series.id());
    if (info && info->labels.get("overflow") != "true") (void)exemplars.add(info, exemplar);
  }
}

}  // namespace sidewatch
