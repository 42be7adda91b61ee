#include "collectors/probe/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "metrics/catalog.h"
#include "tests/collectors/probe/hanging.h"
#include "tests/collectors/probe/run_check.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

// The collector of some entries, led on this thread until what is waited for is there.
class ProbeCollectorTest : public testing::Test {
 protected:
  void configure(const std::string& entries, Resolver resolver = look_up) {
    std::string problems;
    const auto config = std::make_shared<ProbeConfig>();
    config->checks = read_checks(entries, &problems);
    config->limits = limits;
    ASSERT_EQ(problems, "");
    collector = make_probe_collector(config, catalog, &bequests, std::move(resolver));
  }
  ~ProbeCollectorTest() override { close(wake); }

  std::optional<double> value(const std::string& name) {
    Batch batch;
    auto outcome = collector->collect(batch, Time{});
    if (!outcome) return std::nullopt;
    for (auto& one : outcome->news) news.push_back(one.text);
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      if (info->family->name + info->labels.to_string() == name || info->family->name == name) return sample.value;
    }
    return std::nullopt;
  }

  // The samples of a metric, and how they are named.
  std::vector<std::pair<std::string, double>> all(const std::string& metric) {
    Batch batch;
    auto outcome = collector->collect(batch, Time{});
    std::vector<std::pair<std::string, double>> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      if (info->family->name == metric) found.emplace_back(info->labels.to_string(), sample.value);
    }
    return found;
  }

  bool wait_for(const std::string& name, double wanted) {
    return wait_until([&] { return value(name) == wanted; });
  }
  // Lets the loop run, a little at a time, until it holds.
  bool wait_until(const std::function<bool()>& holds) {
    const auto give_up = steady_clock::now() + 20s;
    while (steady_clock::now() < give_up) {
      std::thread waker([this] {
        std::this_thread::yield();
        (void)eventfd_write(wake, 1);
      });
      collector->listen(wake);
      waker.join();
      eventfd_t rings = 0;
      (void)eventfd_read(wake, &rings);
      if (holds()) return true;
    }
    return false;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Bequests bequests;
  ProbeLimits limits;
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::unique_ptr<Collector> collector;
  std::vector<std::string> news;
};

TEST_F(ProbeCollectorTest, RunsItsChecksBetweenPassesAndWritesWhatStands) {
  FakeHttpServer server;
  configure("{name: front, interval: 1s, timeout: 1s, http: {url: '" + server.url() + "'}}");
  EXPECT_EQ(value("probe_success"), std::nullopt);
  EXPECT_TRUE(wait_for("probe_success", 1));
  EXPECT_EQ(value("probe_http_status_code"), 200);
  EXPECT_EQ(value("sidewatch_probe_running"), 0);
}

TEST_F(ProbeCollectorTest, TellsOnceThatACheckFailsAndOnceThatItSucceedsAgain) {
  FakeHttpServer server(std::vector<FakeAnswer>{{.status = 503}});
  configure("{name: front, interval: 1s, timeout: 1s, http: {url: '" + server.url() + "'}}");
  ASSERT_TRUE(wait_for("sidewatch_probe_runs_total", 2));
  EXPECT_THAT(news, testing::ElementsAre("check 'front' fails: the status is 503"));
  EXPECT_EQ(value("probe_success"), 0);
  server.script({{.status = 200}});
  ASSERT_TRUE(wait_for("probe_success", 1));
  ASSERT_EQ(news.size(), 2u);
  EXPECT_THAT(news[1], testing::StartsWith("check 'front' succeeds again, after "));
}

TEST_F(ProbeCollectorTest, LetsNoServerThatHangsDelayTheOthers) {
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  FakeHttpServer quick;
  configure("{name: slow, interval: 30s, timeout: 20s, http: {url: '" + slow.url() + "'}}, " +
            "{name: quick, interval: 1s, timeout: 1s, http: {url: '" + quick.url() + "'}}");
  EXPECT_TRUE(wait_for("sidewatch_probe_runs_total", 3));
  EXPECT_EQ(value("probe_success"), 1);
}

