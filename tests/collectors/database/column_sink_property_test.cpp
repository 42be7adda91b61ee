// The column sink on answers that nobody would think of, held against a slow reading of the same rows.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "collectors/database/query.h"
#include "tests/collectors/database/begin_rows.h"
#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database {
namespace {

using Cell = std::optional<std::string>;
using Table = std::vector<std::vector<Cell>>;

constexpr Metric first_metric{"first", MetricType::gauge, "", "First."};
constexpr Metric second_metric{"second", MetricType::counter, "", "Second."};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t end) { return engine_() % end; }

  // Cells that collide, that are almost numbers, and plain noise.
  Cell cell() {
    static const std::vector<Cell> known{std::nullopt, "",     "a",     "b",    "1:a",  "1",    "0",    "-1.5", "1e3",
                                         "1e999",      "nan",  "inf",   "-inf", " 7 ",  "+7",   "+-7",  "0x1p3", "t",
                                         "false",      "1,5",  "1 2",   "é",    "\xff", "\n",   "\"",   "\\",   "NaN"};
    if (below(8) != 0) return known[below(known.size())];
    std::string noise(below(40), '\0');
    for (char& c : noise) c = static_cast<char>(below(256));
    return noise;
  }

 private:
  std::minstd_rand engine_;
};

// What the cell is worth by the C library, for what the sink may not use.
std::optional<double> slowly(const Cell& cell) {
  if (!cell) return std::nullopt;
  std::string text = *cell;
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (text == "t" || text == "true" || text == "TRUE") return 1;
  if (text == "f" || text == "false" || text == "FALSE") return 0;
  if (text.empty() || text.find('\0') != std::string::npos) return std::nullopt;
  if (text.find_first_of("xXpP") != std::string::npos) return std::nullopt;  // hexadecimal is none of SQL's
  if (text.starts_with("+-") || std::string_view(" \t\n\v\f\r").find(text.front()) != std::string_view::npos) {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return std::nullopt;
  const bool said_so = text.find_first_of("iI") != std::string::npos;
  if (std::isinf(value) && !said_so) return std::nullopt;
  return value;
}

struct Expected {
  std::size_t samples = 0;
  bool trouble = false;
};

Expected expected_of(const Table& table) {
  Expected expected;
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& row : table) {
    if (!seen.emplace(row[0].value_or(""), row[1].value_or("")).second) {
      expected.trouble = true;
      continue;
    }
    for (const std::size_t column : {2u, 3u}) {
      const bool number = slowly(row[column]).has_value();
      expected.samples += number ? 1 : 0;
      expected.trouble = expected.trouble || (row[column] && !number);
    }
  }
  return expected;
}

Rows rows_of(const Table& table) {
  Rows rows;
  begin_rows(rows, {"a", "b", "first", "second"}, QueryLimits{});
  for (const auto& row : table) {
    for (const auto& cell : row) {
      EXPECT_TRUE(rows.add(cell ? std::optional<std::string_view>(*cell) : std::nullopt));
    }
  }
  return rows;
}

TEST(ColumnSinkProperty, EveryNumberInTheFirstRowOfItsLabelsIsASampleAndNothingElseIs) {
  DatabaseUnderTest under;
  const auto sink = make_column_sink(
      {label("a"), label("b"), value("first", first_metric), value("second", second_metric)}, under.catalog,
      under.labels);
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    Dice dice(seed);
    Table table(dice.below(12));
    for (auto& row : table) row = {dice.cell(), dice.cell(), dice.cell(), dice.cell()};
    const Rows rows = rows_of(table);
    const Expected expected = expected_of(table);
    under.batch.clear();
    const auto failure = sink->take(rows, under.batch);
    ASSERT_EQ(under.batch.size(), expected.samples) << "seed " << seed;
    ASSERT_EQ(failure.has_value(), expected.trouble) << "seed " << seed << ": " << (failure ? failure->text : "");

    // The same answer once more is the same samples, of the same series.
    Batch again;
    sink->take(rows, again);
    ASSERT_EQ(again.size(), under.batch.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
      ASSERT_EQ(again.samples()[i].series, under.batch.samples()[i].series) << "seed " << seed;
      const double a = again.samples()[i].value;
      const double b = under.batch.samples()[i].value;
      ASSERT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << "seed " << seed;
    }
  }
}

TEST(ColumnSinkProperty, LetsGoOfEveryRowThatIsGone) {
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store(catalog, Store::Limits{});
  const auto sink = make_column_sink({label("a"), value("first", first_metric)}, catalog, Labels{});
  Batch batch;
  for (int round = 0; round < 2000; ++round) {
    Rows rows;
    begin_rows(rows, {"a", "first"}, QueryLimits{});
    rows.add("row " + std::to_string(round));
    rows.add("1");
    batch.clear();
    sink->take(rows, batch);
    store.expire(time_at_ms(round));
    ASSERT_LE(catalog.size(), 2u) << "of " << round << " rows";
  }
}

}  // namespace
}  // namespace sidewatch::database
