// Mapping files of statsd_exporter, and what becomes of the lines that they are for.
#include "collectors/statsd/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "collectors/statsd/aggregate.h"
#include "config/document.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class MappingTest : public ::testing::Test {
 protected:
  // The problems in a file of mappings with this content.
  std::string load(const std::string& text) {
    const std::string path = dir.path() + "/mapping.yaml";
    std::ofstream(path) << text;
    config::Problems problems;
    auto document = config::Document::parse("config.yaml", "statsd: {}\n", {}, problems);
    document.visit([&](config::Section& top) {
      top.within("statsd", "", [&](config::Section& section) { mapper.load(path, section, section.mark()); });
    });
    return problems.text();
  }

  std::map<std::string, double> take(std::string_view packet) {
    Aggregate aggregate(catalog, AggregateOptions{}, mapper);
    aggregate.take(packet);
    aggregate.take(packet);  // once as something new, once as something known
    Batch batch;
    aggregate.write(batch, time_at_ms(600'000));
    counts = aggregate.counts();
    beginnings = batch.beginnings();
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      found[info->family->name + (info->labels.empty() ? "" : info->labels.to_string())] = sample.value;
    }
    return found;
  }

  TempDir dir;
  Mapper mapper;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Aggregate::Counts counts;
  std::vector<Sample> beginnings;
};

TEST_F(MappingTest, MakesNamesAndLabelsOfThePartsThatStarsStandFor) {
  ASSERT_EQ(load(R"(
mappings:
- match: "test.dispatcher.*.*.*"
  name: "dispatcher_events_total"
  labels: {processor: "$1", action: "$2", outcome: "$3", job: "test_dispatcher"}
- match: "*.signup.*.*"
  name: "${2}_signup_total"
  labels: {provider: "$2", outcome: "$3", job: "${1}_server", nobody: "x${9}y$"}
)"),
            "");
  EXPECT_THAT(take("test.dispatcher.Foo.send.ok:1|c\nshop.signup.mail.failure:2|c\ntest.web-server.foo.bar:3|c\n"
                   "test.dispatcher.Foo.send:4|c\na.test.dispatcher.Foo.send.ok:5|c\ntest.dispatcher..send.ok:6|c"),
              UnorderedElementsAre(
                  Pair(R"(dispatcher_events_total{action="send", job="test_dispatcher", outcome="ok", processor="Foo"})", 2),
                  Pair(R"(mail_signup_total{job="shop_server", nobody="xy$", outcome="failure", provider="mail"})", 4),
                  Pair("test_web_server_foo_bar", 6), Pair("test_dispatcher_Foo_send", 8),
                  Pair("a_test_dispatcher_Foo_send_ok", 10), Pair("test_dispatcher__send_ok", 12)));
  EXPECT_EQ(counts.unmapped, 4u);
}

TEST_F(MappingTest, TakesTheFirstGlobThatMatchesOrTheMostExact) {
  const std::string globs = R"(
mappings:
- {match: "a.*.*", name: wide}
- {match: "a.b.*", name: narrow}
- {match: "a.*.c", name: tail}
)";
  ASSERT_EQ(load(globs), "");
  EXPECT_THAT(take("a.b.c:1|c\na.x.c:1|c"), ElementsAre(Pair("wide", 4)));
  mapper = {};
  ASSERT_EQ(load("defaults: {glob_disable_ordering: true}\n" + globs), "");
  EXPECT_THAT(take("a.b.c:1|c\na.x.c:1|c\na.x.y:1|c"),
              UnorderedElementsAre(Pair("narrow", 2), Pair("tail", 2), Pair("wide", 2)));
}

TEST_F(MappingTest, RunsRegularExpressionsBehindTheGlobsAndAnywhereInTheName) {
  ASSERT_EQ(load(R"(
mappings:
- match: "(\\w+)--(\\w+)\\.count"
  match_type: regex
  name: "request_total"
  labels: {host: "$1", exec: "${2}"}
- match: "."
  match_type: regex
  action: drop
  name: "dropped"
- match: "web--x.count"
  name: "by_glob"
)"),
            "");
  EXPECT_THAT(take("web--x.count:1|c\nmy.web--y.count.total:1|c\nother:1|c"),
              UnorderedElementsAre(Pair("by_glob", 2), Pair(R"(request_total{exec="y", host="web"})", 2)));
  EXPECT_EQ(counts.dropped, 2u);
}

