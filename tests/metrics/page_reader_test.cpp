#include "metrics/page_reader.h"

#include <gtest/gtest.h>

#include <cmath>

#include "metrics/series_texts.h"

namespace sidewatch {
namespace {

constexpr std::size_t many = 100;

std::string problem_of(std::string_view text, std::size_t max_samples = many) {
  const auto page = read_page(text, {.max_samples = max_samples});
  return page ? "" : page.error().where + ": " + page.error().what;
}

TEST(ReadPage, ReadsTypesHelpsLabelsAndValues) {
  const auto page = read_page(
      "# HELP backup_age_seconds How old\\nit is.\n"
      "# TYPE backup_age_seconds gauge\n"
      "backup_age_seconds{job=\"a \\\"b\\\"\",path=\"C:\\\\x\",} 1.5e3\n"
      "\n"
      "# a remark\n"
      "free_standing   +Inf\n",
      {});
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->samples.size(), 2u);
  EXPECT_EQ(page->samples.at(0).name, "backup_age_seconds");
  EXPECT_EQ(page->samples.at(0).type, MetricType::gauge);
  EXPECT_EQ(page->help_of(page->samples.at(0)), "How old\nit is.");
  EXPECT_EQ(page->samples.at(0).labels.get("job"), "a \"b\"");
  EXPECT_EQ(page->samples.at(0).labels.get("path"), "C:\\x");
  EXPECT_EQ(page->samples.at(0).value, 1500);
  EXPECT_EQ(page->samples.at(1).type, MetricType::untyped);
  EXPECT_GT(page->samples.at(1).value, 1e308);
}

TEST(ReadPage, GivesThePartsOfAHistogramItsType) {
  const auto page = read_page("# TYPE t histogram\nt_bucket{le=\"+Inf\"} 3\nt_sum 4\nt_count 3\nt_other 1\n", {});
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->samples.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(page->samples.at(i).type, MetricType::histogram) << page->samples.at(i).name;
  EXPECT_EQ(page->samples.at(3).type, MetricType::untyped);
}

TEST(ReadPage, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(problem_of("a 1\nb\n"), "2:2: the sample lacks its value");
  EXPECT_EQ(problem_of("a one\n"), "1:3: \"one\" is not a number");
  EXPECT_EQ(problem_of("a 1 1700000000000\n"),
            "1:5: unexpected text behind the value; timestamps are not supported here");
  EXPECT_EQ(problem_of("a 1\na 2\n"), "2:1: this series is given twice");
  EXPECT_EQ(problem_of("# TYPE a gauge\n# TYPE a counter\n"), "2:10: the type of a is given twice");
  EXPECT_EQ(problem_of("a 1\n# TYPE a gauge\n"), "2:10: the type of a comes after its samples");
  EXPECT_EQ(problem_of("# TYPE a speed\n"),
            "1:10: \"speed\" is no type of a metric; known are counter, gauge, histogram, summary and untyped");
  EXPECT_EQ(problem_of("# HELP 1a x\n"), "1:8: # HELP lacks the name of a metric");
  EXPECT_EQ(problem_of("# HELP a \xff\n"), "1:10: the help is not UTF-8");
  EXPECT_EQ(problem_of("a-b 1\n"), "1:1: \"a-b\" is not a metric name");
  EXPECT_EQ(problem_of("a{x=1} 1\n"), "1:5: expected a label value in double quotes");
  EXPECT_EQ(problem_of("a{x=\"1\",x=\"2\"} 1\n"), "1:9: the label x is given twice");
  EXPECT_EQ(problem_of("a{x=\"1\" y=\"2\"} 1\n"), "1:9: expected ',' or '}' behind a label value");
  EXPECT_EQ(problem_of("a{x=\"1\n"), "1:2: a label value lacks its closing quote");
  EXPECT_EQ(problem_of("a{x=\"\xff\"} 1\n"), "1:5: a label value is not UTF-8");
  EXPECT_EQ(problem_of("a 1\nb 2"), "2:1: the last line has no end: the page is not whole");
  EXPECT_EQ(problem_of("a 1\nb 2\n", 1), "2:1: more than 1 samples");
}

PageOptions openmetrics() {
  PageOptions options;
  options.format = ExpositionFormat::openmetrics;
  options.refuse_timestamps = false;
  return options;
}

std::string openmetrics_problem(std::string_view text) {
  const auto page = read_page(text, openmetrics());
  return page ? "" : page.error().where + ": " + page.error().what;
}

// As a scrape takes it: nothing refused that Prometheus would not refuse.
PageOptions scraped(ExpositionFormat format = ExpositionFormat::prometheus_text) {
  PageOptions options;
  options.format = format;
  options.refuse_unfinished = options.refuse_repeated_metadata = options.refuse_timestamps = false;
  return options;
}

TEST(ReadPage, ReadsOpenMetricsWithUnitsTimesAndEveryType) {
  const auto page = read_page(
      "# TYPE wait_seconds summary\n"
      "# UNIT wait_seconds seconds\n"
      "# HELP wait_seconds Waiting, \\\"quoted\\\"\n"
      "wait_seconds_count 3 1700000000.25\n"
      "wait_seconds_created 1.5\n"
      "# TYPE hits counter\n"
      "hits_total 5\n"
      "hits_created 1\n"
      "# TYPE build info\n"
      "build_info{v=\"1\"} 1\n"
      "# TYPE size gaugehistogram\n"
      "size_bucket{le=\"+Inf\"} 2\n"
      "size_gsum 7\n"
      "other 1\n"
      "# EOF\n",
      openmetrics());
  ASSERT_TRUE(page) << page.error().text();
  std::string seen;
  for (const auto& sample : page->samples) {
    seen += sample.name + ":" + std::string(to_string(sample.type)) + ":" + page->families[sample.family].name + " ";
  }
  EXPECT_EQ(seen,
            "wait_seconds_count:summary:wait_seconds wait_seconds_created:gauge:wait_seconds hits_total:counter:hits "
            "hits_created:gauge:hits build_info:gauge:build size_bucket:gauge:size size_gsum:gauge:size "
            "other:untyped:other ");
  EXPECT_EQ(page->unit_of(page->samples[0]), "seconds");
  EXPECT_EQ(page->help_of(page->samples[0]), "Waiting, \"quoted\"");
  EXPECT_EQ(page->samples[0].timestamp_ms, 1700000000250);
  EXPECT_FALSE(page->samples[1].timestamp_ms);
}

TEST(ReadPage, SaysWhatIsNotOpenMetrics) {
  EXPECT_EQ(openmetrics_problem("a 1\n"), "2:1: the page does not end with # EOF: it is not whole");
  EXPECT_EQ(openmetrics_problem("a 1\n# EOF\nb 1\n"), "3:1: nothing may follow # EOF");
  EXPECT_EQ(openmetrics_problem("a 1\n\n# EOF\n"), "2:1: an empty line; OpenMetrics has none");
  EXPECT_EQ(openmetrics_problem("# a remark\n# EOF\n"),
            "1:1: expected # TYPE, # HELP, # UNIT or # EOF; OpenMetrics has no other remarks");
  EXPECT_EQ(openmetrics_problem("# UNIT a seconds\n# EOF\n"), "1:10: the name a does not end with its unit \"seconds\"");
  EXPECT_EQ(openmetrics_problem("# TYPE a untyped\n# EOF\n"),
            "1:10: \"untyped\" is no type of a metric; known are counter, gauge, histogram, summary, info, stateset, "
            "gaugehistogram and unknown");
  EXPECT_EQ(openmetrics_problem("a 1 # {b=\"c\" 2\n# EOF\n"), "1:7: the labels lack their closing '}'");
  EXPECT_EQ(openmetrics_problem("a 1 # {b=\"c\"}\n# EOF\n"), "1:14: the sample lacks its value");
  EXPECT_EQ(openmetrics_problem("a 1 # {b=\"c\"} 1 x\n# EOF\n"),
            "1:17: an exemplar's timestamp is not a number of seconds");
  EXPECT_EQ(problem_of("a 1 # {b=\"c\"} 1\n"),
            "1:5: an exemplar is OpenMetrics, but this page is the Prometheus text format");
}

TEST(PageReader, GivesTheExemplarOfASample) {
  PageReader reader("h_bucket{le=\"1\"} 4 1.5 # {trace_id=\"abc\",span=\"d\"} 0.5 1700000000.123\n# EOF\n",
                    scraped(ExpositionFormat::openmetrics));
  ASSERT_TRUE(reader.next());
  ASSERT_TRUE(reader.sample().exemplar);
  EXPECT_EQ(reader.sample().exemplar->value, 0.5);
  EXPECT_EQ(reader.sample().exemplar->timestamp_ms, 1700000000123);
  std::vector<Label> labels;
  ASSERT_TRUE(reader.exemplar_labels(labels));
  EXPECT_EQ(Labels(labels).to_string(), "{span=\"d\", trace_id=\"abc\"}");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
}

TEST(PageReader, TakesFromAnAnswerWhatPrometheusTakes) {
  PageReader reader("a 1 1700000000000\n# TYPE a gauge\n# TYPE a counter\nb{x=\"1\"} NaN", scraped());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.sample().timestamp_ms, 1700000000000);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.sample().series, "b{x=\"1\"}");
  EXPECT_EQ(reader.sample().name(), "b");
  EXPECT_TRUE(std::isnan(reader.sample().value));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
}

