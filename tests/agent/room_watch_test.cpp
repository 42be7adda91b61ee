// What is said when the budgets are used up: one line when it begins, one when it is over.
#include "agent/room_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "metrics/outside_series.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RoomWatchTest : public ::testing::Test {
 protected:
  void send(const std::string& name, int from, int to) {
    for (int i = from; i < to; ++i) {
      const Labels labels{{"kind", i % 2 == 0 ? "web" : "app"}, {"req", std::to_string(i)}};
      given.push_back(series_from_outside(catalog, {name, MetricType::counter, "", ""}, labels));
    }
  }
  std::map<std::string, std::string> fields(const RoomWatch::News& news) {
    std::map<std::string, std::string> found;
    for (const auto& field : news.fields) found.emplace(field.key, field.value);
    return found;
  }

  Catalog catalog{Catalog::Limits{.max_series = 100, .max_series_per_metric = 40}, Labels{{"service", "shop"}}};
  RoomWatch watch{catalog, {100, 40}};
  std::vector<OutsideSeries> given;
  Time now = time_at_ms(1'000'000);
};

TEST_F(RoomWatchTest, NamesTheMetricTheLabelAndTheLimitOnce) {
  send("hits", 0, 40);
  EXPECT_FALSE(watch.look(now)) << "there is room for all";
  send("hits", 40, 50);
  auto news = watch.look(now);
  ASSERT_TRUE(news);
  EXPECT_TRUE(news->trouble);
  EXPECT_THAT(news->text, HasSubstr("series are left out"));
  auto said = fields(*news);
  EXPECT_EQ(said["metric"], "hits");
  EXPECT_EQ(said["label"], "req");
  EXPECT_EQ(said["values"], "40");
  EXPECT_EQ(said["limit"], "limits.max_series_per_metric");
  send("hits", 50, 60);
  EXPECT_FALSE(watch.look(now + 1s)) << "that is known";
}

TEST_F(RoomWatchTest, NamesTheLargestMetricWhereAllOfThemTogetherAreTooMany) {
  send("hits", 0, 38);
  send("others", 0, 30);
  send("more", 0, 22);
  send("late", 0, 5);
  auto news = watch.look(now);
  ASSERT_TRUE(news);
  auto said = fields(*news);
  EXPECT_EQ(said["metric"], "hits");
  EXPECT_EQ(said["limit"], "limits.max_series");
}

TEST_F(RoomWatchTest, SpeaksOfTheBudgetOfASourceWhereTheCatalogHasRoom) {
  send("hits", 0, 20);
  given.push_back(overflow_from_outside(catalog, {"hits", MetricType::counter, "", ""}));
  auto news = watch.look(now);
  ASSERT_TRUE(news);
  EXPECT_EQ(fields(*news)["metric"], "hits");
  EXPECT_THAT(fields(*news)["limit"], HasSubstr("collectors.statsd.max_series"));
}

TEST_F(RoomWatchTest, BlamesNoLabelWhereThereAreOnlyManyMetrics) {
  for (int i = 0; i < 100; ++i) send("m" + std::to_string(i), 0, 1);
  auto news = watch.look(now);
  ASSERT_TRUE(news);
  EXPECT_THAT(news->text, HasSubstr("there are more metrics than the limit has room for"));
  EXPECT_EQ(fields(*news)["limit"], "limits.max_series");
  EXPECT_FALSE(fields(*news).contains("label"));
}

TEST_F(RoomWatchTest, SaysWhenItIsOverAndNamesTheNextOneByWhatCameSince) {
  send("hits", 0, 60);
  EXPECT_TRUE(watch.look(now));
  EXPECT_FALSE(watch.look(now + RoomWatch::calm - 1s));
  const auto over = watch.look(now + RoomWatch::calm);
  ASSERT_TRUE(over);
  EXPECT_FALSE(over->trouble);
  EXPECT_FALSE(watch.look(now + RoomWatch::calm + 1s));
  send("others", 0, 41);
  auto news = watch.look(now + RoomWatch::calm + 2s);
  ASSERT_TRUE(news);
  EXPECT_EQ(fields(*news)["metric"], "others");
}

}  // namespace
}  // namespace sidewatch