TEST_F(MappingTest, LetsTheMappingsLabelsWinUnlessTagsAreHonoured) {
  ASSERT_EQ(load(R"(
mappings:
- {match: "mine.*", name: mine, labels: {kind: "$1"}}
- {match: "theirs.*", name: theirs, labels: {kind: "$1"}, honor_labels: true}
)"),
            "");
  EXPECT_THAT(take("mine.a:1|c|#kind:tag,more:x\ntheirs.a:1|c|#kind:tag,more:x"),
              UnorderedElementsAre(Pair(R"(mine{kind="a", more="x"})", 2), Pair(R"(theirs{kind="tag", more="x"})", 2)));
}

TEST_F(MappingTest, ScalesValuesAndLooksAtTheType) {
  ASSERT_EQ(load(R"(
mappings:
- {match: "size.*", name: size_bytes, scale: 1024, match_metric_type: gauge}
- {match: "size.*", name: sizes_total, match_metric_type: counter}
- {match: "time.*", name: time_seconds, scale: 0.001, match_metric_type: observer, observer_type: histogram}
)"),
            "");
  const auto samples = take("size.a:2|g\nsize.a:2|c\ntime.a:250|h");
  EXPECT_EQ(samples.at("size_bytes"), 2048);
  EXPECT_EQ(samples.at("sizes_total"), 4);
  EXPECT_EQ(samples.at("time_seconds_sum"), 0.5);
}

TEST_F(MappingTest, MakesHistogramsWithTheBucketsOfTheMappingOrTheDefaults) {
  ASSERT_EQ(load(R"(
defaults:
  observer_type: histogram
  histogram_options: {buckets: [1, 2.5, 10], native_histogram_bucket_factor: 1.1, native_histogram_max_buckets: 256}
mappings:
- {match: "own.*", name: own, histogram_options: {buckets: [0.01]}}
- {match: "old.*", name: old, timer_type: summary, quantiles: [{quantile: 0.75, error: 0.05}]}
)"),
            "");
  const auto samples = take("any:1:2:3|h\nown.a:5:50|ms\nold.a:1|h");
  EXPECT_EQ(samples.at(R"(any_bucket{le="1"})"), 2);
  EXPECT_EQ(samples.at(R"(any_bucket{le="2.5"})"), 4);
  EXPECT_EQ(samples.at(R"(any_bucket{le="10"})"), 6);
  EXPECT_EQ(samples.at(R"(any_bucket{le="+Inf"})"), 6);
  EXPECT_EQ(samples.at("any_count"), 6);
  EXPECT_EQ(samples.at(R"(own_bucket{le="0.01"})"), 2);
  EXPECT_EQ(samples.at(R"(own_bucket{le="+Inf"})"), 4);
  EXPECT_EQ(samples.count(R"(old{quantile="0.75"})"), 1u);
  EXPECT_EQ(samples.count(R"(old{quantile="0.5"})"), 0u);
}

TEST_F(MappingTest, KeepsATagWithTheNameOfAHistogramsOwnLabelApartUnderAnotherName) {
  ASSERT_EQ(load("defaults: {observer_type: histogram, histogram_options: {buckets: [1]}}\n"), "");
  const auto samples = take("h:0.5:3|h|#le:foo\nh:4|h|#le:bar\nh:1|h|#quantile:x");
  EXPECT_EQ(samples.at(R"(h_bucket{exported_le="foo", le="1"})"), 2);
  EXPECT_EQ(samples.at(R"(h_bucket{exported_le="foo", le="+Inf"})"), 4);
  EXPECT_EQ(samples.at(R"(h_bucket{exported_le="bar", le="+Inf"})"), 2);
  EXPECT_EQ(samples.at(R"(h_count{exported_le="bar"})"), 2);
  EXPECT_EQ(samples.at(R"(h_count{quantile="x"})"), 2);
}

