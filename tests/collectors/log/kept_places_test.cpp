// What the collector counts after a restart, and what it keeps for that in the state directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "collectors/log/log.h"
#include "collectors/log/place_keeper.h"
#include "config/document.h"
#include "tests/collectors/log/files_world.h"

namespace sidewatch::log {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class LogCollectorOverARestart : public LogFiles {
 protected:
  LogCollectorOverARestart() {
    config::Problems problems;
    auto document = config::Document::parse("config.yaml",
                                            "log:\n"
                                            "  name: shop\n"
                                            "  path: " + dir / "a.log" + "\n"
                                            "  metrics:\n"
                                            "    - {name: errors_total, match: ERROR}\n"
                                            "    - {name: words_total, match: 'word=(\\S+)', labels: {word: $1}}\n"
                                            "    - {name: took, type: histogram, match: 'took=(\\d+)', value: $1, buckets: [5]}\n"
                                            "    - {name: last, type: gauge, match: 'took=(\\d+)', value: $1}\n",
                                            {}, problems);
    document.visit([&](config::Section& top) {
      top.within("log", "", [&](config::Section& section) { declare(section, config); });
    });
    EXPECT_EQ(problems.text(), "");
    append("a.log", "ERROR old\n");
    std::filesystem::create_directory(state_dir);
  }

  void begin() { collector = make_log_collector(config, catalog, &bequests); }
  void end_well() { collector.reset(); }
  void kill() { killed.push_back(std::move(collector)); }  // without a last word, until the test is over

  std::map<std::string, double> pass() {
    now += 5s;
    Batch batch;
    const auto done = collector->collect(batch, now);
    EXPECT_TRUE(done);
    if (done) outcome = *done;
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      const auto labels = info->labels.with("log", "");
      found[info->family->name + (labels.empty() ? "" : labels.to_string())] = sample.value;
    }
    return found;
  }
  // The samples of the pass go to the agent, which does nothing but ask for the next.
  void hand_over() {
    const Descriptor wake(::eventfd(1, EFD_CLOEXEC));
    collector->listen(wake.get());
  }
  std::string kept_text() {
    std::ostringstream text;
    for (const auto& entry : std::filesystem::directory_iterator(state_dir)) text << std::ifstream(entry.path()).rdbuf();
    return text.str();
  }

  const std::string state_dir = dir / "state";
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Bequests bequests{state_dir, -1s};  // together with the margin: what was handed over is on the disk at once
  LogConfig config;
  std::unique_ptr<Collector> collector;
  std::vector<std::unique_ptr<Collector>> killed;
};

TEST_F(LogCollectorOverARestart, CountsFromZeroWhatWasWrittenMeanwhile) {
  begin();
  pass();
  hand_over();
  end_well();
  append("a.log", "ERROR word=x took=7\nERROR\n");
  begin();
  EXPECT_THAT(pass(), IsSupersetOf({Pair("errors_total", 0.0), Pair("words_total{word=\"x\"}", 0.0), Pair("took_count", 0.0),
                                    Pair("took_sum", 0.0), Pair("took_bucket{le=\"+Inf\"}", 0.0), Pair("last", 7.0),
                                    Pair("sidewatch_log_lines_total", 0.0)}));
  EXPECT_THAT(pass(), IsSupersetOf({Pair("errors_total", 2.0), Pair("words_total{word=\"x\"}", 1.0), Pair("took_count", 1.0),
                                    Pair("took_sum", 7.0), Pair("took_bucket{le=\"+Inf\"}", 1.0),
                                    Pair("sidewatch_log_lines_total", 2.0)}));
  append("a.log", "ERROR word=y\n");
  EXPECT_THAT(pass(), IsSupersetOf({Pair("errors_total", 3.0), Pair("words_total{word=\"y\"}", 1.0)}));
}

TEST_F(LogCollectorOverARestart, CountsNothingTwiceWhereItEndedWell) {
  begin();
  pass();
  hand_over();
  append("a.log", "ERROR\n");
  EXPECT_EQ(pass().at("errors_total"), 1);
  hand_over();
  end_well();
  begin();
  pass();
  EXPECT_EQ(pass().at("errors_total"), 0);
}

TEST_F(LogCollectorOverARestart, CountsAgainWhatItWasEndedBeforeHandingOver) {
  begin();
  pass();
  hand_over();
  append("a.log", "ERROR\n");
  EXPECT_EQ(pass().at("errors_total"), 1);
  end_well();
  begin();
  pass();
  EXPECT_EQ(pass().at("errors_total"), 1);
}

