#include "agent/api/status.h"

#include <gmock/gmock.h>

#include "tests/agent/api/world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ApiStatus : public ApiWorld {
 protected:
  ApiStatus() {
    collectors.publish({{"host", "CPU and memory", 5s, time_at_ms(990'500), 0.25, true, ""},
                        {"disk", "a disk", 90s, time_at_ms(980'000), 1, false, "no such device"},
                        {"new", "what comes", 5s, std::nullopt, 0, false, ""}});
    config.publish({"agent:\n  interval: 5s\n", time_at_ms(2'000), true});
  }
  std::vector<HttpRoute> routes() override {
    std::vector<HttpRoute> all;
    add_status_routes(all, context, {collectors, config, time_at_ms(1'000), {{"config.file", "a.yaml"}}, 15min});
    return all;
  }
  Published<std::vector<CollectorView>> collectors;
  Published<ConfigView> config;
};

TEST_F(ApiStatus, ShowsACollectorAsATarget) {
  EXPECT_EQ(data("/api/v1/targets?scrapePool=host"),
            R"({"activeTargets":[{"discoveredLabels":{"__watches__":"CPU and memory","job":"host"},)"
            R"("labels":{"service":"checkout","job":"host"},"scrapePool":"host","scrapeUrl":"collector:host",)"
            R"("globalUrl":"collector:host","lastError":"","lastScrape":"1970-01-01T00:16:30.500Z",)"
            R"("lastScrapeDuration":0.25,"health":"up","scrapeInterval":"5s","scrapeTimeout":"5s"}],"droppedTargets":[]})");
}

TEST_F(ApiStatus, TellsWhyACollectorIsDownAndWhichHasNotRunYet) {
  const auto json = JsonValue::parse(data("/api/v1/targets"));
  ASSERT_TRUE(json);
  const auto& targets = (*json)["activeTargets"].items();
  ASSERT_EQ(targets.size(), 3u);
  EXPECT_EQ(targets[1]["health"].text_or(""), "down");
  EXPECT_EQ(targets[1]["lastError"].text_or(""), "no such device");
  EXPECT_EQ(targets[1]["scrapeInterval"].text_or(""), "1m30s");
  EXPECT_EQ(targets[2]["health"].text_or(""), "unknown");
  EXPECT_EQ(targets[2]["lastScrape"].text_or(""), "0001-01-01T00:00:00Z");
  EXPECT_EQ(data("/api/v1/targets?state=dropped"), R"({"activeTargets":[],"droppedTargets":[]})");
}

TEST_F(ApiStatus, SaysWhichPrometheusItAnswersLike) {
  const auto json = JsonValue::parse(data("/api/v1/status/buildinfo"));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["version"].text_or(""), "2.42.0") << "below 2.24 Grafana does not ask for label values by match[]";
  EXPECT_EQ((*json)["application"].text_or(""), "sidewatch");
}

TEST_F(ApiStatus, ShowsTheConfigurationInForceAndHowItWasStarted) {
  EXPECT_EQ(data("/api/v1/status/config"), R"({"yaml":"agent:\n  interval: 5s\n"})");
  EXPECT_EQ(data("/api/v1/status/flags"), R"({"config.file":"a.yaml"})");
  clock.step = 1h;
  const auto json = JsonValue::parse(data("/api/v1/status/runtimeinfo"));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["startTime"].text_or(""), "1970-01-01T01:00:01.000Z");
  EXPECT_EQ((*json)["lastConfigTime"].text_or(""), "1970-01-01T01:00:02.000Z");
  EXPECT_TRUE((*json)["reloadConfigSuccess"].boolean_or(false));
  EXPECT_EQ((*json)["storageRetention"].text_or(""), "15m");
  EXPECT_GE((*json)["goroutineCount"].integer_or(0), 1);
}

TEST_F(ApiStatus, CountsWhatHasMostSeries) {
  for (const char* job : {"a", "bb", "ccc"}) write({"up", MetricType::gauge, "", ""}, {{"job", job}}, {1});
  write({"load", MetricType::gauge, "", ""}, {}, {1});
  const std::string shown = data("/api/v1/status/tsdb");
  EXPECT_THAT(shown, HasSubstr(R"("headStats":{"numSeries":4,"numLabelPairs":6,)"));
  EXPECT_THAT(shown, HasSubstr(R"("seriesCountByMetricName":[{"name":"up","value":3},{"name":"load","value":1}])"));
  EXPECT_THAT(shown, HasSubstr(R"("labelValueCountByLabelName":[{"name":"job","value":3},)"));
  EXPECT_THAT(shown, HasSubstr(R"({"name":"job","value":6})")) << "bytes";
  EXPECT_THAT(shown, HasSubstr(R"("seriesCountByLabelValuePair":[{"name":"service=checkout","value":4},)"));
  EXPECT_THAT(shown, HasSubstr(R"("minTime":100000,"maxTime":1000000)"));
}

TEST_F(ApiStatus, ListsAsManyAsAreAskedFor) {
  for (const char* job : {"a", "bb", "ccc"}) write({job, MetricType::gauge, "", ""}, {}, {1});
  EXPECT_THAT(data("/api/v1/status/tsdb?limit=1"), HasSubstr(R"("seriesCountByMetricName":[{"name":"a","value":1}],)"));
  EXPECT_THAT(data("/api/v1/status/tsdb"), HasSubstr(R"("refusedByMetricName":[])"));
}

TEST_F(ApiStatus, TellsWhichMetricABudgetKeptSeriesOutOf) {
  for (int i = 0; i < 5'010; ++i) {
    handles.push_back(catalog.series({"flood", MetricType::counter, "", ""}, Labels{{"id", std::to_string(i)}}));
  }
  EXPECT_THAT(data("/api/v1/status/tsdb"), HasSubstr(R"("refusedByMetricName":[{"name":"flood","value":10}])"));
}

}  // namespace
}  // namespace sidewatch
