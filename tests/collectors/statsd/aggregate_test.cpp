// Lines in, samples out.
#include "collectors/statsd/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class AggregateTest : public ::testing::Test {
 protected:
  std::map<std::string, double> write() {
    batch.clear();
    aggregate.write(batch, now);
    began = by_name(batch.beginnings());
    return by_name(batch.samples());
  }
  std::map<std::string, double> by_name(const std::vector<Sample>& samples) {
    std::map<std::string, double> found;
    for (const auto& sample : samples) {
      const auto info = catalog.info(sample.series);
      found[info->family->name + (info->labels.empty() ? "" : info->labels.to_string())] = sample.value;
    }
    return found;
  }

  std::uint64_t errors(LineError error) { return aggregate.counts().errors[static_cast<std::size_t>(error)]; }

  Catalog catalog{Catalog::Limits{.max_series = 1000, .max_series_per_metric = 50}, Labels{}};
  Time now = time_at_ms(600'000);
  Aggregate aggregate{catalog, AggregateOptions{.max_names = 20}};
  Batch batch;
  std::map<std::string, double> began;  // what the series that the last write() began with stood at before
};

TEST_F(AggregateTest, SumsCountersByNameAndTags) {
  aggregate.take("hits:1|c|#route:/a\nhits:2|c|#route:/a\nhits:5|c|#route:/b\nhits:1|c|@0.1\n");
  EXPECT_THAT(write(), UnorderedElementsAre(Pair(R"(hits{route="/a"})", 3), Pair(R"(hits{route="/b"})", 5),
                                            Pair("hits", DoubleNear(10, 1e-9))));
  aggregate.take("hits:4|c|#route:/a");
  EXPECT_EQ(write().at(R"(hits{route="/a"})"), 7);
}

TEST_F(AggregateTest, TakesTagsInAnotherOrderForTheSameSeries) {
  aggregate.take("hits:1|c|#a:1,b:2");
  aggregate.take("hits:1|c|#b:2,a:1");
  aggregate.take("hits:1|c|#b:2,a:1");
  EXPECT_THAT(write(), ElementsAre(Pair(R"(hits{a="1", b="2"})", 3)));
}

TEST_F(AggregateTest, SetsGaugesAndChangesThem) {
  aggregate.take("depth:5|g\ndepth:+3|g\ndepth:-1|g");
  EXPECT_THAT(write(), ElementsAre(Pair("depth", 7)));
  aggregate.take("depth:2|g");
  EXPECT_THAT(write(), ElementsAre(Pair("depth", 2)));
}

TEST_F(AggregateTest, MakesASummaryOfTimingsInSeconds) {
  for (int i = 1; i <= 100; ++i) aggregate.take("latency:" + std::to_string(i) + "|ms");
  const auto samples = write();
  EXPECT_EQ(samples.at("latency_count"), 100);
  EXPECT_NEAR(samples.at("latency_sum"), 5.05, 1e-9);
  EXPECT_EQ(samples.at("latency_min"), 0.001);
  EXPECT_EQ(samples.at("latency_max"), 0.1);
  EXPECT_NEAR(samples.at(R"(latency{quantile="0.5"})"), 0.050, 0.0006);
  EXPECT_NEAR(samples.at(R"(latency{quantile="0.99"})"), 0.099, 0.001);
}

TEST_F(AggregateTest, KeepsATagWithTheNameOfASummarysOwnLabelApartUnderAnotherName) {
  aggregate.take("t:1000|ms|#quantile:a\nt:9000|ms|#quantile:b\nhits:1|c|#quantile:a");
  const auto samples = write();
  EXPECT_NEAR(samples.at(R"(t{exported_quantile="a", quantile="0.5"})"), 1, 0.01);
  EXPECT_NEAR(samples.at(R"(t{exported_quantile="b", quantile="0.5"})"), 9, 0.09);
  EXPECT_EQ(samples.at(R"(t_count{exported_quantile="a"})"), 1);
  EXPECT_EQ(samples.at(R"(hits{quantile="a"})"), 1);
}

