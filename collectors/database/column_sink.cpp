// Rows as series: the label cells of a row say which, the value cells what they are worth.
//
// In the steady state a row costs one search for its labels and allocates nothing. The series of a row that an answer
// no longer holds are let go at once.
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "collectors/database/number.h"
#include "collectors/database/query.h"

namespace sidewatch::database {
namespace {

// What a cell is worth as a number. SQL's booleans are numbers; dates and texts are not.
std::optional<double> number_in(std::string_view cell) {
  while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
  while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
  if (cell == "t" || cell == "true" || cell == "TRUE") return 1;
  if (cell == "f" || cell == "false" || cell == "FALSE") return 0;
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  return whole_number(cell);
}

Failure malformed(std::string text) { return {FailureKind::malformed, std::move(text), false}; }

class ColumnSink final : public RowSink {
 public:
  ColumnSink(std::vector<Column> columns, Catalog& catalog, const Labels& labels)
      : columns_(std::move(columns)), catalog_(catalog), labels_(labels) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    trouble_.reset();
    ++round_;
    find_columns(rows);
    for (std::size_t row = 0; row < rows.size(); ++row) take_row(rows, row, batch);
    std::erase_if(known_, [&](const auto& entry) { return entry.second.round != round_; });
    return std::move(trouble_);
  }

 private:
  static constexpr std::size_t absent = static_cast<std::size_t>(-1);

  struct Known {
    std::vector<SeriesHandle> series;  // one for each value column
    std::uint64_t round = 0;
  };

  void note(Failure failure) {
    if (!trouble_) trouble_ = std::move(failure);
  }

  void find_columns(const Rows& rows) {
    places_.clear();
    for (const auto& column : columns_) {
      const auto place = rows.column(column.name);
      if (!place) {
        note({FailureKind::missing, "the answer has no column '" + std::string(column.name) + "'", false});
      }
      places_.push_back(place.value_or(absent));
    }
  }

  std::string_view label_cell(const Rows& rows, std::size_t row, std::size_t column) const {
    if (places_[column] == absent) return {};
    return rows.cell(row, places_[column]).value_or(std::string_view());
  }

  void take_row(const Rows& rows, std::size_t row, Batch& batch) {
    Known& known = series_of(rows, row);
    if (known.round == round_) {
      note(malformed("two rows have the same labels"));
      return;
    }
    known.round = round_;
    std::size_t next = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = columns_[i];
      if (!column.label.empty()) continue;
      const SeriesHandle& series = known.series[next++];
      if (places_[i] == absent) continue;
      const auto cell = rows.cell(row, places_[i]);
      if (!cell) continue;
      if (const auto number = number_in(*cell)) {
        batch.add(series, *number * column.factor);
      } else {
        note(malformed("the column '" + std::string(column.name) + "' is not a number"));
      }
    }
  }

  Known& series_of(const Rows& rows, std::size_t row) {
    key_.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].label.empty()) continue;
      const auto cell = label_cell(rows, row, i);
      key_ += std::to_string(cell.size());  // so that no two rows' cells read alike
      key_ += ':';
      key_ += cell;
    }
    const auto found = known_.find(key_);
    if (found != known_.end()) return found->second;
    Labels labels = labels_;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].label.empty()) labels = labels.with(columns_[i].label, label_cell(rows, row, i));
    }
    Known known;
    for (const auto& column : columns_) {
      if (column.label.empty()) known.series.push_back(catalog_.series(column.metric, labels));
    }
    return known_.emplace(key_, std::move(known)).first->second;
  }

  const std::vector<Column> columns_;
  Catalog& catalog_;
  const Labels labels_;
  std::vector<std::size_t> places_;
  std::unordered_map<std::string, Known> known_;
  std::string key_;
  std::uint64_t round_ = 0;
  std::optional<Failure> trouble_;
};

}  // namespace

std::unique_ptr<RowSink> make_column_sink(std::vector<Column> columns, Catalog& catalog, const Labels& labels) {
  return std::make_unique<ColumnSink>(std::move(columns), catalog, labels);
}

}  // namespace sidewatch::database
