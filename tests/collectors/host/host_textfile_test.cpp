// Files *.prom that other programs leave: what is taken from them, and what a bad one costs.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "host_under_test.h"

namespace sidewatch {
namespace {

class HostTextfile : public testing::Test {
 protected:
  HostTextfile() {
    tree_.write("proc/stat", "cpu0 1 1 1 1 0 0 0 0 0 0\n");
    tree_.write("spool/.keep", "");
    config_.textfile_directories = {(tree_.path() / "spool").string()};
    host_.emplace(config_, fixed_system(), textfile_part());
  }

  static std::vector<PartKind> textfile_part() {
    std::vector<PartKind> parts = all_parts();
    std::erase_if(parts, [](const PartKind& kind) { return kind.name != "textfile"; });
    return parts;
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

TEST_F(HostTextfile, ReadsEveryDirectoryThatAPatternFindsAlsoThoseThatComeLater) {
  config_.textfile_directories = {(tree_.path() / "srv/*/metrics").string()};
  host_.emplace(config_, fixed_system(), textfile_part());
  EXPECT_EQ(pass().partial_errors, 1u);  // nothing is found yet
  EXPECT_EQ(host_->values().at("node_textfile_scrape_error"), 1);
  tree_.write("srv/one/metrics/a.prom", "of_one 1\n");
  EXPECT_EQ(pass().partial_errors, 0u);
  EXPECT_EQ(host_->values().at("of_one"), 1);
  EXPECT_EQ(host_->values().at("node_textfile_scrape_error"), 0);
  tree_.write("srv/two/metrics/b.prom", "of_two 2\n");
  pass();
  EXPECT_EQ(host_->values().at("of_two"), 2);
  tree_.remove("srv/one");
  pass();
  EXPECT_FALSE(host_->values().contains("of_one"));
  EXPECT_EQ(host_->values().at("of_two"), 2);
}

TEST_F(HostTextfile, LetsABadFileCostOnlyItself) {
  tree_.write("spool/bad.prom", "good_start 1\nbad start 2\n");
  tree_.write("spool/good.prom", "fine 1\n");
  const PassOutcome outcome = pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  EXPECT_NE(outcome.first_partial_error.find(file("bad.prom") + ":2:5: \"start\" is not a number"), std::string::npos)
      << outcome.first_partial_error;
  const auto values = host_->values();
  EXPECT_EQ(values.at("fine"), 1);
  EXPECT_FALSE(values.contains("good_start"));
  EXPECT_EQ(values.at("node_textfile_scrape_error"), 1);
}

TEST_F(HostTextfile, RefusesASeriesThatAnotherFileHasAlready) {
  tree_.write("spool/a.prom", "# TYPE twice counter\ntwice{job=\"x\"} 1\nonly_a 1\n");
  tree_.write("spool/b.prom", "# TYPE twice counter\ntwice{job=\"x\"} 2\ntwice{job=\"y\"} 2\nonly_b 2\n");
  const PassOutcome outcome = pass();
  EXPECT_EQ(outcome.partial_errors, 1u);
  auto values = host_->values();
  const double counted = values.at("twice{job=\"x\"}");  // of whichever the directory lists first
  const std::string refused = file(counted == 1 ? "b.prom" : "a.prom");
  EXPECT_NE(outcome.first_partial_error.find(refused + ": twice{job=\"x\"} stands in another place already"),
            std::string::npos)
      << outcome.first_partial_error;
  EXPECT_EQ(values.at("node_textfile_scrape_error"), 1);
  EXPECT_EQ(values.at("twice{job=\"y\"}"), 2);
  EXPECT_EQ(values.at("only_a"), 1);
  EXPECT_EQ(values.at("only_b"), 2);

  tree_.remove(counted == 1 ? "spool/a.prom" : "spool/b.prom");
  EXPECT_EQ(pass().partial_errors, 0u);
  values = host_->values();
  EXPECT_EQ(values.at("twice{job=\"x\"}"), counted == 1 ? 2 : 1);
  EXPECT_EQ(values.at("node_textfile_scrape_error"), 0);
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