TEST_F(AggregateTest, TakesHistogramsAndDistributionsAsTheyAre) {
  aggregate.take("size:10:20:30|h\nweight:5|d|@0.5");
  const auto samples = write();
  EXPECT_EQ(samples.at("size_count"), 3);
  EXPECT_EQ(samples.at("size_sum"), 60);
  EXPECT_EQ(samples.at("size_max"), 30);
  EXPECT_EQ(samples.at("weight_count"), 2);
  EXPECT_EQ(samples.at("weight_sum"), 10);
}

TEST_F(AggregateTest, ForgetsTimingsThatAreOlderThanTheWindow) {
  aggregate.take("latency:100|ms");
  EXPECT_EQ(write().count("latency_max"), 1u);
  now += 50s;
  aggregate.take("latency:10|ms");
  EXPECT_EQ(write().at("latency_max"), 0.1);
  now += 20s;
  EXPECT_EQ(write().at("latency_max"), 0.01);
  now += 60s;
  const auto samples = write();
  EXPECT_EQ(samples.count("latency_max"), 0u);
  EXPECT_EQ(samples.at("latency_count"), 2) << "what is counted since the beginning stays";
}

TEST_F(AggregateTest, KeepsTheWindowThroughPassesInWhichNothingCame) {
  aggregate.take("latency:100|ms");
  for (int i = 0; i < 50; ++i, now += 1s) EXPECT_EQ(write().count("latency_max"), 1u) << i;
  for (int i = 0; i < 20; ++i, now += 1s) write();
  EXPECT_EQ(write().count("latency_max"), 0u);
}

TEST_F(AggregateTest, CountsTheMembersOfASetInTheWindow) {
  aggregate.take("users:anna|s\nusers:bob|s\nusers:anna|s\nusers:a:b|s");
  EXPECT_THAT(write(), ElementsAre(Pair("users", 3)));
  now += 90s;
  aggregate.take("users:bob|s");
  write();
  now += 5s;
  EXPECT_THAT(write(), ElementsAre(Pair("users", 1)));
}

TEST_F(AggregateTest, GivesNamesAndTagsThatPrometheusTakes) {
  aggregate.take("api.5xx-rate/s:1|c|#http.status:500,flag,0x:y");
  aggregate.take("5xx:1|c");
  EXPECT_THAT(write(), UnorderedElementsAre(Pair(R"(api_5xx_rate_s{_0x="y", flag="true", http_status="500"})", 1),
                                            Pair("_5xx", 1)));
}

TEST_F(AggregateTest, CountsWhatItCannotUseByReason) {
  aggregate.take("a\nb:1\nc:1|x\nd:1|c|@2\ne:x|c\nf:-1|c\nok:1|c\nok:1|ms\n\n\r\n");
  EXPECT_EQ(errors(LineError::no_value), 1u);
  EXPECT_EQ(errors(LineError::no_type), 1u);
  EXPECT_EQ(errors(LineError::unknown_type), 1u);
  EXPECT_EQ(errors(LineError::bad_rate), 1u);
  EXPECT_EQ(errors(LineError::bad_number), 1u);
  EXPECT_EQ(errors(LineError::negative_counter), 1u);
  EXPECT_EQ(errors(LineError::type_conflict), 1u);
  EXPECT_EQ(aggregate.counts().lines, 8u);
  EXPECT_EQ(aggregate.counts().samples, 1u);
  EXPECT_EQ(write().at("ok"), 1);
}

TEST_F(AggregateTest, CountsEventsAndShowsServiceChecks) {
  aggregate.take("_e{5,4}:title|text|t:error\n_e{5,4}:title|text|t:whatever|p:low\n_sc|db|2|#shard:1\n_sc|db|0|#shard:2");
  EXPECT_THAT(write(),
              UnorderedElementsAre(
                  Pair(R"(sidewatch_statsd_events_total{priority="normal", type="error"})", 1),
                  Pair(R"(sidewatch_statsd_events_total{priority="low", type="other"})", 1),
                  Pair(R"(sidewatch_statsd_service_check_status{name="db", shard="1"})", 2),
                  Pair(R"(sidewatch_statsd_service_check_status{name="db", shard="2"})", 0)));
}

