// Files *.prom that other programs leave: what is taken from them, and what a bad one costs.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "collectors/host/text_page.h"
#include "host_under_test.h"

namespace sidewatch {
namespace {

constexpr std::size_t kMany = 100;

std::string problem_of(std::string_view text, std::size_t max_samples = kMany) {
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
      kMany);
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
  const auto page = read_text_page("# TYPE t histogram\nt_bucket{le=\"+Inf\"} 3\nt_sum 4\nt_count 3\nt_other 1\n", kMany);
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(page->at(i).type, MetricType::histogram) << page->at(i).name;
  EXPECT_EQ(page->at(3).type, MetricType::untyped);
}

TEST(TextPage, SaysWhichLineIsWrong) {
  EXPECT_EQ(problem_of("a 1\nb\n"), "2: a value is missing");
  EXPECT_EQ(problem_of("a one\n"), "1: 'one' is no number");
  EXPECT_EQ(problem_of("a 1 1700000000000\n"), "1: timestamps are not supported here; leave it out");
  EXPECT_EQ(problem_of("a 1\na 2\n"), "2: this series of 'a' is given a second time");
  EXPECT_EQ(problem_of("# TYPE a gauge\n# TYPE a counter\n"), "2: the type of 'a' is given a second time");
  EXPECT_EQ(problem_of("a 1\n# TYPE a gauge\n"), "2: the type of 'a' comes after its samples");
  EXPECT_EQ(problem_of("# TYPE a speed\n"),
            "1: unknown type 'speed' (counter, gauge, histogram, summary or untyped)");
  EXPECT_EQ(problem_of("a-b 1\n"), "1: 'a-b' is no legal name of a metric");
  EXPECT_EQ(problem_of("a{x=1} 1\n"), "1: the value of the label 'x' has no quotes around it");
  EXPECT_EQ(problem_of("a{x=\"1\",x=\"2\"} 1\n"), "1: the label 'x' is given a second time");
  EXPECT_EQ(problem_of("a{x=\"1\" y=\"2\"} 1\n"), "1: ',' or '}' is missing behind the label 'x'");
  EXPECT_EQ(problem_of("a 1\nb 2"), "2: the last line has no end: the file is not whole");
  EXPECT_EQ(problem_of("a 1\nb 2\n", 1), "2: more than 1 samples");
}

class HostTextfile : public testing::Test {
 protected:
  HostTextfile() {
    tree_.write("proc/stat", "cpu0 1 1 1 1 0 0 0 0 0 0\n");
    tree_.write("spool/.keep", "");
    config_.textfile_directories = {(tree_.path() / "spool").string()};
    std::vector<PartKind> parts = all_parts();
    std::erase_if(parts, [](const PartKind& kind) { return kind.name != "textfile"; });
    host_.emplace(config_, fixed_system(), parts);
  }

  PassOutcome pass() { return host_->pass().value(); }
  std::string file(const std::string& name) const { return (tree_.path() / "spool" / name).string(); }

  TemporaryTree tree_;
  HostConfig config_ = config_for(tree_.path());
  std::optional<HostUnderTest> host_;
};

TEST_F(HostTextfile, GivesTheSamplesOfAFileAndWhenItWasChanged) {
  tree_.write("spool/a.prom", "# TYPE jobs_total counter\njobs_total{job=\"x\"} 5\n");
  tree_.write("spool/other.txt", "nonsense");
  EXPECT_EQ(pass().partial_errors, 0u);
  const auto values = host_->values();
  EXPECT_EQ(values.at("jobs_total{job=\"x\"}"), 5);
  EXPECT_EQ(values.at("node_textfile_scrape_error"), 0);
  EXPECT_GT(values.at("node_textfile_mtime_seconds{file=\"" + file("a.prom") + "\"}"), 1e9);
  EXPECT_NE(host_->page().find("# TYPE jobs_total counter"), std::string::npos);
}

TEST_F(HostTextfile, FollowsAFileThatIsReplacedAndRemoved) {
  tree_.write("spool/a.prom", "a 1\nb 1\n");
  pass();
  tree_.write("spool/a.prom", "a 22\n");
  pass();
  EXPECT_EQ(host_->values().at("a"), 22);
  EXPECT_FALSE(host_->values().contains("b"));
  tree_.remove("spool/a.prom");
  pass();
  EXPECT_FALSE(host_->values().contains("a"));
}

TEST_F(HostTextfile, LetsABadFileCostOnlyItself) {
  tree_.write("spool/bad.prom", "good_start 1\nbad start 2\n");
  tree_.write("spool/good.prom", "fine 1\n");
  const PassOutcome outcome = pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_NE(outcome.first_partial_error.find(file("bad.prom") + ":2: 'start' is no number"), std::string::npos)
      << outcome.first_partial_error;
  const auto values = host_->values();
  EXPECT_EQ(values.at("fine"), 1);
  EXPECT_FALSE(values.contains("good_start"));
  EXPECT_EQ(values.at("node_textfile_scrape_error"), 1);
}

TEST_F(HostTextfile, TakesNoPipeAndNoHugeFile) {
  ASSERT_EQ(::mkfifo(file("pipe.prom").c_str(), 0600), 0);
  tree_.write("spool/huge.prom", std::string((std::size_t{1} << 20) + 1, '#'));
  EXPECT_EQ(pass().partial_errors, 2u);
  EXPECT_EQ(host_->values().at("node_textfile_scrape_error"), 1);
}

TEST_F(HostTextfile, SaysThatADirectoryIsMissing) {
  tree_.remove("spool");
  EXPECT_EQ(pass().partial_errors, 1u);
  EXPECT_EQ(host_->values().at("node_textfile_scrape_error"), 1);
}

}  // namespace
}  // namespace sidewatch
