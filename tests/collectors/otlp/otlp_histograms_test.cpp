// Histograms of both kinds, summaries and the exemplars at them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "tests/collectors/otlp/otlp_fixture.h"

namespace sidewatch::otlp {
namespace {

using namespace std::chrono_literals;
using testing::_;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using wire::cumulative;
using wire::delta;

TEST_F(OtlpTest, MakesClassicHistograms) {
  const auto send = [&](std::uint64_t time, std::uint64_t temporality) {
    return post(wire::request(wire::metric(
        "http.duration", "s", 9,
        wire::bytes(1, histogram_point(time, {1, 2, 3}, {0.1, 0.5}, 6, 4.5)) + wire::varint(2, temporality))));
  };
  EXPECT_EQ(send(10, delta).samples, 1U);
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("http_duration_seconds_bucket{le=\"0.1\"}", 1),
                                           Pair("http_duration_seconds_bucket{le=\"0.5\"}", 3),
                                           Pair("http_duration_seconds_bucket{le=\"+Inf\"}", 6),
                                           Pair("http_duration_seconds_count", 6), Pair("http_duration_seconds_sum", 4.5)));
  EXPECT_THAT(began, AllOf(SizeIs(5), Each(Pair(_, 0))));
  send(20, delta);
  EXPECT_EQ(pass().at("http_duration_seconds_bucket{le=\"0.5\"}"), 6);
  EXPECT_EQ(pass().at("http_duration_seconds_sum"), 9);
  send(30, cumulative);
  EXPECT_EQ(pass().at("http_duration_seconds_count"), 6);
  EXPECT_THAT(family("http_duration_seconds_bucket"), StartsWith("histogram: "));
  EXPECT_EQ(standing, 1U);
}

TEST_F(OtlpTest, AHistogramOfDeltasGoesOnOnlyInTheBoundsThatItHad) {
  const auto send = [&](std::uint64_t time, const std::vector<double>& bounds) {
    const std::vector<std::uint64_t> counts(bounds.size() + 1, 1);
    return post(wire::request(
        wire::metric("h", "", 9, wire::bytes(1, histogram_point(time, counts, bounds, counts.size(), 1)) + wire::varint(2, delta))));
  };
  const auto come_back = [&](std::uint64_t time, const std::vector<double>& bounds) {
    now += 6min;
    EXPECT_THAT(pass(), IsEmpty());
    send(time, bounds);
    return pass().at("h_count");
  };
  send(10, {1, 2});
  pass();
  EXPECT_EQ(come_back(20, {1, 2}), 6);
  EXPECT_EQ(began.at("h_bucket{le=\"2\"}"), 2);
  EXPECT_EQ(come_back(30, {1, 3}), 3);
  EXPECT_EQ(come_back(40, {}), 1);
}

TEST_F(OtlpTest, FollowsAHistogramToOtherBounds) {
  const auto send = [&](std::uint64_t time, const std::vector<double>& bounds) {
    const std::vector<std::uint64_t> counts(bounds.size() + 1, 1);
    return post(wire::request(
        wire::metric("h", "", 9, wire::bytes(1, histogram_point(time, counts, bounds, counts.size(), 1)) + wire::varint(2, cumulative))));
  };
  send(10, {1, 2});
  pass();
  send(20, {1, 3});
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("h_bucket{le=\"1\"}", 1), Pair("h_bucket{le=\"3\"}", 2),
                                           Pair("h_bucket{le=\"+Inf\"}", 3), Pair("h_count", 3), Pair("h_sum", 1)));
}

TEST_F(OtlpTest, RefusesHistogramsThatDoNotFitTogether) {
  const auto send = [&](const std::vector<std::uint64_t>& counts, const std::vector<double>& bounds) {
    return post(wire::request(wire::metric(
               "h", "", 9, wire::bytes(1, histogram_point(10, counts, bounds, 3, 1)) + wire::varint(2, cumulative))))
        .refused;
  };
  EXPECT_THAT(send({1, 2}, {1, 2}), ElementsAre(Pair("form", 1)));
  EXPECT_THAT(send({1, 1, 1}, {2, 1}), ElementsAre(Pair("form", 1)));
  EXPECT_THAT(send({1, 1, 1}, {1, std::numeric_limits<double>::infinity()}), ElementsAre(Pair("form", 1)));
  EXPECT_THAT(send({}, {}), IsEmpty());  // count and sum alone
  EXPECT_THAT(send({3}, {}), IsEmpty());
}

TEST_F(OtlpTest, MakesClassicHistogramsOfExponentialOnes) {
  config.limits.finest_scale = 0;
  const auto send = [&](std::uint64_t time, std::uint64_t temporality) {
    return post(wire::request(wire::metric(
        "latency", "", 10,
        wire::bytes(1, wire::fixed(3, time) + wire::fixed(4, 4) + wire::real(5, 5) + wire::zigzag(6, 1) + wire::fixed(7, 1) +
                           wire::bytes(8, wire::zigzag(1, -2) + wire::varints(2, {1, 0, 2}))) +
            wire::varint(2, temporality))));
  };
  EXPECT_EQ(send(10, delta).samples, 1U);
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("latency_bucket{le=\"0\"}", 1), Pair("latency_bucket{le=\"1\"}", 2),
                                           Pair("latency_bucket{le=\"2\"}", 4), Pair("latency_bucket{le=\"+Inf\"}", 4),
                                           Pair("latency_count", 4), Pair("latency_sum", 5)));
  EXPECT_THAT(began, AllOf(SizeIs(6), Each(Pair(_, 0))));
  send(20, delta);
  EXPECT_EQ(pass().at("latency_bucket{le=\"1\"}"), 4);
  EXPECT_EQ(pass().at("latency_count"), 8);
  EXPECT_EQ(pass().at("latency_sum"), 10);
  send(30, cumulative);
  EXPECT_EQ(pass().at("latency_bucket{le=\"2\"}"), 4);
}