TEST(PageReader, PutsTogetherWhatIsSaidOfAFamilyInSeveralPlaces) {
  PageReader reader("# HELP a One.\n# TYPE b counter\n# TYPE a gauge\n# TYPE a counter\n# HELP c x\na 1\n", scraped());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.type(), MetricType::gauge);
  EXPECT_EQ(reader.family().help(), "One.");
}

TEST(PageReader, RecognisesTheExpectedSeriesOnlyWhereItStandsWhole) {
  const std::string_view text = "up 1\nup_total 2\nup {a=\"1\"} 3\nup{a=\"1\"} 4\nup{a=\"1\",b=\"2\"} 5\n";
  for (const std::string_view expected : {"up", "up{a=\"1\"}", "nothing"}) {
    PageReader reader(text, scraped());
    std::string seen;
    while (reader.next(expected)) seen += std::string(reader.sample().series) + "|";
    EXPECT_FALSE(reader.error());
    EXPECT_EQ(seen, "up|up_total|up {a=\"1\"}|up{a=\"1\"}|up{a=\"1\",b=\"2\"}|") << expected;
  }
}

TEST(PageReader, RefusesSeriesBeyondItsBounds) {
  PageOptions options = scraped();
  options.series = {.max_name_bytes = 4, .max_labels = 1, .max_label_name_bytes = 2, .max_label_value_bytes = 3};
  const auto problem = [&](std::string_view text) {
    const auto page = read_page(text, options);
    return page ? "" : page.error().text();
  };
  EXPECT_EQ(problem("four{ab=\"123\"} 1\n"), "");
  EXPECT_EQ(problem("fivee 1\n"), "1:1: a metric name is longer than 4 bytes");
  EXPECT_EQ(problem("a{abc=\"1\"} 1\n"), "1:3: a label name is longer than 2 bytes");
  EXPECT_EQ(problem("a{b=\"1234\"} 1\n"), "1:5: a label value is longer than 3 bytes");
  EXPECT_EQ(problem("a{b=\"1\",c=\"2\"} 1\n"), "1:9: more than 1 labels");
}