TEST_F(LogCollectorOverARestart, CountsAgainWhatItHeldBackForAZero) {
  begin();
  pass();
  hand_over();
  end_well();
  append("a.log", "ERROR\n");
  begin();
  EXPECT_EQ(pass().at("errors_total"), 0);
  hand_over();
  end_well();
  begin();
  pass();
  EXPECT_EQ(pass().at("errors_total"), 1);
}

TEST_F(LogCollectorOverARestart, SavesAPlaceOnlyWhenItsSamplesHadTimeToGetToTheDisk) {
  begin();
  pass();
  hand_over();
  append("a.log", "ERROR\n");
  pass();
  hand_over();
  kill();
  begin();
  pass();
  EXPECT_EQ(pass().at("errors_total"), 0);
  kill();

  const Bequests slow{state_dir, 1h};
  append("a.log", "not counted yet\n");
  std::filesystem::remove_all(state_dir);
  std::filesystem::create_directory(state_dir);
  collector = make_log_collector(config, catalog, &slow);
  pass();
  hand_over();  // nothing was counted: that place is good at once
  append("a.log", "ERROR\n");
  EXPECT_EQ(pass().at("errors_total"), 1);
  hand_over();
  kill();
  begin();
  pass();
  EXPECT_EQ(pass().at("errors_total"), 1);
}

TEST_F(LogCollectorOverARestart, KeepsNoLineOfTheLog) {
  append("a.log", "a password\n");
  begin();
  pass();
  hand_over();
  EXPECT_THAT(kept_text(), HasSubstr("\"offset\":21"));
  EXPECT_THAT(kept_text(), HasSubstr(dir / "a.log"));
  EXPECT_THAT(kept_text(), Not(HasSubstr("password")));
}

TEST_F(LogCollectorOverARestart, SaysWhatIsDamagedAndBeginsAnew) {
  begin();
  pass();
  hand_over();
  end_well();
  append("a.log", "ERROR lost\n");
  for (const std::string damage : {"", "{\"version\":1,\"log\":\"sho", "[]", "{\"version\":1,\"log\":\"another\"}"}) {
    const PlaceKeeper keeper(state_dir, "shop", 0ms);
    ASSERT_TRUE(std::filesystem::exists(keeper.path()));
    std::ofstream(keeper.path()) << damage;
    begin();
    EXPECT_EQ(pass().at("errors_total"), 0);
    EXPECT_THAT(outcome.first_partial_error,
                HasSubstr("where it was read to is lost, reading begins as at the first start: ")) << damage;
    append("a.log", "ERROR\n");
    EXPECT_EQ(pass().at("errors_total"), 1);
    EXPECT_EQ(outcome.first_partial_error, "");
    hand_over();
    end_well();
  }
}

TEST_F(LogCollectorOverARestart, SaysThatNothingCanBeKept) {
  std::filesystem::remove(state_dir);
  begin();
  pass();
  hand_over();
  EXPECT_EQ(pass().at("errors_total"), 0);
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("where this log was read to would not survive a restart: "));
  std::filesystem::create_directory(state_dir);
  hand_over();
  pass();
  EXPECT_EQ(outcome.first_partial_error, "");
}

TEST_F(LogCollectorOverARestart, WritesOnlyWhatIsNew) {
  begin();
  pass();
  hand_over();
  ASSERT_NE(kept_text(), "");
  std::filesystem::remove_all(state_dir);
  pass();
  hand_over();
  EXPECT_FALSE(std::filesystem::exists(state_dir));
  std::filesystem::create_directory(state_dir);
  append("a.log", "ERROR\n");
  pass();
  hand_over();
  EXPECT_NE(kept_text(), "");
}

TEST_F(LogCollectorOverARestart, KeepsNothingWithoutAStateDirectory) {
  const Bequests nowhere;
  for (int life = 0; life < 2; ++life) {
    collector = make_log_collector(config, catalog, &nowhere);
    pass();
    hand_over();
    end_well();
    append("a.log", "ERROR\n");
    EXPECT_EQ(kept_text(), "");
  }
  collector = make_log_collector(config, catalog, &nowhere);
  EXPECT_EQ(pass().at("errors_total"), 0);
  EXPECT_EQ(pass().at("errors_total"), 0);
}

}  // namespace
}  // namespace sidewatch::log
