// What one program can do to the agent, however often it runs: real scripts, pass by pass.
#include "collectors/exec/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "metrics/store.h"

namespace sidewatch::exec {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ExecCollectorTest : public ::testing::Test {
 protected:
  ExecCollectorTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    config.name.value = "own";
    config.reading.name = "own";
  }
  ~ExecCollectorTest() override { std::filesystem::remove_all(folder_); }

  void script(const std::string& text) {
    const std::string path = folder_ + "/script";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    config.command = {path, folder_};
  }

  // A run; what was not understood of it.
  std::string run() {
    if (!collector) collector = make_exec_collector(config, catalog);
    const double before = value("exec_runs_total");
    auto trouble = pass(1min);
    while (value("exec_runs_total") == before) {
      listen();
      trouble = pass(0s);
    }
    return trouble;
  }

  std::string pass(Duration later) {
    now_ += later;
    batch.clear();
    const auto outcome = collector->collect(batch, now_);
    store_.append(source_, now_, batch);
    return outcome ? outcome->first_partial_error : outcome.error().what;
  }

  // Until it is woken, soon.
  void listen() const {
    const int wake = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const itimerspec soon{{0, 0}, {0, 10'000'000}};
    EXPECT_EQ(::timerfd_settime(wake, 0, &soon, nullptr), 0);
    collector->listen(wake);
    ::close(wake);
  }

  double value(std::string_view name) {
    for (const auto& sample : batch.samples()) {
      if (catalog.info(sample.series)->family->name == name) return sample.value;
    }
    return 0;
  }

  std::set<std::string> texts() {
    std::set<std::string> all;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      if (info->family->name == "exec_message") all.emplace(info->labels.get("text"));
    }
    return all;
  }

  // A program that says something else each time: run N ends with N and the exit code N % 2.
  static constexpr const char* count = "echo x >> $1/runs; n=$(wc -l < $1/runs)\n";

  ExecConfig config;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Batch batch;
  std::unique_ptr<Collector> collector;

 protected:
  std::string folder_ = std::filesystem::temp_directory_path().string() + "/sidewatch-test-XXXXXX";
  Store store_{catalog, {1h, std::size_t{1} << 20}};
  SourceId source_ = store_.add_source("exec:own");
  Time now_ = time_at_ms(1'000'000);
};

TEST_F(ExecCollectorTest, MakesNoMoreSeriesThanItMayInAllItsRunsTogether) {
  script(std::string(count) + "echo \"{\\\"a$n\\\": 1, \\\"b$n\\\": 2}\"");
  config.reading.format = Format::json;
  config.reading.max_series = 5;
  EXPECT_EQ(run(), "");
  EXPECT_EQ(run(), "");
  EXPECT_THAT(run(), HasSubstr("max_series"));
  const auto size = catalog.size();
  EXPECT_THAT(run(), HasSubstr("max_series"));
  EXPECT_EQ(catalog.size(), size);
}

TEST_F(ExecCollectorTest, OfAPluginThatFlapsKeepsFewTexts) {
  script(std::string(count) + "echo \"load is $n\"; exit $((n % 2))");
  std::set<std::string> all;
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(run(), "");
    all.merge(texts());
  }
  EXPECT_EQ(all.size(), 21U);
  EXPECT_TRUE(all.contains("load is 20"));
  EXPECT_TRUE(all.contains("load is ##"));
}

TEST_F(ExecCollectorTest, HasAnEndAlsoToTextsWithoutNumbers) {
  script(std::string(count) + "printf '%*s' $n | tr ' ' x; exit $((n % 2))");
  for (int i = 0; i < 45; ++i) {
    EXPECT_EQ(run(), "");
    EXPECT_EQ(texts().size(), 1U);
  }
  EXPECT_TRUE(texts().contains("something else at each change"));
}

TEST_F(ExecCollectorTest, TellsNoSecretOfTheEnvironment) {
  script("echo \"cannot log in with $PASSWORD, $SHORT\" >&2; echo \"$PASSWORD is wrong\"; exit 1");
  config.environment.emplace("PASSWORD", config::Secret::of_text("hunter2geheim"));
  config.environment.emplace("SHORT", config::Secret::of_text("geh"));
  EXPECT_EQ(run(), "");
  EXPECT_TRUE(texts().contains("*** is wrong"));
  script("echo \"cannot log in with $PASSWORD, $SHORT\" >&2; echo \"$PASSWORD\"");
  config.reading.format = Format::value;
  config.name.value = "value";
  collector = make_exec_collector(config, catalog);
  batch.clear();
  EXPECT_THAT(run(),
              AllOf(HasSubstr("wrote '***' where a number was expected; it said: cannot log in with ***, geh"),
                    Not(HasSubstr("hunter2"))));
}

TEST_F(ExecCollectorTest, TellsTheLastResultAgainUntilTheNextRun) {
  script(std::string(count) + "echo $n");
  config.reading.format = Format::value;
  config.interval = 15min;
  EXPECT_EQ(run(), "");
  pass(14min);
  EXPECT_EQ(value("exec_value"), 1);
  EXPECT_EQ(value("exec_runs_total"), 1);
  EXPECT_EQ(run(), "");
  EXPECT_EQ(value("exec_value"), 2);
}

TEST_F(ExecCollectorTest, HoldsUpNoPassAndEndsItsProgramWhenItGoesAway) {
  script("echo $$ > $1/pid; exec sleep 1000");
  config.timeout = 10min;
  collector = make_exec_collector(config, catalog);
  const auto began = std::chrono::steady_clock::now();
  const std::string file = folder_ + "/pid";
  while (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0) {
    pass(1min);
    listen();
  }
  int pid = 0;
  std::ifstream(file) >> pid;
  EXPECT_EQ(::kill(pid, 0), 0);
  collector.reset();
  EXPECT_EQ(::kill(pid, 0), -1) << pid;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 60s);
}

TEST(ExecPasses, DivideTheInterval) {
  EXPECT_EQ(pass_interval(1s), 1s);
  EXPECT_EQ(pass_interval(5s), 5s);
  EXPECT_EQ(pass_interval(7s), 3500ms);
  EXPECT_EQ(pass_interval(24h), 5s);
}

}  // namespace
}  // namespace sidewatch::exec
