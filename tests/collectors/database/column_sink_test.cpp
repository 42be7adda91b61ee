// Rows as series: labels, values, and what is no number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/database/query.h"
#include "tests/collectors/database/begin_rows.h"
#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr Metric orders{"orders", MetricType::gauge, "", "Orders."};
constexpr Metric seconds{"age_seconds", MetricType::gauge, "seconds", "Age."};

using Cells = std::vector<std::optional<std::string_view>>;

class ColumnSinkTest : public ::testing::Test {
 protected:
  std::optional<Failure> take(std::vector<std::string> columns, const Cells& cells) {
    begin_rows(rows, std::move(columns), QueryLimits{});
    for (const auto& cell : cells) EXPECT_TRUE(rows.add(cell));
    under.batch.clear();
    return sink->take(rows, under.batch);
  }

  DatabaseUnderTest under;
  Rows rows;
  std::unique_ptr<RowSink> sink = make_column_sink(
      {label("shop"), label("st", "state"), value("n", orders), value("ms", seconds, 0.001)}, under.catalog,
      under.labels);
};

TEST_F(ColumnSinkTest, MakesOneSeriesOfEachValueInEachRow) {
  EXPECT_FALSE(take({"shop", "st", "n", "ms"}, {"a", "open", "3", "1500", "a", "done", "4.5", "-2"}));
  EXPECT_THAT(under.samples(),
              UnorderedElementsAre(
                  Pair(R"(orders{shop="a", state="open"})", 3), Pair(R"(age_seconds{shop="a", state="open"})", 1.5),
                  Pair(R"(orders{shop="a", state="done"})", 4.5), Pair(R"(age_seconds{shop="a", state="done"})", -0.002)));
}

TEST_F(ColumnSinkTest, FindsColumnsByNameInAnyOrderAndCase) {
  EXPECT_FALSE(take({"MS", "more", "N", "ST", "SHOP"}, {"1000", "x", "1", "open", "a"}));
  EXPECT_THAT(under.samples(), UnorderedElementsAre(Pair(R"(orders{shop="a", state="open"})", 1),
                                                    Pair(R"(age_seconds{shop="a", state="open"})", 1)));
}

TEST_F(ColumnSinkTest, TakesNullForNoSampleAndForNoLabel) {
  EXPECT_FALSE(take({"shop", "st", "n", "ms"}, {"a", std::nullopt, "1", std::nullopt}));
  EXPECT_THAT(under.samples(), ElementsAre(Pair(R"(orders{shop="a"})", 1)));
}

TEST_F(ColumnSinkTest, ReadsBooleansAndNumbersAsServersWriteThem) {
  const std::pair<std::string_view, double> numbers[] = {{"t", 1},    {"f", 0},       {"true", 1}, {"FALSE", 0},
                                                         {" 12 ", 12}, {"1e3", 1000}, {"+5", 5},   {"0.25", 0.25}};
  for (const auto& [text, number] : numbers) {
    EXPECT_FALSE(take({"shop", "st", "n", "ms"}, {"a", "x", text, std::nullopt})) << text;
    EXPECT_THAT(under.samples(), ElementsAre(Pair(R"(orders{shop="a", state="x"})", number))) << text;
  }
}

TEST_F(ColumnSinkTest, NamesTheColumnThatIsNoNumberAndKeepsTheRest) {
  for (const std::string_view text : {"", "abc", "1.5x", "2026-01-01", "0x10", "1e999", "1 2"}) {
    const auto failure = take({"shop", "st", "n", "ms"}, {"a", "x", text, "1000"});
    ASSERT_TRUE(failure) << text;
    EXPECT_EQ(failure->kind, FailureKind::malformed);
    EXPECT_EQ(failure->text, "the column 'n' is not a number");
    EXPECT_THAT(under.samples(), ElementsAre(Pair(R"(age_seconds{shop="a", state="x"})", 1)));
  }
}

TEST_F(ColumnSinkTest, NamesTheColumnThatIsNotThereAndKeepsTheRest) {
  const auto failure = take({"shop", "st", "n"}, {"a", "x", "1"});
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::missing);
  EXPECT_EQ(failure->text, "the answer has no column 'ms'");
  EXPECT_THAT(under.samples(), ElementsAre(Pair(R"(orders{shop="a", state="x"})", 1)));
}

TEST_F(ColumnSinkTest, RefusesTheSecondOfTwoRowsWithTheSameLabels) {
  const auto failure = take({"shop", "st", "n", "ms"}, {"a", "x", "1", "1000", "a", "x", "2", "2000"});
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->text, "two rows have the same labels");
  EXPECT_THAT(under.samples(), UnorderedElementsAre(Pair(R"(orders{shop="a", state="x"})", 1),
                                                    Pair(R"(age_seconds{shop="a", state="x"})", 1)));
}

TEST_F(ColumnSinkTest, TellsRowsApartWhoseCellsReadAlikeWhenPutTogether) {
  EXPECT_FALSE(take({"shop", "st", "n", "ms"}, {"a1", "1:b", "1", std::nullopt, "a", "11:b", "2", std::nullopt}));
  EXPECT_EQ(under.samples().size(), 2u);
}

TEST_F(ColumnSinkTest, HoldsTheSeriesOfTheLastAnswerOnly) {
  take({"shop", "st", "n", "ms"}, {"a", "x", "1", "1"});
  const auto id = under.batch.samples().front().series;
  take({"shop", "st", "n", "ms"}, {"a", "x", "2", "1"});
  EXPECT_EQ(under.batch.samples().front().series, id);
  take({"shop", "st", "n", "ms"}, {});
  EXPECT_THAT(under.samples(), IsEmpty());
}

}  // namespace
}  // namespace sidewatch::database
