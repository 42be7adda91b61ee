#include "collectors/probe/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "metrics/catalog.h"
#include "tests/collectors/probe/run_check.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

// The collector of some entries, led on this thread until what is waited for is there.
class ProbeCollectorTest : public testing::Test {
 protected:
  void configure(const std::string& entries) {
    std::string problems;
    const auto checks = read_checks(entries, &problems);
    ASSERT_EQ(problems, "");
    collector = make_probe_collector(checks, catalog);
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

  // Lets the loop run, a little at a time, until `name` is `wanted`.
  bool wait_for(const std::string& name, double wanted) {
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
      if (value(name) == wanted) return true;
    }
    return false;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
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
