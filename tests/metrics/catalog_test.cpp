#include "metrics/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "metrics/outside_series.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Op = Matcher::Op;

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};
constexpr Metric cpu{"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time."};

class CatalogTest : public ::testing::Test {
 protected:
  void have(const Metric& metric, const Labels& labels) { handles.push_back(catalog.series(metric, labels)); }
  Labels labels_of(const SeriesHandle& series) const { return catalog.info(series.id())->labels; }
  std::vector<std::string> select(std::vector<Matcher> matchers) const {
    std::vector<std::string> found;
    for (const SeriesId id : catalog.select(matchers)) {
      const auto info = catalog.info(id);
      found.push_back(info->family->name + info->labels.to_string());
    }
    return found;
  }
  static Matcher matcher(const char* name, Op op, const char* value) { return *Matcher::make(name, op, value); }

  Catalog catalog{{.max_series = 100, .max_series_per_metric = 80, .max_labels = 4, .max_label_value_bytes = 8},
                  {{"service", "shop"}}};
  std::vector<SeriesHandle> handles;
};

TEST_F(CatalogTest, TheSameMetricAndLabelsAreTheSameSeries) {
  const auto a = catalog.series(cpu, {{"cpu", "0"}, {"mode", "idle"}});
  const auto b = catalog.series(cpu, {{"mode", "idle"}, {"cpu", "0"}});
  const auto c = catalog.series(cpu, {{"mode", "user"}, {"cpu", "0"}});
  EXPECT_EQ(a.id(), b.id());
  EXPECT_NE(a.id(), c.id());
  EXPECT_EQ(catalog.size(), 2U);
}

TEST_F(CatalogTest, KeepsWhatDescribesASeries) {
  const auto series = catalog.series(cpu, {{"mode", "a\"b\n"}});
  const auto info = catalog.info(series.id());
  EXPECT_EQ(info->family->name, "node_cpu_seconds_total");
  EXPECT_EQ(info->family->unit, "seconds");
  EXPECT_EQ(info->family->help, "CPU time.");
  EXPECT_EQ(info->label_text, "mode=\"a\\\"b\\n\",service=\"shop\"");
}

TEST_F(CatalogTest, CommonLabelsAreOnEverySeriesAndYieldToItsOwn) {
  EXPECT_EQ(labels_of(catalog.series(load, {})), (Labels{{"service", "shop"}}));
  EXPECT_EQ(labels_of(catalog.series(load, {{"service", "own"}})), (Labels{{"service", "own"}}));
}

TEST_F(CatalogTest, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(labels_of(catalog.series(load, {{"comm", "a\xFF"}})).get("comm"), "a\xEF\xBF\xBD");
  EXPECT_EQ(catalog.counts().mended, 1U);
}

TEST_F(CatalogTest, LongValuesAreCutBetweenCharacters) {
  EXPECT_EQ(labels_of(catalog.series(load, {{"cmd", "0123456\xC3\xA9"}})).get("cmd"), "0123456");
  EXPECT_EQ(labels_of(catalog.series(load, {{"cmd", "012345678"}})).get("cmd"), "01234567");
  EXPECT_EQ(catalog.counts().shortened, 2U);
}

TEST_F(CatalogTest, IllegalNamesAreMended) {
  EXPECT_EQ(labels_of(catalog.series(load, {{"a-b", "1"}, {"__name__", "x"}})),
            (Labels{{"a_b", "1"}, {"exported_name", "x"}, {"service", "shop"}}));
  const auto series = catalog.series({"http.requests", MetricType::gauge, "", ""}, {});
  EXPECT_EQ(catalog.info(series.id())->family->name, "http_requests");
}

TEST_F(CatalogTest, OfTwoTypesForOneNameTheFirstStays) {
  const auto first = catalog.series(load, {});
  const auto second = catalog.series({"node_load1", MetricType::counter, "", "Other."}, {});
  EXPECT_EQ(first.id(), second.id());
  EXPECT_EQ(catalog.info(first.id())->family->type, MetricType::gauge);
  EXPECT_EQ(catalog.info(first.id())->family->help, "1m load average.");
  EXPECT_EQ(catalog.counts().type_conflicts, 1U);
}