TEST_F(AggregateTest, TakesTagsInNamesOnRequest) {
  aggregate.take("orders#kind=web:1|c");
  EXPECT_THAT(write(), ElementsAre(Pair("orders_kind_web", 1)));
  Aggregate other{catalog, AggregateOptions{.tag_styles = {.librato = true, .influx = true, .signalfx = true}}};
  other.take("sold#kind=web:1|c\nsold,kind=web:2|c\nsold[kind=web]:4|c\nsold:8|c|#kind:web\nsold#kind:16|c");
  other.take("sold#kind=web:1|c|#paid:yes\n#kind=web:1|c");
  batch.clear();
  other.write(batch, now);
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch.samples()[0].value, 15);  // of kind="web"
  EXPECT_EQ(batch.samples()[1].value, 16);
  EXPECT_EQ(other.counts().errors[static_cast<std::size_t>(LineError::mixed_tags)], 1U);
  EXPECT_EQ(other.counts().errors[static_cast<std::size_t>(LineError::no_value)], 1U);
  EXPECT_EQ(other.counts().tags_left_out, 1U);
}

TEST_F(AggregateTest, DropsWhatNobodySentForItsTtl) {
  aggregate.take("old:1|c\nnew:1|c");
  write();
  now += 10min;
  aggregate.take("new:1|c");
  write();
  now += 6min;
  EXPECT_THAT(write(), ElementsAre(Pair("new", 2)));
  EXPECT_EQ(aggregate.series(), 1u);
  aggregate.take("old:1|ms");  // the name is free again, also for another type
  EXPECT_EQ(write().at("old_count"), 1);
}

TEST_F(AggregateTest, TellsThatWhatIsCountedStoodAtZeroBeforeItCameFirst) {
  aggregate.take("errors:5|c\ndepth:3|g\ntook:7|ms\nusers:anna|s\n_e{1,1}:a|b");
  write();
  EXPECT_THAT(began, UnorderedElementsAre(Pair("errors", 0), Pair("took_count", 0), Pair("took_sum", 0),
                                          Pair(R"(sidewatch_statsd_events_total{priority="normal", type="info"})", 0)));
  aggregate.take("errors:5|c\ntook:7|ms");
  write();
  EXPECT_THAT(began, IsEmpty());
}

TEST_F(AggregateTest, GoesOnCountingWhereItWasWhenACounterComesBackAfterItsTtl) {
  aggregate.take("errors:5|c|#kind:a\nerrors:1|c|#kind:b\ntook:2000:4000|ms");
  write();
  now += 16min;
  EXPECT_THAT(write(), IsEmpty());
  aggregate.take("errors:5|c|#kind:a\ntook:1000|ms");
  const auto samples = write();
  EXPECT_EQ(samples.at(R"(errors{kind="a"})"), 10);
  EXPECT_EQ(samples.at("took_count"), 3);
  EXPECT_EQ(samples.at("took_sum"), 7);
  EXPECT_EQ(samples.at("took_max"), 1) << "quantiles are of the window all the same";
  EXPECT_THAT(began, UnorderedElementsAre(Pair(R"(errors{kind="a"})", 5), Pair("took_count", 2), Pair("took_sum", 6)));
  now += 16min;
  write();
  aggregate.take("errors:2|ms|#kind:a");
  EXPECT_EQ(write().at(R"(errors_count{kind="a"})"), 1) << "what another type counted is not taken for this one's";
}

