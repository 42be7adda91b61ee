// What lines mean: patterns, JSON, conditions, labels and values. The metrics are written as in a configuration.
#include "collectors/log/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "collectors/log/config.h"
#include "collectors/log/counted.h"
#include "config/document.h"

namespace sidewatch::log {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Contains;
using ::testing::Key;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class LogLines : public ::testing::Test {
 protected:
  // The problems in one entry, which is otherwise taken.
  std::string load(const std::string& entry) {
    config::Problems problems;
    LogConfig config;
    auto document = config::Document::parse("config.yaml", "log:\n  name: l\n  path: /l\n" + entry, {}, problems);
    document.visit([&](config::Section& top) {
      top.within("log", "", [&](config::Section& section) { declare(section, config); });
    });
    counted.reset();
    interpreter.emplace(config.format, config.metrics);
    counted.emplace(catalog, interpreter->metrics(), Labels{}, config.counted);
    return problems.text();
  }

  void take(const std::vector<std::string>& lines) {
    for (const auto& line : lines) {
      const auto found = interpreter->read(line);
      if (found.empty()) ++unmatched;
      for (const auto& one : found) counted->add(one);
    }
  }

  std::map<std::string, double> series(Time now = time_at_ms(1'000)) {
    Batch batch;
    counted->write(batch, now);
    std::map<std::string, double> all;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      all[info->family->name + (info->labels.empty() ? "" : info->labels.to_string())] = sample.value;
    }
    return all;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  std::optional<Interpreter> interpreter;
  std::optional<Counted> counted;
  std::size_t unmatched = 0;
};

TEST_F(LogLines, AreCountedByWhatTheGroupsOfAPatternFind) {
  ASSERT_EQ(load(R"(
  match: '"(?P<method>[A-Z]+) [^"]*" (?P<status>\d{3}) (?P<bytes>\d+|-) (?<seconds>[\d.]+)$'
  metrics:
    - {name: requests_total, labels: {method: $method, class: "x$status"}}
    - {name: sent_bytes_total, value: $bytes}
    - {name: failed_total, when: {status: "5.."}}
    - {name: took_seconds, type: histogram, value: $seconds, buckets: [0.1, 1]}
    - {name: last_seconds, type: gauge, value: $seconds, scale: 1000}
)"),
            "");
  take({R"(h "GET /a HTTP/1.1" 200 512 0.05)", R"(h "GET /b" 200 - 0.5)", R"(h "POST /c" 503 8 7.0)", "nonsense"});
  EXPECT_THAT(series(), UnorderedElementsAre(
                            Pair(R"(requests_total{class="x200", method="GET"})", 2),
                            Pair(R"(requests_total{class="x503", method="POST"})", 1), Pair("sent_bytes_total", 520),
                            Pair("failed_total", 1), Pair("took_seconds_count", 3), Pair("took_seconds_sum", 7.55),
                            Pair(R"(took_seconds_bucket{le="0.1"})", 1), Pair(R"(took_seconds_bucket{le="1"})", 2),
                            Pair(R"(took_seconds_bucket{le="+Inf"})", 3), Pair("last_seconds", 7000)));
  EXPECT_EQ(unmatched, 1U);
  EXPECT_EQ(interpreter->errors().value, 0U);
}

TEST_F(LogLines, AreForEveryMetricThatMatches) {
  ASSERT_EQ(load(R"(
  metrics:
    - {name: errors_total, match: ERROR}
    - {name: by_level_total, match: '^(\w+)', labels: {level: $1}}
)"),
            "");
  take({"ERROR disk", "INFO up"});
  EXPECT_THAT(series(), UnorderedElementsAre(Pair("errors_total", 1), Pair(R"(by_level_total{level="ERROR"})", 1),
                                             Pair(R"(by_level_total{level="INFO"})", 1)));
}

TEST_F(LogLines, OfJsonAreTakenByTheirMembers) {
  ASSERT_EQ(load(R"(
  format: json
  metrics:
    - {name: lines_total, labels: {level: $level, ok: $ok, missing: $nothing, list: $/tags/1, object: $req}}
    - {name: served_total, when: {/res/statusCode: "2.."}, labels: {method: $/req/method}}
    - {name: took_seconds, type: gauge, value: $responseTime, scale: 0.001}
)"),
            "");
  take({R"({"level":30,"ok":true,"tags":["a","b"],"req":{"method":"GET"},"res":{"statusCode":204},"responseTime":12.5})",
        R"({"level":"warn","tags":"none","res":{"statusCode":500}})", "not json", "[1]"});
  EXPECT_THAT(series(),
              UnorderedElementsAre(Pair(R"(lines_total{level="30", list="b", ok="true"})", 1),
                                   Pair(R"(lines_total{level="warn"})", 1), Pair(R"(served_total{method="GET"})", 1),
                                   Pair("took_seconds", 0.0125)));
  EXPECT_EQ(interpreter->errors().json, 2U);
  EXPECT_EQ(unmatched, 2U);
}

TEST_F(LogLines, OfJsonMayHaveSomethingAroundTheObject) {
  ASSERT_EQ(load(R"(
  format: json
  match: '^\S+ (?P<stream>\w+) F (?P<json>.*)'
  metrics: [{name: lines_total, labels: {level: $level, stream: $stream}}]
)"),
            "");
  take({R"(2026-01-01T00:00:00Z stderr F {"level":"error"})"});
  EXPECT_THAT(series(), ElementsAre(Pair(R"(lines_total{level="error", stream="stderr"})", 1)));
}

TEST_F(LogLines, OfAnyBytesGiveLabelsThatAreText) {
  ASSERT_EQ(load("  metrics: [{name: seen_total, match: '=(.*)', labels: {what: $1}}]\n"), "");
  take({"=a\xff\xfe" "b", std::string("=a\0b", 4), "=größe", "=" + std::string(1000, 'x')});
  EXPECT_THAT(series(), UnorderedElementsAre(Pair("seen_total{what=\"a\uFFFD\uFFFD" "b\"}", 1),
                                             Pair("seen_total{what=\"a\uFFFDb\"}", 1), Pair("seen_total{what=\"größe\"}", 1),
                                             Pair("seen_total{what=\"" + std::string(256, 'x') + "\"}", 1)));
}

TEST_F(LogLines, WithValuesThatCannotBeAreCountedAsErrors) {
  ASSERT_EQ(load("  metrics: [{name: sum_total, match: 'v=(\\S*)', value: $1}]\n"), "");
  take({"v=1.5", "v=+2", "v=-1", "v=1e999", "v=nan", "v=inf", "v=12ms", "v=-", "v="});
  EXPECT_THAT(series(), ElementsAre(Pair("sum_total", 3.5)));
  EXPECT_EQ(interpreter->errors().value, 5U);
}

TEST_F(LogLines, DoNotStopTheAgentWhateverThePattern) {
  ASSERT_EQ(load("  metrics: [{name: evil_total, match: '(a+)+$', labels: {x: $1}}]\n"), "");
  take({std::string(64'000, 'a') + "b"});
  EXPECT_THAT(series(), IsEmpty());
}

TEST_F(LogLines, OfMoreLabelSetsThanThereIsRoomForGoToTheOverflow) {
  ASSERT_EQ(load("  max_series: 3\n  metrics: [{name: hits_total, match: 'u=(\\S+)', labels: {user: $1}}]\n"), "");
  for (int i = 0; i < 1000; ++i) take({"u=" + std::to_string(i)});
  take({"u=1"});
  EXPECT_THAT(series(), UnorderedElementsAre(Pair(R"(hits_total{user="0"})", 1), Pair(R"(hits_total{user="1"})", 2),
                                             Pair(R"(hits_total{user="2"})", 1), Pair(R"(hits_total{overflow="true"})", 997)));
  EXPECT_EQ(counted->overflowed(), 997U);
  EXPECT_EQ(counted->series(), 3U);
}

TEST_F(LogLines, OfHistogramsThatHaveNoRoomStayWhole) {
  ASSERT_EQ(load("  max_series: 8\n  metrics: [{name: t, type: histogram, match: '(\\S+) (\\S+)', labels: {user: $1}, "
                 "value: $2, buckets: [1]}]\n"),
            "");
  take({"a 0.5", "b 0.5", "c 2", "d 0.5"});
  const auto all = series();
  EXPECT_THAT(all, IsSupersetOf({Pair(R"(t_count{user="a"})", 1.0), Pair(R"(t_count{user="b"})", 1.0),
                                 Pair(R"(t_count{overflow="true"})", 2.0),
                                 Pair(R"(t_bucket{le="1", overflow="true"})", 1.0)}));
  EXPECT_THAT(all, Not(Contains(Key(HasSubstr("user=\"c\"")))));
}

TEST_F(LogLines, ThatStayAwayLetTheirSeriesGo) {
  ASSERT_EQ(load("  ttl: 1m\n  metrics: [{name: m_total, match: 'u=(\\S+)', labels: {u: $1}}, {name: n_total, match: x}]\n"), "");
  take({"u=a", "u=b"});
  EXPECT_EQ(series(time_at_ms(0)).size(), 3U);
  take({"u=b"});
  EXPECT_EQ(series(time_at_ms(50'000)).size(), 3U);
  EXPECT_THAT(series(time_at_ms(61'000)), UnorderedElementsAre(Pair(R"(m_total{u="b"})", 2), Pair("n_total", 0)));
  take({"u=a"});
  EXPECT_THAT(series(time_at_ms(62'000)), Contains(Pair(R"(m_total{u="a"})", 1)));
}

TEST_F(LogLines, StandAtZeroBeforeTheFirstWhereNoLabelIsToBeKnown) {
  ASSERT_EQ(load("  metrics: [{name: errors_total, match: ERROR, labels: {kind: any}}, {name: g, type: gauge, value: '$1', "
                 "match: '(1)'}]\n"),
            "");
  EXPECT_THAT(series(), ElementsAre(Pair(R"(errors_total{kind="any"})", 0)));
}

TEST_F(LogLines, AreAnIncreaseAlsoWhereTheyAreTheFirstOfTheirLabels) {
  ASSERT_EQ(load("  metrics:\n"
                 "    - {name: words_total, match: 'word=(\\S+)', labels: {word: $1}}\n"
                 "    - {name: took, type: histogram, match: 'took=(\\S+)', value: $1, buckets: [5]}\n"
                 "    - {name: last, type: gauge, match: 'took=(\\S+)', value: $1}\n"),
            "");
  Store store(catalog, {});
  const auto source = store.add_source("log");
  const auto pass = [&](std::int64_t ms) {
    Batch batch;
    counted->write(batch, time_at_ms(ms));
    store.append(source, time_at_ms(ms), batch);
  };
  const auto points = [&](const Metric& metric, const Labels& labels) {
    std::vector<Point> found;
    store.range(catalog.series(metric, labels).id(), time_at_ms(0), time_at_ms(10'000), found);
    std::vector<std::pair<std::int64_t, double>> told;
    for (const auto& point : found) told.emplace_back(to_ms(point.time), point.value);
    return told;
  };
  pass(1000);
  take({"word=a", "word=a", "took=7"});
  pass(2000);
  take({"word=a", "took=8"});
  pass(3000);
  const Metric words{"words_total", MetricType::counter, "", ""};
  EXPECT_THAT(points(words, Labels{{"word", "a"}}), ElementsAre(Pair(1000, 0.0), Pair(2000, 2.0), Pair(3000, 3.0)));
  const Metric bucket{"took_bucket", MetricType::histogram, "", ""};
  EXPECT_THAT(points(bucket, Labels{{"le", "+Inf"}}), ElementsAre(Pair(1000, 0.0), Pair(2000, 1.0), Pair(3000, 2.0)));
  const Metric last{"last", MetricType::gauge, "", ""};
  EXPECT_THAT(points(last, {}), ElementsAre(Pair(2000, 7.0), Pair(3000, 8.0)));
}

TEST_F(LogLines, OfTwoPatternsMayBeOneMetric) {
  ASSERT_EQ(load("  metrics: [{name: e_total, match: ERR, labels: {k: e}}, {name: e_total, match: FATAL, labels: {k: e}}]\n"),
            "");
  take({"ERR", "FATAL"});
  EXPECT_THAT(series(), ElementsAre(Pair(R"(e_total{k="e"})", 2)));
}

TEST_F(LogLines, HaveConfigurationsWhoseMistakesAreSaid) {
  EXPECT_EQ(load("  metrics: [{name: a_total, match: '(?P<status>x', labels: {s: $statsu}}]\n"),
            "config.yaml:4:36: is not a regular expression: missing ): (?P<status>x\n");
  EXPECT_THAT(load("  match: '(?P<status>x)'\n  metrics: [{name: a_total, labels: {s: $statsu}}]\n"),
              HasSubstr("config.yaml:5:41: there is no group 'statsu'; there are status"));
  EXPECT_THAT(load("  metrics: [{name: a_total, labels: {s: $/x}}]\n"), HasSubstr("needs format: json"));
  EXPECT_THAT(load("  metrics: [{name: node_load1}]\n"), HasSubstr("is one of the agent's own metrics"));
  EXPECT_THAT(load("  metrics: [{name: a-b}]\n"), HasSubstr("is not the name of a metric"));
  EXPECT_THAT(load("  metrics: [{name: a, type: gauge}]\n"), HasSubstr("needs the part of the line that is its value"));
  EXPECT_THAT(load("  metrics: [{name: a, buckets: [1]}]\n"), HasSubstr("buckets are of a metric of type: histogram"));
  EXPECT_THAT(load("  metrics: [{name: x, type: histogram, match: (1), value: $1}, {name: x_count}]\n"),
              HasSubstr("'x_count' and 'x' would be written to the same series"));
  EXPECT_THAT(load("  metrics: [{name: x_sum}, {name: x, type: histogram, match: (1), value: $1}]\n"),
              HasSubstr("'x' and 'x_sum' would be written to the same series"));
  EXPECT_THAT(load("  metrics: [{name: a, type: histogram, match: (1), value: $1, buckets: [2, 1]}]\n"),
              HasSubstr("the bounds must rise, and 1 does not"));
  EXPECT_THAT(load("  metrics: [{name: a, labels: {log: x}}]\n"), HasSubstr("the label 'log' is the agent's own"));
  EXPECT_THAT(load("  metrics: [{name: a}, {name: a, type: gauge, match: (1), value: $1}]\n"),
              HasSubstr("there is a metric 'a' already"));
  EXPECT_THAT(load(""), HasSubstr("missing key 'metrics'"));
  EXPECT_THAT(load("  metrics: []\n"), HasSubstr("without a metric nothing is counted"));
}

}  // namespace
}  // namespace sidewatch::log