TEST_F(CatalogTest, OverTheBudgetOfAMetricNewSeriesShareItsOverflowSeries) {
  for (int i = 0; i < 80; ++i) have(load, {{"i", std::to_string(i)}});
  const auto x = catalog.series(load, {{"i", "x"}});
  const auto y = catalog.series(load, {{"i", "y"}});
  EXPECT_EQ(x.id(), y.id());
  EXPECT_EQ(labels_of(x), (Labels{{"overflow", "true"}, {"service", "shop"}}));
  EXPECT_EQ(catalog.overflowed(), 2U);
  EXPECT_EQ(catalog.series(load, {{"i", "7"}}).id(), handles[7].id());
  EXPECT_NE(catalog.series(cpu, {{"i", "x"}}).id(), x.id());
  EXPECT_EQ(catalog.overflowed(), 2U);
}

TEST_F(CatalogTest, OverTheWholeBudgetUnknownMetricsShareOneSeries) {
  for (int i = 0; i < 50; ++i) have(load, {{"i", std::to_string(i)}});
  for (int i = 0; i < 50; ++i) have(cpu, {{"i", std::to_string(i)}});
  EXPECT_EQ(catalog.info(catalog.series(load, {{"i", "x"}}).id())->family->name, "node_load1");
  const std::size_t before = catalog.size();
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "new_metric_" + std::to_string(i);
    have({name, MetricType::gauge, "", ""}, {});
    ASSERT_EQ(catalog.info(handles.back().id())->family->name, "sidewatch_overflow");
  }
  EXPECT_EQ(catalog.size(), before + 1);
  EXPECT_EQ(catalog.overflowed(), 1001U);
}

TEST_F(CatalogTest, SaysWhichMetricsTheBudgetsKeptSeriesOutOf) {
  have(load, {});
  EXPECT_THAT(catalog.refusals(), IsEmpty());
  for (int i = 0; i < 90; ++i) have(cpu, Labels{{"cpu", std::to_string(i)}});
  have({"late", MetricType::gauge, "", ""}, {});
  const auto found = catalog.refusals();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].metric, cpu.name);
  EXPECT_EQ(found[0].requests, 10U);
  EXPECT_EQ(found[0].requests, catalog.overflowed());
}

TEST_F(CatalogTest, KeepsATenthOfItsRoomForWhatTheAgentMeasuresItself) {
  const auto of = [&](const Metric& metric, int i) { return series_from_outside(catalog, metric, {{"i", std::to_string(i)}}); };
  std::vector<OutsideSeries> given;
  for (int i = 0; i < 50; ++i) given.push_back(of(load, i));
  for (int i = 0; i < 60; ++i) given.push_back(of(cpu, i));
  EXPECT_EQ(std::ranges::count_if(given, [](const auto& one) { return !one.overflowed; }), 90);
  for (int i = 0; i < 100; ++i) {
    const std::string name = "sent_" + std::to_string(i);
    given.push_back(of({name, MetricType::gauge, "", ""}, i));
    EXPECT_TRUE(given.back().overflowed);
  }
  EXPECT_FALSE(of(load, 7).overflowed) << "it is there already";
  for (int i = 0; i < 10; ++i) {
    const std::string name = "own_" + std::to_string(i);
    have({name, MetricType::gauge, "", ""}, {});
    EXPECT_EQ(catalog.info(handles.back().id())->family->name, name);
  }
  have({"own_beyond", MetricType::gauge, "", ""}, {});
  EXPECT_EQ(catalog.info(handles.back().id())->family->name, "sidewatch_overflow");
}

TEST_F(CatalogTest, OverflowSeriesTakeNoRoomFromWhatTheAgentMeasuresItself) {
  std::vector<OutsideSeries> given;
  for (int i = 0; i < 180; ++i) {
    const std::string name = "sent_" + std::to_string(i % 90);
    given.push_back(series_from_outside(catalog, {name, MetricType::gauge, "", ""}, {{"i", std::to_string(i)}}));
  }
  EXPECT_GT(catalog.size(), 100U);
  have({"own", MetricType::gauge, "", ""}, {});
  EXPECT_EQ(catalog.info(handles.back().id())->family->name, "own");
}