TEST_F(ProbeCollectorTest, FailsNoCheckThatHasNothingToDoWithASilentNameServer) {
  const auto door = std::make_shared<Door>();
  FakeHttpServer server;
  const auto times = "interval: 1s, timeout: 500ms, ";
  std::string entries = std::string("{name: local, ") + times + "http: {url: 'http://localhost:" +
                        std::to_string(server.port()) + "/'}}, {name: file, " + times + "file: {path: /etc/hostname}}";
  for (int i = 0; i < 80; ++i) {
    entries += ", {name: dead-" + std::to_string(i) + ", " + times +
               (i % 2 == 0 ? "tcp: {address: 'silent-" : "http: {url: 'http://silent-") + std::to_string(i) +
               (i % 2 == 0 ? ".example:80'}}" : ".example/'}}");
  }
  configure(entries, resolver_that_hangs(door));
  ASSERT_TRUE(wait_until([&] { return value("sidewatch_probe_runs_skipped_total") > 60; }));
  EXPECT_EQ(value(R"(probe_success{kind="http", probe="local", target=")" + server.url("") + R"("})").value_or(1), 1);
  EXPECT_EQ(value(R"(sidewatch_probe_threads{work="names"})"), 48);
  for (const auto& [line, failure] : all("probe_failure_info")) {
    EXPECT_THAT(line, testing::HasSubstr(R"(reason="resolve")"));
    EXPECT_THAT(line, testing::HasSubstr(R"(probe="dead-)"));
  }
  const auto succeed = all("probe_success");
  EXPECT_EQ(std::count_if(succeed.begin(), succeed.end(), [](const auto& one) { return one.second == 1; }), 2);
  EXPECT_THAT(news, testing::Each(testing::HasSubstr("dead-")));
  door->open();
}

TEST_F(ProbeCollectorTest, GoesOnAfterAReloadWithWhatItsChecksHaveCounted) {
  FakeHttpServer server(std::vector<FakeAnswer>{{.status = 503}});
  const auto front = "{name: front, interval: 1s, timeout: 1s, http: {url: '" + server.url() + "'}}";
  configure(front);
  ASSERT_TRUE(wait_for("sidewatch_probe_runs_total", 2));
  collector.reset();
  server.script({{.status = 200}});
  news.clear();
  configure(std::string(front) + ", {name: another, interval: 1h, timeout: 1s, file: {path: /etc/hostname}}");
  EXPECT_EQ(value("probe_success"), 0) << "it stands until the next run";
  ASSERT_TRUE(wait_for("probe_success", 1));
  EXPECT_EQ(value("probe_uptime_ratio").value_or(1), 1.0 / 3);
  ASSERT_FALSE(news.empty());
  EXPECT_THAT(news[0], testing::StartsWith("check 'front' succeeds again"));
}

TEST_F(ProbeCollectorTest, RunsAsManyChecksAtOnceAsItMay) {
  limits.checks_at_once = 1;
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  std::string entries;
  for (int i = 0; i < 3; ++i) {
    entries += (i == 0 ? "{name: slow-" : ", {name: slow-") + std::to_string(i) +
               ", interval: 1s, timeout: 1s, http: {url: '" + slow.url() + "'}}";
  }
  configure(entries);
  EXPECT_TRUE(wait_for("sidewatch_probe_waiting", 2));
  EXPECT_EQ(value("sidewatch_probe_running"), 1);
}

TEST_F(ProbeCollectorTest, EndsAtOnceWithChecksThatStillRun) {
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  configure("{name: slow, interval: 1s, timeout: 1s, http: {url: '" + slow.url() + "'}}, " +
            "{name: name, interval: 1s, timeout: 1s, tcp: {address: '127.0.0.1:" + std::to_string(slow.port()) +
            "', query_response: [{expect: x}]}}");
  EXPECT_TRUE(wait_for("sidewatch_probe_running", 2));
  const auto begin = steady_clock::now();
  collector.reset();
  EXPECT_LT(steady_clock::now() - begin, 500ms);
}

}  // namespace
}  // namespace sidewatch::probe
