// What is asked of an SQL server, as a table: the statement, for whom it is, and what its columns become.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/database/sql.h"
#include "metrics/catalog.h"
#include "metrics/metric.h"
#include "metrics/store.h"

namespace sidewatch::database {

// Takes the rows of one query and makes samples of them.
class RowSink {
 public:
  virtual ~RowSink() = default;

  // Everything that the rows hold, added to `batch`, which is kept until the query is asked again. Returns what could
  // not be used (a column that is not there, a cell that is no number); the rest is added all the same.
  virtual std::optional<Failure> take(const Rows& rows, Batch& batch) = 0;
};

// One column of an answer, found by its name: a label of the row's series, or the value of one of them.
struct Column {
  std::string_view name;   // as the server answers; case does not matter
  std::string_view label;  // the label it becomes; empty when it is a value
  Metric metric{};         // of a value. NULL is no sample; true and false are 1 and 0
  double factor = 1;       // the value is multiplied by it: 0.001 where the server counts milliseconds
};
constexpr Column label(std::string_view name, std::string_view as) { return {name, as}; }
constexpr Column label(std::string_view name) { return {name, name}; }
constexpr Column value(std::string_view name, const Metric& metric, double factor = 1) {
  return {name, {}, metric, factor};
}

// A table of columns as a sink: each row is one set of labels, each value column one series of it. What the columns
// refer to (names, help) must outlive it.
std::unique_ptr<RowSink> make_column_sink(std::vector<Column> columns, Catalog& catalog, const Labels& labels);

struct Query {
  std::string_view name{};     // the label `query` of its errors and duration
  std::string_view sql{};
  Versions versions{};         // of the servers it is asked of
  Duration every{0};           // its answer stands so long; 0: asked in each pass
  Duration timeout{0};         // 0: the instance's
  std::size_t max_rows = 1000;
  bool must_exist = true;      // false: that there is no such thing on the server (an extension) is no trouble
  const bool* unless = nullptr;  // it is not asked while this is true
};

}  // namespace sidewatch::database