TEST_F(MappingTest, ABucketGoesOnWhereItWasWhenItsHistogramComesBack) {
  ASSERT_EQ(load("defaults: {observer_type: histogram, histogram_options: {buckets: [1, 2]}}\n"), "");
  EXPECT_EQ(take("h:0.5:1.5|h").size(), 5U);
  EXPECT_EQ(beginnings.size(), 5U);
  Aggregate aggregate(catalog, AggregateOptions{.ttl = std::chrono::minutes(1)}, mapper);
  Batch batch;
  aggregate.take("h:0.5:1.5:9|h");
  aggregate.write(batch, time_at_ms(600'000));
  aggregate.write(batch, time_at_ms(700'000));
  batch.clear();
  aggregate.take("h:1.5|h");
  aggregate.write(batch, time_at_ms(710'000));
  const auto of = [&](const std::vector<Sample>& samples, const std::string& le) {
    for (const auto& [series, value] : samples) {
      if (catalog.info(series)->labels.get("le") == le) return value;
    }
    return -1.0;
  };
  EXPECT_EQ(of(batch.samples(), "1"), 1);
  EXPECT_EQ(of(batch.samples(), "2"), 3);
  EXPECT_EQ(of(batch.samples(), "+Inf"), 4);
  EXPECT_EQ(of(batch.beginnings(), "1"), 1);
  EXPECT_EQ(of(batch.beginnings(), "2"), 2);
  EXPECT_EQ(of(batch.beginnings(), "+Inf"), 3);
}

// How many series of `lines` there are after so long a silence.
std::size_t left_after(Duration silence, const std::string& lines, Aggregate& aggregate) {
  aggregate.take(lines);
  Batch batch;
  aggregate.write(batch, time_at_ms(0));
  batch.clear();
  aggregate.write(batch, time_at_ms(silence.count()));
  return batch.size();
}

TEST_F(MappingTest, DropsASeriesAfterTheTtlOfItsMapping) {
  ASSERT_EQ(load("mappings:\n- {match: 'short.*', name: short, ttl: 1m}\n"), "");
  Aggregate aggregate(catalog, AggregateOptions{}, mapper);
  EXPECT_EQ(left_after(std::chrono::seconds(90), "short.a:1|c\nlong:1|c", aggregate), 1u);
}

// As statsd_exporter has it: 0 of a mapping is what the defaults say, and 0 of these is for ever.
TEST_F(MappingTest, KeepsASeriesForEverWhereTheFileSaysSo) {
  ASSERT_EQ(load("defaults: {ttl: 0}\nmappings:\n- {match: 'kept.*', name: kept, ttl: 0}\n"), "");
  Aggregate aggregate(catalog, AggregateOptions{.ttl = std::chrono::minutes(1)}, mapper);
  EXPECT_EQ(left_after(std::chrono::hours(1), "kept.a:1|c\nunmapped:1|c", aggregate), 2u);
}

TEST_F(MappingTest, TakesZeroOfAMappingForWhatTheDefaultsSay) {
  ASSERT_EQ(load("defaults: {ttl: 1m}\nmappings:\n- {match: 'short.*', name: short, ttl: 0}\n"), "");
  Aggregate aggregate(catalog, AggregateOptions{.ttl = std::chrono::hours(1)}, mapper);
  EXPECT_EQ(left_after(std::chrono::seconds(90), "short.a:1|c", aggregate), 0u);
}

TEST_F(MappingTest, CountsWhatHasNoMappingOnceHoweverOftenItsSpellingIsForgotten) {
  ASSERT_EQ(load("mappings: [{match: known.*, name: known}]\n"), "");
  Aggregate aggregate(catalog, AggregateOptions{.max_keys = 1}, mapper);
  for (int i = 0; i < 5; ++i) aggregate.take("a:1|c\nb:1|c\nb:1|c|#x:y\nknown.a:1|c");
  EXPECT_EQ(aggregate.counts().unmapped, 3u);
}

TEST_F(MappingTest, PointsAtWhatIsWrongInTheFile) {
  EXPECT_THAT(load("mappings:\n- {match: a.b*, name: x}\n"), HasSubstr("mapping.yaml:2:11: is no glob"));
  EXPECT_THAT(load("mappings:\n- {match: a..b, name: x}\n"), HasSubstr("mapping.yaml:2:11: is no glob"));
  EXPECT_THAT(load("mappings:\n- {match: '(', match_type: regex, name: x}\n"),
              HasSubstr("mapping.yaml:2:12: is not a regular expression: missing )"));
  EXPECT_THAT(load("mappings:\n- {match: a, name: x, lables: {a: b}}\n"),
              HasSubstr("mapping.yaml:2:23: unknown key 'lables', did you mean 'labels'?"));
  EXPECT_THAT(load("mappings:\n- {match: a}\n"), HasSubstr("a mapping needs a name"));
  EXPECT_THAT(load("mappings:\n- {match: a, name: x, labels: {1a: b}}\n"), HasSubstr("'1a' is not the name of a label"));
  EXPECT_THAT(load("mappings:\n- {match: a, name: x, histogram_options: {buckets: [2, 1]}}\n"), HasSubstr("the bounds must rise"));
}

}  // namespace
}  // namespace sidewatch::statsd