TEST_F(AggregateTest, PutsAFloodOfTagsIntoOneSeriesAndKeepsTheRestRight) {
  aggregate.take("quiet:1|c");
  for (int i = 0; i < 10'000; ++i) {
    aggregate.take("flood:1|c|#id:" + std::to_string(i));
    aggregate.take("slow:" + std::to_string(i % 100) + "|ms|#id:" + std::to_string(i));
    if (i % 100 == 0) aggregate.take("quiet:1|c");
  }
  const auto samples = write();
  EXPECT_EQ(samples.at("quiet"), 101);
  double all = 0;
  double slow_count = 0;
  double slow_sum = 0;
  for (const auto& [series, value] : samples) {
    all += series.starts_with("flood{") ? value : 0;
    slow_count += series.starts_with("slow_count{") ? value : 0;
    slow_sum += series.starts_with("slow_sum{") ? value : 0;
  }
  EXPECT_EQ(all, 10'000) << "nothing is lost";
  EXPECT_EQ(slow_count, 10'000);
  EXPECT_NEAR(slow_sum, 495, 1e-6);
  EXPECT_EQ(samples.at(R"(flood{overflow="true"})"), 9950);
  EXPECT_LE(aggregate.series(), 103u);
  EXPECT_LE(catalog.size(), 300u) << "what there was no room for was not asked for again and again";
  EXPECT_LE(samples.size(), 400u);
}

TEST_F(AggregateTest, TakesATagThatIsCalledOverflowForATagLikeAnyOther) {
  aggregate.take("t:1000|ms|#overflow:true");
  aggregate.take("t:2000|ms|#route:a\nt:3000|ms|#route:b\nc:1|c|#overflow:true\nc:2|c|#route:a");
  const auto samples = write();
  EXPECT_NEAR(samples.at(R"(t{overflow="true", quantile="0.5"})"), 1, 0.01);
  EXPECT_NEAR(samples.at(R"(t{quantile="0.5", route="a"})"), 2, 0.02);
  EXPECT_NEAR(samples.at(R"(t{quantile="0.5", route="b"})"), 3, 0.03);
  EXPECT_EQ(samples.at(R"(c{overflow="true"})"), 1);
  EXPECT_EQ(samples.at(R"(c{route="a"})"), 2);
  EXPECT_EQ(catalog.overflowed(), 0U);
}

TEST_F(AggregateTest, CountsTheLabelSetsOfTimingsForWhichThereIsNoRoomLikeThoseOfCounters) {
  for (int i = 0; i < 1000; ++i) {
    aggregate.take("flood:1|c|#id:" + std::to_string(i) + "\nslow:1|ms|#id:" + std::to_string(i));
  }
  std::map<std::string, std::uint64_t> refused;
  for (const auto& one : catalog.refusals()) refused[one.metric] = one.requests;
  EXPECT_EQ(refused["flood"], 950U);
  EXPECT_GE(refused["slow_count"], 950U);
  EXPECT_LT(refused["slow_count"], 1000U);
  EXPECT_GE(catalog.overflowed(), 1900U);
}

TEST_F(AggregateTest, LeavesRoomInTheCatalogToOthersAndToMetricsThatAreSentLater) {
  Aggregate bounded{catalog, AggregateOptions{.max_series = 200}};
  for (int i = 0; i < 5000; ++i) {
    bounded.take("burst" + std::to_string(i % 5) + ":1|c|#req:" + std::to_string(i) + "\nslow:1|ms|#req:" + std::to_string(i));
  }
  bounded.take("late:1|c\nlate_took:5|ms\n_sc|db|2\n_e{1,1}:a|b|t:error");
  batch.clear();
  bounded.write(batch, now);
  EXPECT_LE(catalog.size(), 200U + 12) << "overflow series beside what max_series allows";
  std::map<std::string, double> sums;
  for (const auto& sample : batch.samples()) {
    const auto info = catalog.info(sample.series);
    sums[info->family->name + (info->labels.get("overflow") == "true" ? " overflowed" : "")] += sample.value;
  }
  EXPECT_EQ(sums["burst0"] + sums["burst0 overflowed"], 1000);
  EXPECT_EQ(sums["slow_count"] + sums["slow_count overflowed"], 5000);
  EXPECT_EQ(sums["late"], 1);
  EXPECT_EQ(sums["late_took_count"], 1);
  EXPECT_EQ(sums["sidewatch_statsd_service_check_status"], 2);
  EXPECT_EQ(sums["sidewatch_statsd_events_total"], 1);
}

TEST_F(AggregateTest, HasRoomAgainForLabelSetsOnceTheCatalogForgotFormerOnes) {
  Store store{catalog, {60s, std::size_t{1} << 20}};
  const SourceId source = store.add_source("statsd");
  Aggregate bounded{catalog, AggregateOptions{.ttl = 1min, .max_series = 40}};
  const auto send = [&](const std::string& tag) {
    for (int i = 0; i < 100; ++i) bounded.take("hits:1|c|#" + tag + ":" + std::to_string(i));
    batch.clear();
    bounded.write(batch, now);
    store.append(source, now, batch);
    std::size_t apart = 0;
    for (const auto& sample : batch.samples()) apart += catalog.info(sample.series)->labels.get(tag).empty() ? 0U : 1U;
    return apart;
  };
  EXPECT_EQ(send("first"), 36U);
  for (int i = 0; i < 5; ++i) {
    now += 1min;
    batch.clear();
    bounded.write(batch, now);
    store.append(source, now, batch);
    store.expire(now);
  }
  bounded.write(batch, now);
  EXPECT_EQ(send("second"), 36U);
}

TEST_F(AggregateTest, KnowsTheTimingsThatHaveRoomAgainWhenAllSpellingsWereForgotten) {
  aggregate.take("early:1|ms|#id:a\nbrief:1|c");
  for (int i = 0; i < 200; ++i) aggregate.take("early:1|ms|#id:" + std::to_string(i));
  write();
  now += 10min;
  aggregate.take("early:1|ms|#id:a");
  write();
  now += 6min;  // brief is dropped, and with it every spelling
  write();
  aggregate.take("early:1|ms|#id:new\nearly:1|ms|#id:a\nearly:1|ms|#id:a");
  EXPECT_EQ(write().at(R"(early_count{id="a"})"), 4);
}

TEST_F(AggregateTest, LetsNoMetricBeAPartOfAnother) {
  aggregate.take("x_count:1|c\nx:1|ms");
  EXPECT_EQ(errors(LineError::type_conflict), 1u);
  for (const auto* part : {"y_count:1|c", "y_sum:1|g", "y_max:1|s", "y_bucket:1|c"}) {
    aggregate.take(std::string("y:1|ms\n") + part);
  }
  EXPECT_EQ(errors(LineError::type_conflict), 5u);
  EXPECT_EQ(write().at("x_count"), 1);
  EXPECT_EQ(write().at("y_count"), 4);
}

TEST_F(AggregateTest, SurvivesThatMetricsOfAllKindsHaveNoRoom) {
  Catalog full{Catalog::Limits{.max_series = 1, .max_series_per_metric = 1}, Labels{}};
  Aggregate crowded{full, AggregateOptions{}};
  for (const auto* line : {"a:1|c", "b:1|c", "c:1|ms", "d:1|s", "e:1|g", "f:1|h", "a:1|c|#x:y", "c:1|ms|#x:y"}) {
    crowded.take(line);
    crowded.take(line);
    batch.clear();
    crowded.write(batch, now);
  }
  EXPECT_LE(full.size(), 4u);
}

TEST_F(AggregateTest, RemembersOnlySoMuchForQuantilesAndSets) {
  Aggregate small{catalog, AggregateOptions{.max_bytes = 100'000}};
  for (int i = 0; i < 50'000; ++i) small.take("users:" + std::to_string(i) + "|s");
  for (int i = 0; i < 40; ++i) small.take("wide" + std::to_string(i % 2) + ":1e-30:1e30|h");
  EXPECT_GT(small.counts().coarse, 40'000u);
  batch.clear();
  small.write(batch, now);
  std::map<std::string, double> found;
  for (const auto& sample : batch.samples()) found[catalog.info(sample.series)->family->name] = sample.value;
  EXPECT_LT(found.at("users"), 2000);
  EXPECT_EQ(found.at("wide0_count"), 40) << "what is counted stays right";
}

TEST_F(AggregateTest, LetsNobodyWriteWhatTheAgentSaysItself) {
  aggregate.take("sidewatch.up:1|g\nnode_load1:99|g\npg.up:0|g\nnode.version:1|g\nnode_netstat_Ip_Made:1|c");
  EXPECT_EQ(errors(LineError::reserved_name), 4u);
  EXPECT_THAT(write(), ElementsAre(Pair("node_version", 1)));
}

TEST_F(AggregateTest, LetsNobodyWriteThatAsAPartOfATiming) {
  aggregate.take("pg_locks:1|ms\nredis.keys:1|h\nfine:1|ms");
  EXPECT_EQ(errors(LineError::reserved_name), 2u);
  for (const auto& [name, value] : write()) EXPECT_TRUE(name.starts_with("fine")) << name;
}

TEST_F(AggregateTest, TakesNoNumbersThatWouldNotStayFinite) {
  aggregate.take("a:1e101|c\nb:1e308:1e308|h\nc:-1e101|g\nd:1e100|g");
  EXPECT_EQ(errors(LineError::bad_number), 3u);
  EXPECT_EQ(write().at("d"), 1e100);
}

TEST_F(AggregateTest, RefusesMetricsOverTheirNumber) {
  for (int i = 0; i < 30; ++i) aggregate.take("metric" + std::to_string(i) + ":1|c");
  EXPECT_EQ(write().size(), 20u);
  EXPECT_EQ(aggregate.counts().names_refused, 10u);
}

TEST_F(AggregateTest, TellsOfEventsAndServiceChecksHoweverManyNamesThereAre) {
  aggregate.take("_e{1,1}:a|b|t:info");
  for (int i = 0; i < 30; ++i) aggregate.take("metric" + std::to_string(i) + ":1|c");
  aggregate.take("_sc|db|2\n_e{1,1}:a|b|t:error");
  const auto samples = write();
  EXPECT_EQ(samples.size(), 20U + 3) << "the agent's own take none of the names";
  EXPECT_EQ(samples.at(R"(sidewatch_statsd_service_check_status{name="db"})"), 2);
  EXPECT_EQ(samples.at(R"(sidewatch_statsd_events_total{priority="normal", type="error"})"), 1);
}

TEST_F(AggregateTest, SaysOnceWithExamplesThatNamesAreTooMany) {
  for (int i = 0; i < 20; ++i) aggregate.take("metric" + std::to_string(i) + ":1|c");
  EXPECT_FALSE(aggregate.news(now)) << "there is room for all";
  for (int i = 0; i < 9; ++i) aggregate.take("user." + std::to_string(i) + ".login:1|c\nuser.0.login:1|c");
  const auto news = aggregate.news(now);
  ASSERT_TRUE(news);
  EXPECT_TRUE(news->trouble);
  EXPECT_THAT(news->text, HasSubstr("there are 20 metrics already (collectors.statsd.max_names)"));
  EXPECT_THAT(news->text, HasSubstr("such as user_0_login, user_1_login, user_2_login;"));
  EXPECT_THAT(news->text, HasSubstr("mapping"));
  aggregate.take("user.9.login:1|c");
  EXPECT_FALSE(aggregate.news(now + 1min));
  EXPECT_FALSE(aggregate.news(now + 10min));
  const auto over = aggregate.news(now + 11min);
  ASSERT_TRUE(over);
  EXPECT_FALSE(over->trouble);
}

}  // namespace
}  // namespace sidewatch::statsd
