#include "collectors/self/self.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "config/document.h"
#include "metrics/exposition.h"
#include "metrics/instruments.h"

namespace sidewatch {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;
using testing::Optional;

// A pass is a second after the one before.
class Agent {
 public:
  explicit Agent(const std::string& procfs = "/proc") {
    collector_ = make_self_collector(
        CollectorContext{.catalog = catalog_, .store = &store_, .instruments = &instruments, .version = "1.2.3"},
        procfs);
  }
  PassOutcome pass() {
    now_ += std::chrono::seconds(1);
    batch_.clear();
    auto outcome = collector_->collect(batch_, now_);
    EXPECT_TRUE(outcome);
    store_.append(source_, now_, batch_);
    return outcome ? *outcome : PassOutcome();
  }
  std::optional<double> value(const std::string& name, const Labels& labels = {}) const {
    for (const auto& series : store_.snapshot()) {
      if (series.info->family->name == name && series.info->labels == labels) return series.last.value;
    }
    return std::nullopt;
  }
  std::size_t series() const { return catalog_.size(); }

  Instruments instruments;

 private:
  Catalog catalog_{{}, {}};
  Store store_{catalog_, {}};
  SourceId source_ = store_.add_source("self");
  Time now_ = time_at_ms(1'000'000);
  Batch batch_;
  std::unique_ptr<Collector> collector_;
};

TEST(Self, SaysWhatClientLibrariesSayAboutTheirProcess) {
  Agent agent;
  EXPECT_EQ(agent.pass().partial_errors, 0u);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  EXPECT_THAT(agent.value("process_cpu_seconds_total"), Optional(AllOf(Ge(cpu - 0.5), Le(cpu + 0.1))));
  EXPECT_THAT(agent.value("process_resident_memory_bytes"), Optional(Gt(1e6)));
  EXPECT_THAT(agent.value("process_virtual_memory_bytes"), Optional(Gt(1e6)));
  EXPECT_THAT(agent.value("process_threads"), Optional(Ge(1.0)));
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_THAT(agent.value("process_start_time_seconds"), Optional(AllOf(Gt(now - 600), Le(now + 5))));
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  EXPECT_THAT(agent.value("process_max_fds"), Optional(static_cast<double>(files.rlim_cur)));
  rlimit memory{};
  getrlimit(RLIMIT_AS, &memory);
  EXPECT_THAT(agent.value("process_virtual_memory_max_bytes"), Optional(static_cast<double>(memory.rlim_cur)));
}

TEST(Self, CountsItsOpenFilesWithoutTheOneItCountsWith) {
  Agent agent;
  agent.pass();
  const auto before = agent.value("process_open_fds");
  ASSERT_TRUE(before);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  agent.pass();
  EXPECT_THAT(agent.value("process_open_fds"), Optional(*before + 2));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  std::size_t listed = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++listed;
  agent.pass();
  EXPECT_THAT(agent.value("process_open_fds"), Optional(static_cast<double>(listed - 1)));
}

TEST(Self, SaysWhichVersionItIsAndWhatItHolds) {
  Agent agent;
  agent.pass();
  EXPECT_THAT(agent.value("sidewatch_build_info", {{"version", "1.2.3"}}), Optional(1.0));
  EXPECT_THAT(agent.value("sidewatch_series"), Optional(static_cast<double>(agent.series())));
  EXPECT_THAT(agent.value("sidewatch_series_overflowed_total"), Optional(0.0));
  for (int i = 0; i < 50; ++i) agent.pass();
  EXPECT_THAT(agent.value("sidewatch_history_bytes"), Optional(Gt(0.0)));
}

constexpr Metric sent{"sidewatch_test_sent_total", MetricType::counter, "", "Sent."};
constexpr Metric queue{"sidewatch_test_queue", MetricType::gauge, "", "Queued."};

TEST(Self, CopiesEveryInstrumentAlsoThoseMadeLater) {
  Agent agent;
  auto& to_chat = agent.instruments.counter(sent, {{"receiver", "chat"}});
  to_chat.increment(3);
  agent.pass();
  EXPECT_THAT(agent.value("sidewatch_test_sent_total", {{"receiver", "chat"}}), Optional(3.0));
  agent.instruments.gauge(queue).set(-2.5);
  agent.instruments.counter(sent, {{"receiver", "pager"}}).increment();
  to_chat.increment();
  agent.pass();
  EXPECT_THAT(agent.value("sidewatch_test_sent_total", {{"receiver", "chat"}}), Optional(4.0));
  EXPECT_THAT(agent.value("sidewatch_test_sent_total", {{"receiver", "pager"}}), Optional(1.0));
  EXPECT_THAT(agent.value("sidewatch_test_queue"), Optional(-2.5));
  const auto series = agent.series();
  for (int i = 0; i < 10; ++i) agent.pass();
  EXPECT_EQ(agent.series(), series);
}

TEST(Self, GoesOnWithoutProc) {
  Agent agent("/nonexistent");
  agent.instruments.counter(sent).increment();
  const auto outcome = agent.pass();
  EXPECT_EQ(outcome.partial_errors, 3u);
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("self/stat"));
  EXPECT_EQ(agent.value("process_resident_memory_bytes"), std::nullopt);
  EXPECT_THAT(agent.value("sidewatch_test_sent_total"), Optional(1.0));
  EXPECT_THAT(agent.value("sidewatch_build_info", {{"version", "1.2.3"}}), Optional(1.0));
}