TEST_F(OtlpTest, MakesSummaries) {
  post(wire::request(wire::metric(
      "gc", "s", 11,
      wire::bytes(1, wire::fixed(3, 10) + wire::fixed(4, 9) + wire::real(5, 1.5) +
                         wire::bytes(6, wire::real(1, 0.5) + wire::real(2, 0.1)) + wire::bytes(6, wire::real(1, 1) + wire::real(2, 0.9))))));
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("gc_seconds{quantile=\"0.5\"}", 0.1), Pair("gc_seconds{quantile=\"1\"}", 0.9),
                                           Pair("gc_seconds_count", 9), Pair("gc_seconds_sum", 1.5)));
  EXPECT_THAT(family("gc_seconds"), StartsWith("summary: "));
}

TEST_F(OtlpTest, ReadsHistogramsOfAllKindsAlsoInJson) {
  config.limits.finest_scale = 0;
  const auto answer = post_json(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
    {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"10","count":"3","sum":4.5,
       "bucketCounts":["1","2"],"explicitBounds":[0.5],"min":0.1,"max":3,
       "exemplars":[{"asDouble":0.3,"timeUnixNano":"9","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}]}]}},
    {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"10","count":3,"scale":0,
       "zeroCount":"1","positive":{"offset":0,"bucketCounts":[2]}}]}},
    {"name":"s","summary":{"dataPoints":[{"timeUnixNano":"10","count":"3","sum":"NaN","quantileValues":[{"quantile":0.5,"value":2}]}]}}
    ]}]}]})");
  EXPECT_EQ(answer.body, "{}");
  const auto found = pass();
  EXPECT_EQ(found.at("h_bucket{le=\"0.5\"}"), 1);
  EXPECT_EQ(found.at("h_bucket{le=\"+Inf\"}"), 3);
  EXPECT_EQ(found.at("e_bucket{le=\"2\"}"), 3);
  EXPECT_EQ(found.count("e_sum"), 0U);  // none was sent
  EXPECT_EQ(found.at("s{quantile=\"0.5\"}"), 2);
  EXPECT_TRUE(std::isnan(found.at("s_sum")));
}

TEST_F(OtlpTest, KeepsExemplarsAtTheBucketOrCounterThatCountedThem) {
  const auto exemplar = [](std::uint32_t field, double value, std::string_view trace) {
    return wire::bytes(field, wire::fixed(2, 7'000'000'000) + wire::real(3, value) + wire::bytes(5, trace) +
                                  wire::bytes(4, std::string(8, '\x01')));
  };
  post(wire::request(
      wire::metric("h", "", 9,
                   wire::bytes(1, histogram_point(10, {1, 2, 3}, {0.1, 0.5}, 6, 4.5) + exemplar(8, 0.3, std::string(16, '\xAB')) +
                                      exemplar(8, 0.05, "") + exemplar(8, 9, std::string(100, 'x'))) +
                       wire::varint(2, cumulative)) +
      wire::sum("n", "", cumulative, true, number_point(1, 10) + exemplar(5, 1, std::string(16, '\xCD'))) +
      wire::gauge("g", "", number_point(1, 10) + exemplar(5, 1, std::string(16, '\xEF')))));
  Exemplars exemplars;
  Batch batch;
  target().write(writer, catalog, batch, now, &exemplars);
  std::map<std::string, std::string> found;
  for (const auto& [info, kept] : exemplars.all()) {
    ASSERT_EQ(kept.size(), 1U);
    found[info->family->name + info->labels.to_string()] = kept[0].labels.to_string();
    EXPECT_EQ(kept[0].at, WallTime(7s));
  }
  const std::string span = "{span_id=\"0101010101010101\", trace_id=\"";
  EXPECT_THAT(found, UnorderedElementsAre(Pair("h_bucket{le=\"0.5\"}", span + "abababababababababababababababab\"}"),
                                          Pair("n_total{}", span + "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\"}")));
}

TEST_F(OtlpTest, KeepsHistogramsApartWhoseAttributesAreCalledAsABound) {
  const auto point = [](const char* le, std::uint64_t count) {
    return wire::bytes(1, wire::attribute(9, "le", le) + histogram_point(10, {count}, {}, count, 1));
  };
  const auto answer = post(wire::request(wire::metric("h", "", 9, point("x", 5) + point("y", 7) + wire::varint(2, cumulative))));
  EXPECT_EQ(answer.samples, 2U);
  const auto samples = pass();
  EXPECT_EQ(samples.at("h_bucket{exported_le=\"x\", le=\"+Inf\"}"), 5);
  EXPECT_EQ(samples.at("h_bucket{exported_le=\"y\", le=\"+Inf\"}"), 7);
  EXPECT_EQ(samples.at("h_count{exported_le=\"x\"}"), 5);
}

}  // namespace
}  // namespace sidewatch::otlp