TEST_F(CatalogTest, TellsAnOverflowSeriesFromOneThatCallsItselfSo) {
  const Labels named_so{{"overflow", "true"}};
  const auto sent = series_from_outside(catalog, load, named_so);
  EXPECT_FALSE(sent.overflowed);
  const auto refused = overflow_from_outside(catalog, load);
  EXPECT_TRUE(refused.overflowed);
  EXPECT_EQ(refused.series.id(), sent.series.id());
  EXPECT_EQ(catalog.overflowed(), 1U);
  EXPECT_EQ(catalog.refusals().at(0).metric, load.name);
}

TEST_F(CatalogTest, ASeriesWithTooManyLabelsGoesToTheOverflowSeries) {
  const auto series = catalog.series(load, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
  EXPECT_EQ(labels_of(series), (Labels{{"overflow", "true"}, {"service", "shop"}}));
  EXPECT_EQ(catalog.overflowed(), 1U);
}

TEST_F(CatalogTest, AnOverflowingHistogramStaysAHistogram) {
  constexpr Metric bucket{"h_bucket", MetricType::histogram, "", ""};
  constexpr Metric summary{"s", MetricType::summary, "", ""};
  const Labels too_many{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
  EXPECT_EQ(labels_of(catalog.series(bucket, too_many)).get("le"), "+Inf");
  EXPECT_EQ(labels_of(catalog.series(summary, too_many)).get("quantile"), "1");
  EXPECT_EQ(labels_of(catalog.series({"s_sum", MetricType::summary, "", ""}, too_many)).get("quantile"), "");
}

TEST_F(CatalogTest, CommonLabelsAreMendedLikeAnyOthers) {
  Catalog other({}, {{"my-service", "a\xFF"}});
  const auto series = other.series(load, {});
  EXPECT_EQ(other.info(series.id())->labels, (Labels{{"my_service", "a\xEF\xBF\xBD"}}));
}

TEST_F(CatalogTest, SelectsByNameLabelAndPatternInOrder) {
  have(cpu, {{"cpu", "1"}, {"mode", "user"}});
  have(load, {});
  have(cpu, {{"cpu", "0"}, {"mode", "idle"}});
  have(cpu, {{"cpu", "0"}, {"mode", "user"}});
  const std::string own = ", service=\"shop\"}";
  EXPECT_THAT(select({matcher("__name__", Op::equal, "node_cpu_seconds_total"), matcher("cpu", Op::equal, "0")}),
              ElementsAre("node_cpu_seconds_total{cpu=\"0\", mode=\"idle\"" + own,
                          "node_cpu_seconds_total{cpu=\"0\", mode=\"user\"" + own));
  EXPECT_THAT(select({matcher("mode", Op::not_regex, "i.*|")}),
              ElementsAre("node_cpu_seconds_total{cpu=\"0\", mode=\"user\"" + own,
                          "node_cpu_seconds_total{cpu=\"1\", mode=\"user\"" + own));
  EXPECT_THAT(select({matcher("__name__", Op::regex, "node_l.*")}), ElementsAre("node_load1{service=\"shop\"}"));
  EXPECT_THAT(select({matcher("cpu", Op::equal, "")}), ElementsAre("node_load1{service=\"shop\"}"));
  EXPECT_THAT(select({matcher("__name__", Op::equal, "absent")}), IsEmpty());
  EXPECT_THAT(select({matcher("__name__", Op::equal, "node_load1"), matcher("__name__", Op::equal, "x")}), IsEmpty());
  EXPECT_EQ(select({}).size(), 4U);
}

TEST_F(CatalogTest, ALargeFamilyIsSearchedThroughItsIndexWithTheSameAnswers) {
  for (int i = 0; i < 70; ++i) have(load, {{"i", std::to_string(i)}, {"odd", i % 2 ? "yes" : "no"}});
  EXPECT_THAT(select({matcher("__name__", Op::equal, "node_load1"), matcher("i", Op::equal, "33")}),
              ElementsAre("node_load1{i=\"33\", odd=\"yes\", service=\"shop\"}"));
  EXPECT_THAT(select({matcher("i", Op::equal, "33"), matcher("odd", Op::equal, "no")}), IsEmpty());
  const auto odd = select({matcher("odd", Op::equal, "yes")});
  EXPECT_EQ(odd.size(), 35U);
  EXPECT_TRUE(std::is_sorted(odd.begin(), odd.end()));
  have(load, {{"i", "70"}, {"odd", "no"}});
  EXPECT_EQ(select({matcher("i", Op::equal, "70")}).size(), 1U);
  EXPECT_EQ(select({matcher("odd", Op::equal, "no")}).size(), 36U);
}

TEST_F(CatalogTest, TheGenerationRisesWithEveryNewSeriesOnly) {
  const auto before = catalog.generation();
  have(load, {});
  const auto after = catalog.generation();
  EXPECT_GT(after, before);
  have(load, {});
  EXPECT_EQ(catalog.generation(), after);
}

TEST_F(CatalogTest, AHandleCanBeMovedAndAssignedOver) {
  auto a = catalog.series(load, {{"i", "a"}});
  const SeriesId id = a.id();
  SeriesHandle b = std::move(a);
  EXPECT_TRUE(b);
  EXPECT_EQ(b.id(), id);
  b = catalog.series(load, {{"i", "b"}});
  EXPECT_NE(b.id(), id);
  EXPECT_FALSE(SeriesHandle());
}

TEST(CatalogThreads, MayAskForSeriesAtOnce) {
  Catalog catalog({}, {});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&catalog] {
      std::vector<SeriesHandle> handles;
      for (int i = 0; i < 500; ++i) handles.push_back(catalog.series(load, {{"i", std::to_string(i)}}));
      const Matcher one = *Matcher::make("i", Matcher::Op::equal, "400");
      EXPECT_EQ(catalog.select({&one, 1}).size(), 1U);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(catalog.size(), 500U);
}

// Series come and go; every selection is what looking at each series gives.
TEST(CatalogSelection, IsWhatLookingAtEachSeriesGives) {
  std::mt19937_64 random(4);
  Catalog catalog({}, {{"service", "checkout"}});
  std::vector<SeriesHandle> handles;
  Store store(catalog, {std::chrono::minutes(1), std::size_t{1} << 20});
  const auto word = [&](const char* prefix, unsigned below) { return prefix + std::to_string(random() % below); };
  const std::vector<std::string> values = {"v1", "v2", "v1|v3", "v[12]", "v.*", "", "v1|", "v11|v12|v13", "(v7|v8)", "w"};
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 5; ++i) {
      const Metric metric{i % 2 ? "a_total" : "b_bytes", MetricType::gauge, "", ""};
      handles.push_back(catalog.series(metric, Labels{{"x", word("v", 4)}, {"y", word("v", 15)}, {"z", word("v", 200)}}));
    }
    if (round % 3 == 0) {
      std::shuffle(handles.begin(), handles.end(), random);
      handles.resize(handles.size() / 2);
      store.expire(time_at_ms(round));  // forgets what nobody holds
    }
    std::vector<Matcher> matchers;
    for (auto left = random() % 4; left > 0; --left) {
      const char* names[] = {"x", "y", "z", "service", "absent"};
      matchers.push_back(*Matcher::make(names[random() % 5], Op(random() % 4), values[random() % values.size()]));
    }
    if (random() % 3 == 0) matchers.push_back(*Matcher::make("__name__", Op::equal, "a_total"));
    if (random() % 4 == 0) matchers.push_back(*Matcher::make("__name__", Op::regex, "a_total|b_.*"));
    std::vector<SeriesId> expected;
    for (const auto& entry : catalog.find({})) {
      const auto value_of = [&](const Matcher& matcher) {
        return matcher.name() == "__name__" ? std::string_view(entry.info->family->name)
                                            : entry.info->labels.get(matcher.name());
      };
      const bool wanted = std::all_of(matchers.begin(), matchers.end(),
                                      [&](const Matcher& matcher) { return matcher.matches(value_of(matcher)); });
      if (wanted) expected.push_back(entry.id);
    }
    ASSERT_EQ(catalog.select(matchers), expected) << round;
  }
}

}  // namespace
}  // namespace sidewatch
