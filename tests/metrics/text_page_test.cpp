#include "metrics/text_page.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

constexpr std::size_t many = 100;

std::string problem_of(std::string_view text, std::size_t max_samples = many) {
  const auto page = read_text_page(text, max_samples);
  return page ? "" : page.error().where + ": " + page.error().what;
}

TEST(TextPage, ReadsTypesHelpsLabelsAndValues) {
  const auto page = read_text_page(
      "# HELP backup_age_seconds How old\\nit is.\n"
      "# TYPE backup_age_seconds gauge\n"
      "backup_age_seconds{job=\"a \\\"b\\\"\",path=\"C:\\\\x\",} 1.5e3\n"
      "\n"
      "# a remark\n"
      "free_standing   +Inf\n",
      many);
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ(page->at(0).name, "backup_age_seconds");
  EXPECT_EQ(page->at(0).type, MetricType::gauge);
  EXPECT_EQ(page->at(0).help, "How old\nit is.");
  EXPECT_EQ(page->at(0).labels.get("job"), "a \"b\"");
  EXPECT_EQ(page->at(0).labels.get("path"), "C:\\x");
  EXPECT_EQ(page->at(0).value, 1500);
  EXPECT_EQ(page->at(1).type, MetricType::untyped);
  EXPECT_GT(page->at(1).value, 1e308);
}

TEST(TextPage, GivesThePartsOfAHistogramItsType) {
  const auto page = read_text_page("# TYPE t histogram\nt_bucket{le=\"+Inf\"} 3\nt_sum 4\nt_count 3\nt_other 1\n", many);
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(page->at(i).type, MetricType::histogram) << page->at(i).name;
  EXPECT_EQ(page->at(3).type, MetricType::untyped);
}

TEST(TextPage, SaysWhereAndWhatIsWrong) {
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

}  // namespace
}  // namespace sidewatch
