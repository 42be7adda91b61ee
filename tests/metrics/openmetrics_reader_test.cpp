#include "metrics/openmetrics_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "metrics/sample_feed.h"
#include "metrics/series_notation.h"

namespace sidewatch {
namespace {

// One line per series: its labels and `value@ms` for each sample; or the error.
std::string read(std::string_view text, const SamplesReadOptions& options = {}) {
  const auto samples = read_openmetrics(text, options);
  if (!samples) return samples.error().text();
  std::string out;
  for (const auto& series : samples->series) {
    out += series_to_string(series.labels);
    for (const Point& point : series.points) {
      char sample[80];
      std::snprintf(sample, sizeof sample, " %g@%lld", point.value, static_cast<long long>(to_ms(point.time)));
      out += sample;
    }
    out += '\n';
  }
  return out;
}

TEST(OpenMetricsReader, TakesManySamplesOfASeriesInSeconds) {
  EXPECT_EQ(read("# TYPE http_requests counter\n"
                 "# HELP http_requests Requests \\n by code.\n"
                 "http_requests_total{code=\"200\"} 1 1700000000\n"
                 "http_requests_total{code=\"200\"} 2.5 1700000015.25\n"
                 "http_requests_total{code=\"500\"} +Inf 1.7e9\n"
                 "temperature -1.5e-3 -1\n"
                 "# EOF\n"),
            "http_requests_total{code=\"200\"} 1@1700000000000 2.5@1700000015250\n"
            "http_requests_total{code=\"500\"} inf@1700000000000\n"
            "temperature -0.0015@-1000\n");
}

TEST(OpenMetricsReader, TakesAPageOfThePrometheusTextFormatInMilliseconds) {
  EXPECT_EQ(read("# a comment\n\nup{job=\"a\",} 1 1700000000123\nup { job = \"b\" } NaN 1700000000123\n"),
            "up{job=\"a\"} 1@1700000000123\nup{job=\"b\"} nan@1700000000123\n");
}

TEST(OpenMetricsReader, GivesSamplesWithoutTimestampsTheTimeThatItIsTold) {
  EXPECT_EQ(read("up 1\nx 2\n", {.untimed_at = time_at_ms(5000)}), "up 1@5000\nx 2@5000\n");
  EXPECT_FALSE(read_openmetrics("up 1\n", {})->timed);
  EXPECT_TRUE(read_openmetrics("up 1 1\n", {})->timed);
}

TEST(OpenMetricsReader, PutsASeriesInTheOrderOfTime) {
  EXPECT_EQ(read("a 3 30\na 1 10\nb 7 5\na 2 20\na 1 10\n# EOF"), "a 1@10000 2@20000 3@30000\nb 7@5000\n");
  const auto samples = read_openmetrics("a 3 30\na 1 10\n# EOF", {});
  EXPECT_EQ(to_ms(samples->oldest), 10'000);
  EXPECT_EQ(to_ms(samples->newest), 30'000);
}

TEST(OpenMetricsReader, KnowsASeriesWhateverTheOrderOfItsLabels) {
  EXPECT_EQ(read("a{x=\"1\",y=\"2\"} 1 1\na{y=\"2\", x=\"1\"} 2 2\n# EOF\n"), "a{x=\"1\", y=\"2\"} 1@1000 2@2000\n");
}

TEST(OpenMetricsReader, LeavesExemplarsOut) {
  EXPECT_EQ(read("h_bucket{le=\"1\"} 3 1 # {trace_id=\"a # b\"} 0.5 1.25\nh_bucket{le=\"2\"} 4 1 # {} 0.5\n# EOF\n"),
            "h_bucket{le=\"1\"} 3@1000\nh_bucket{le=\"2\"} 4@1000\n");
}

TEST(OpenMetricsReader, ReadsEscapesAndBracesInsideValues) {
  EXPECT_EQ(read("a{p=\"C:\\\\x } \\\"q\\\"\\n\"} 1 1\r\n# EOF\r\n"), "a{p=\"C:\\\\x } \\\"q\\\"\\n\"} 1@1000\n");
}

TEST(OpenMetricsReader, SaysWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"up", "1:3: the sample lacks its value"},
      {"up one", "1:4: \"one\" is not a number"},
      {"up 1 now", "1:6: \"now\" is not a timestamp"},
      {"up 1 1 1", "1:8: unexpected text behind the sample"},
      {"x 1\n{a=\"b\"} 1", "2:1: expected a metric name, as in up{job=\"a\"} 1"},
      {"up{job=\"a} 1\n", "1:3: a label value lacks its closing quote"},
      {"up{job=\"a\" 1\n", "1:3: the labels lack their closing '}'"},
      {"up{job=a} 1", "1:8: expected a label value in double quotes"},
      {"up{ü=\"a\"} 1", "1:4: expected a label name, as in {job=\"a\"}"},
      {"up{b=\"ü\",a=\"1\",a=\"2\"} 1", "1:16: the label a is given twice"},
      {"a-b 1", "1:1: \"a-b\" is not a metric name"},
      {"a 1\na{__name__=\"b\"} 1", "2:1: the label __name__ is the name in front of the braces"},
      {"a 1 5\nb 1", "2:1: this sample has no timestamp, the ones before have one"},
      {"a 1\nb 1 5", "2:1: this sample has a timestamp, the ones before have none"},
      {"a 1 5\na 2 5", "2:1: a second value of this series for the same time"},
      {"a 1 5\na 1 6\na 2 5", "3:1: this series has two different values at 0.005000 s"},
      {"# TYPE a gadget", "1:10: \"gadget\" is no type of a metric; known are counter, gauge, histogram, summary, info, "
                          "stateset, gaugehistogram and unknown (or untyped)"},
      {"# UNIT a_seconds minutes\n# EOF", "1:18: the name a_seconds does not end with its unit \"minutes\""},
      {"a 1 1\n\n# a remark\n# TYPE a untyped\na 1 2\n# EOF\n\n", "a 1@1000 1@2000\n"},
      {"# TYPE a info\na 1 1\n", "a 1@1\n"},
      {"# EOF\na 1 1\n# EOF", "2:1: nothing may follow # EOF"},
      {"a 1 1e300\n# EOF", "1:5: \"1e300\" is too far from 1970"},
      {"a 1 1.5", "1:5: a timestamp with a fraction is OpenMetrics, but the file does not end with # EOF: it has been "
                  "cut off, or the line is missing"},
      {"# UNIT a seconds\n", "1:1: # UNIT is OpenMetrics, but the file does not end with # EOF: it has been cut off, or "
                             "the line is missing"},
      {"a{b=\"\xff\"} 1", "1:5: a label value is not UTF-8"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(read(text), expected) << text;
}

TEST(OpenMetricsReader, TakesNoMoreSeriesAndSamplesThanItMay) {
  EXPECT_EQ(read("a 1 1\na 2 2\na 3 3\n# EOF", {.untimed_at = {}, .max_samples = 2}), "3:1: more than 2 samples");
  EXPECT_EQ(read("a 1 1\nb 2 2\n# EOF", {.untimed_at = {}, .max_series = 1}), "2:1: more than 1 series");
}

TEST(SampleFeed, HasEverySampleUpToTheTimeItWasMovedTo) {
  SampleFeed feed;
  feed.add({{{"__name__", "a"}}, {{time_at_ms(0), 1}, {time_at_ms(10), 2}, {time_at_ms(20), stale_marker()}}});
  const auto latest = [&](std::int64_t ms) -> std::optional<double> {
    const auto series = feed.catalog().select({});
    const auto point = feed.store().latest(series.at(0), time_at_ms(ms), std::chrono::minutes(5));
    return point ? std::optional(point->value) : std::nullopt;
  };
  feed.advance(time_at_ms(9));
  EXPECT_EQ(latest(15), 1);
  feed.advance(time_at_ms(10));
  EXPECT_EQ(latest(15), 2);
  feed.advance(time_at_ms(1000));
  EXPECT_EQ(latest(15), 2);
  EXPECT_EQ(latest(25), std::nullopt);
}

}  // namespace
}  // namespace sidewatch
