// What one program can do to the agent, however often it runs: real scripts, pass by pass.
#include "collectors/exec/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

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

  // A pass; what was not understood of it.
  std::string pass() {
    if (!collector_) collector_ = make_exec_collector(config, catalog);
    now_ += 1min;
    batch.clear();
    const auto outcome = collector_->collect(batch, now_);
    store_.append(source_, now_, batch);
    return outcome ? outcome->first_partial_error : outcome.error().what;
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

 private:
  std::string folder_ = std::filesystem::temp_directory_path().string() + "/sidewatch-test-XXXXXX";
  Store store_{catalog, {1h, std::size_t{1} << 20}};
  SourceId source_ = store_.add_source("exec:own");
  Time now_ = time_at_ms(1'000'000);
  std::unique_ptr<Collector> collector_;
};

TEST_F(ExecCollectorTest, MakesNoMoreSeriesThanItMayInAllItsRunsTogether) {
  script(std::string(count) + "echo \"{\\\"a$n\\\": 1, \\\"b$n\\\": 2}\"");
  config.reading.format = Format::json;
  config.reading.max_series = 5;
  EXPECT_EQ(pass(), "");
  EXPECT_EQ(pass(), "");
  EXPECT_THAT(pass(), HasSubstr("max_series"));
  const auto size = catalog.size();
  EXPECT_THAT(pass(), HasSubstr("max_series"));
  EXPECT_EQ(catalog.size(), size);
}

TEST_F(ExecCollectorTest, OfAPluginThatFlapsKeepsFewTexts) {
  script(std::string(count) + "echo \"load is $n\"; exit $((n % 2))");
  std::set<std::string> all;
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(pass(), "");
    all.merge(texts());
  }
  EXPECT_EQ(all.size(), 21U);
  EXPECT_TRUE(all.contains("load is 20"));
  EXPECT_TRUE(all.contains("load is ##"));
}

TEST_F(ExecCollectorTest, HasAnEndAlsoToTextsWithoutNumbers) {
  script(std::string(count) + "printf '%*s' $n | tr ' ' x; exit $((n % 2))");
  for (int i = 0; i < 45; ++i) {
    EXPECT_EQ(pass(), "");
    EXPECT_EQ(texts().size(), 1U);
  }
  EXPECT_TRUE(texts().contains("something else at each change"));
}

TEST_F(ExecCollectorTest, TellsNoSecretOfTheEnvironment) {
  script("echo \"cannot log in with $PASSWORD, $SHORT\" >&2; echo \"$PASSWORD is wrong\"; exit 1");
  config.environment.emplace("PASSWORD", config::Secret::of_text("hunter2geheim"));
  config.environment.emplace("SHORT", config::Secret::of_text("geh"));
  EXPECT_EQ(pass(), "");
  EXPECT_TRUE(texts().contains("*** is wrong"));
  script("echo \"cannot log in with $PASSWORD, $SHORT\" >&2; echo \"$PASSWORD\"");
  config.reading.format = Format::value;
  config.name.value = "value";
  const auto second = make_exec_collector(config, catalog)->collect(batch, time_at_ms(9'000'000));
  EXPECT_THAT(second->first_partial_error,
              AllOf(HasSubstr("wrote '***' where a number was expected; it said: cannot log in with ***, geh"),
                    Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace sidewatch::exec
