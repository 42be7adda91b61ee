// Where what is sent to the agent stands as series until a pass writes it down: a table of current values.
//
// A PushTarget may outlive the catalog and so holds no SeriesHandle. It holds a board: each of its series has a place here,
// with its name, labels and last value. The collector's pass writes the board through a BoardWriter, which keeps the
// handles beside it. Examples of what was counted wait here likewise. Neither locks: whoever owns the board does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/series_budget.h"
#include "metrics/catalog.h"
#include "metrics/contests.h"
#include "metrics/exemplars.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

class SeriesBoard {
 public:
  using Place = std::uint32_t;

  // With the value 0. The place of a removed series is used again.
  Place add(std::shared_ptr<const Family> family, Labels labels);
  void remove(Place place);

  void set(Place place, double value) { entries_[place].value = value; }
  // Of a new one that adds up what is sent: it goes on from `before`, and the next pass tells that it was there.
  void begin(Place place, double before);
  double value(Place place) const { return entries_[place].value; }
  const Labels& labels(Place place) const { return entries_[place].labels; }
  const Family& family(Place place) const { return *entries_[place].family; }

  // In the last pass another input had this series, and what was written to it was left out.
  bool is_lost(Place place) const { return any_lost_ && entries_[place].is_lost; }

  // Waits for the next pass; beyond max_waiting it is left out.
  void add_exemplar(Place place, Exemplar exemplar);
  static constexpr std::size_t max_waiting = 1000;

  std::size_t size() const { return entries_.size() - free_.size(); }

 private:
  friend class BoardWriter;
  struct Entry {
    std::shared_ptr<const Family> family;  // null: nothing is here
    Labels labels;
    double value = 0;
    std::optional<double> before;  // of one that begins with the next pass
    std::uint32_t epoch = 0;  // how many series were here before
    bool is_lost = false;
  };
  struct Waiting {
    Place place = 0;
    std::uint32_t epoch = 0;
    Exemplar exemplar;
  };
  std::vector<Entry> entries_;
  std::vector<Place> free_;
  std::vector<Waiting> waiting_;
  bool any_lost_ = false;
};

class BoardWriter {
 public:
  // Of `max_series` that the catalog remembers at most, those that the board no longer has among them.
  explicit BoardWriter(std::size_t max_series = SeriesBudget::unlimited) : budget_(max_series) {}

  // What the store says is others' of the pass before; the next write() marks it on the board.
  void lost(const std::vector<LostSeries>& series);

  // Adds every series of the board to the batch, and the examples that wait to `exemplars`, where there is such a place.
  // Without new series and examples it allocates nothing.
  void write(SeriesBoard& board, Catalog& catalog, Batch& batch, Exemplars* exemplars);

  // Of the board's series, in the last pass: for want of budget, or because another of them is the same series in the
  // catalog, where names are mended and long values are cut. In words: `key` is what raises the budget.
  std::size_t left_out() const { return over_budget_ + twins_; }
  std::string what_is_wrong(std::string_view key) const;

 private:
  void write_exemplars(const SeriesBoard& board, const Catalog& catalog, Exemplars& exemplars) const;

  struct Held {
    SeriesHandle series;
    bool is_asked = false;    // for this epoch
    bool is_settled = false;  // else it is asked for again once there may be room
    bool is_twin = false;     // of another's that is served
    std::uint32_t epoch = 0;
  };
  void ask(const SeriesBoard& board, SeriesBoard::Place place, Catalog& catalog);
  bool is_twin(const SeriesBoard& board, SeriesBoard::Place place, SeriesId id);

  SeriesBudget budget_;
  std::vector<SeriesId> lost_;  // in order
  std::vector<Held> held_;                                        // by place
  std::unordered_map<std::uint32_t, SeriesBoard::Place> owners_;  // by the index of a series; some have ended
  bool has_ended_ = false;                                        // any that was served, in the last pass
  std::size_t over_budget_ = 0;
  std::size_t twins_ = 0;
};

}  // namespace sidewatch