TEST(PageReader, TellsTheFormatByTheEndAndByTheContentType) {
  EXPECT_EQ(format_by_end("a 1\n# EOF\n"), ExpositionFormat::openmetrics);
  EXPECT_EQ(format_by_end("# EOF"), ExpositionFormat::openmetrics);
  EXPECT_EQ(format_by_end("a 1\n"), ExpositionFormat::prometheus_text);
  EXPECT_EQ(format_by_content_type("application/openmetrics-text; version=1.0.0"), ExpositionFormat::openmetrics);
  EXPECT_EQ(format_by_content_type("text/plain"), ExpositionFormat::prometheus_text);
}

TEST(SeriesTexts, ExpectsTheOrderOfTheLastReadingAndForgetsWhatIsMissing) {
  SeriesTexts<int> texts;
  const auto read = [&](std::initializer_list<std::string_view> page) {
    std::string met;
    texts.begin();
    for (const auto text : page) {
      const bool expected = texts.expected() == text;
      const auto found = texts.take(text);
      met += found.met == SeriesTexts<int>::Met::first_time ? 'n' : found.met == SeriesTexts<int>::Met::twice ? 't'
             : expected                                     ? 'e'
                                                            : 'k';
    }
    texts.end();
    return met;
  };
  EXPECT_EQ(read({"a", "b", "c"}), "nnn");
  EXPECT_EQ(read({"a", "b", "c"}), "eee");
  EXPECT_EQ(read({"a", "x", "b", "c", "b"}), "eneet");
  EXPECT_EQ(read({"b", "c"}), "ke");
  EXPECT_EQ(texts.size(), 2u);
  EXPECT_EQ(read({"a", "b"}), "ne");
}

TEST(SeriesTexts, ForgetsAllAfterAReadingThatDidNotEnd) {
  SeriesTexts<int> texts;
  texts.begin();
  texts.take("a").known = 7;
  texts.begin();
  EXPECT_EQ(texts.size(), 0u);
  EXPECT_EQ(texts.take("a").met, SeriesTexts<int>::Met::first_time);
}

}  // namespace
}  // namespace sidewatch
