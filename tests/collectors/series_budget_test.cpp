// That one source cannot fill the catalog, however often it changes its series' names; and that a board's series which had
// no room get it later.
#include "collectors/series_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "collectors/series_board.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Metric metric{"a", MetricType::gauge, "", "A."};

class SeriesBudgetTest : public testing::Test {
 protected:
  // A pass of a source that sends these and nothing else. Returns how many of them had no room.
  std::size_t pass(const std::vector<Labels>& sent) {
    now += 10s;
    const bool may_have_room = budget.begin_pass(catalog);
    std::vector<SeriesHandle> handles;
    Batch batch;
    std::size_t left_out = 0;
    for (const auto& labels : sent) {
      auto given = budget.series(catalog, metric, labels);
      if (!given.series) ++left_out;
      batch.add(given.series, 1);
      handles.push_back(std::move(given.series));
    }
    held = std::move(handles);
    store.append(source, now, batch);
    store.expire(now);
    said_room = may_have_room;
    return left_out;
  }
  static std::vector<Labels> numbered(int from, int to) {
    std::vector<Labels> all;
    for (int i = from; i < to; ++i) all.push_back(Labels{{"id", std::to_string(i)}});
    return all;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, {60s, std::size_t{1} << 20}};
  SourceId source = store.add_source("s");
  SeriesBudget budget{10};
  std::vector<SeriesHandle> held;
  Time now = time_at_ms(1'000'000);
  bool said_room = false;
};

TEST_F(SeriesBudgetTest, CountsWhatEndedUntilTheStoreHasForgottenIt) {
  EXPECT_EQ(pass(numbered(0, 8)), 0U);
  EXPECT_EQ(pass(numbered(100, 108)), 6U);
  EXPECT_EQ(pass(numbered(200, 208)), 8U);
  EXPECT_EQ(catalog.size(), 10U);
  EXPECT_FALSE(said_room);
  now += 3min;
  pass({});  // in which the store forgets
  EXPECT_EQ(pass(numbered(300, 308)), 0U);
  EXPECT_TRUE(said_room);
}

TEST_F(SeriesBudgetTest, GivesBackASeriesThatTheSourceHadBefore) {
  pass(numbered(0, 10));
  EXPECT_EQ(pass({}), 0U);
  EXPECT_EQ(pass(numbered(5, 12)), 2U);
}

TEST_F(SeriesBudgetTest, CountsASeriesThatCallsItselfTheOverflow) {
  std::vector<Labels> sent;
  for (const auto& labels : numbered(0, 20)) sent.push_back(labels.with("overflow", "true"));
  EXPECT_EQ(pass(sent), 10U);
  EXPECT_EQ(catalog.size(), 10U);
}

class BoardWriterTest : public testing::Test {
 protected:
  std::vector<std::string> pass(BoardWriter& writer) {
    Batch batch;
    writer.write(board, catalog, batch, nullptr);
    std::vector<std::string> written;
    for (const auto& sample : batch.samples()) written.push_back(catalog.info(sample.series)->labels.to_string());
    return written;
  }
  SeriesBoard::Place add(const std::string& id) { return board.add(family, Labels{{"id", id}}); }

  std::shared_ptr<const Family> family = std::make_shared<const Family>(Family{"a", MetricType::gauge, "", "A."});
  Catalog catalog{Catalog::Limits{.max_series = 3}, Labels{}};
  SeriesBoard board;
};

TEST_F(BoardWriterTest, LeavesTheOverflowOnceTheCatalogHasRoom) {
  Store store(catalog, {60s, std::size_t{1} << 20});
  std::vector<SeriesHandle> others;
  for (const char* name : {"b", "c"}) others.push_back(catalog.series({name, MetricType::gauge, "", ""}, {}));
  BoardWriter writer;
  add("1");
  add("2");
  EXPECT_THAT(pass(writer), testing::ElementsAre(R"({id="1"})", R"({overflow="true"})"));
  EXPECT_EQ(writer.left_out(), 0U);
  const auto asked = catalog.overflowed();
  pass(writer);
  EXPECT_EQ(catalog.overflowed(), asked) << "not in each pass";
  others.clear();
  store.expire(time_at_ms(1'000'000));
  EXPECT_THAT(pass(writer), testing::ElementsAre(R"({id="1"})", R"({id="2"})"));
}

TEST_F(BoardWriterTest, LeavesOutWhatIsBeyondItsBudgetAndTellsHowMany) {
  BoardWriter writer(1);
  add("1");
  const auto second = add("2");
  EXPECT_THAT(pass(writer), testing::ElementsAre(R"({id="1"})"));
  EXPECT_EQ(writer.left_out(), 1U);
  pass(writer);
  EXPECT_EQ(writer.left_out(), 1U) << "in each pass, though it is asked for once";
  board.remove(second);
  pass(writer);
  EXPECT_EQ(writer.left_out(), 0U);
}

}  // namespace
}  // namespace sidewatch