TEST(Self, TakesNoDamageFromFilesCutAnywhere) {
  const auto root = std::filesystem::temp_directory_path() / ("sidewatch-self-" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "self" / "fd");
  const std::string stat = "7 (side) watch) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 6 0 200 4096 2 1\n";
  const std::string limits = "Max open files            1024                 524288               files     \n";
  std::ofstream(root / "stat") << "btime 1700000000\n";
  std::ofstream(root / "self" / "limits") << limits;
  Agent agent(root.string());
  for (std::size_t length = 0; length <= stat.size(); ++length) {
    std::ofstream(root / "self" / "stat") << stat.substr(0, length);
    EXPECT_EQ(agent.pass().partial_errors, length == stat.size() ? 0u : 1u) << length;
  }
  EXPECT_THAT(agent.value("process_cpu_seconds_total"), Optional(2.0));
  EXPECT_THAT(agent.value("process_threads"), Optional(6.0));
  EXPECT_THAT(agent.value("process_start_time_seconds"), Optional(1700000002.0));
  EXPECT_THAT(agent.value("process_max_fds"), Optional(1024.0));
  std::filesystem::remove_all(root);
}

struct Collectors {
  std::vector<CollectorPlan> plans;
};
void declare(config::Section& section, Collectors& collectors) {
  bool other = false;
  section.optional("other", other, "so that a document can be without `self`");
  configure_self(section, collectors.plans);
}

std::vector<CollectorPlan> plans_of(const std::string& yaml, config::Problems& problems) {
  auto document = config::Document::parse("f", yaml, [](const auto&) { return std::nullopt; }, problems);
  Collectors collectors;
  document.read(collectors);
  return std::move(collectors.plans);
}

TEST(SelfConfig, IsAlwaysPlannedAndMayHaveItsOwnInterval) {
  config::Problems problems;
  const auto without = plans_of("other: true\n", problems);
  const auto with = plans_of("self: {interval: 30s}\n", problems);
  ASSERT_TRUE(problems.empty()) << problems.text();
  ASSERT_EQ(without.size(), 1u);
  ASSERT_EQ(with.size(), 1u);
  EXPECT_EQ(without[0].name, "self");
  EXPECT_EQ(without[0].interval, std::nullopt);
  EXPECT_EQ(with[0].interval, Duration(30'000));
}

TEST(SelfConfig, RefusesWhatItDoesNotKnow) {
  config::Problems problems;
  plans_of("self: {intervall: 30s}\n", problems);
  EXPECT_THAT(problems.text(), HasSubstr("f:1:8: unknown key 'intervall', did you mean 'interval'?"));
}

}  // namespace
}  // namespace sidewatch
