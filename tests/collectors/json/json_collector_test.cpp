// Asking for JSON, and what is said where there is none.
#include "collectors/json/json.h"

#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "tests/collectors/json/json_under_test.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch::json {
namespace {

using namespace std::chrono_literals;

class JsonCollectorTest : public testing::Test {
 protected:
  JsonCollectorTest() { std::signal(SIGPIPE, SIG_IGN); }

  void collect(const FakeHttpServer& server, const std::string& metrics, bool any_status = false) {
    if (!collector_) {
      auto config = read_mappings(metrics).first.sources.at(0);
      config.url.value = server.url("/health");
      config.any_status = any_status;
      config.timeout = 5s;
      collector_ = make_json_collector(std::make_shared<const JsonConfig>(config), {.catalog = catalog_});
    }
    batch_.clear();
    const auto outcome = collector_->collect(batch_, time_at_ms(1'000));
    ASSERT_TRUE(outcome);
    trouble_ = outcome->first_partial_error;
    samples_.clear();
    for (const auto& sample : batch_.samples()) {
      const auto info = catalog_.info(sample.series);
      samples_[info->family->name + info->labels.to_string()] = sample.value;
    }
  }

  Catalog catalog_{Catalog::Limits{}, Labels{}};
  std::unique_ptr<Collector> collector_;
  Batch batch_;
  std::string trouble_;
  std::map<std::string, double> samples_;
};

TEST_F(JsonCollectorTest, BringsWhatTheConfigurationNames) {
  FakeHttpServer server({{.body = R"({"pools":{"a":1,"b":2}})"}, {.body = R"({"pools":{"b":3}})"}});
  const std::string metrics = "[{path: '/pools/*', name: pool_used, keys: [pool], type: counter, help: Used.}]";
  collect(server, metrics);
  EXPECT_EQ(trouble_, "");
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 1);
  EXPECT_EQ(samples_.at(R"(pool_used{instance="app", pool="a"})"), 1);
  const auto info = catalog_.info(batch_.samples().at(0).series);
  EXPECT_EQ(info->family->type, MetricType::counter);
  EXPECT_EQ(info->family->help, "Used.");
  collect(server, metrics);
  EXPECT_EQ(samples_.count(R"(pool_used{instance="app", pool="a"})"), 0u);
  EXPECT_EQ(samples_.at(R"(pool_used{instance="app", pool="b"})"), 3);
  EXPECT_EQ(server.requests().at(0).connection, server.requests().at(1).connection);
}

TEST_F(JsonCollectorTest, SaysWhyThereIsNothing) {
  FakeHttpServer server({{.status = 503, .body = R"({"a":1})"}, {.body = "{\"a\":"}, {.body = "{}"}});
  const std::string metrics = "[{path: /a, name: a}]";
  const std::string place = server.url() + "...: ";
  collect(server, metrics);
  EXPECT_EQ(trouble_, place + "answered 503 (any_status: true takes its JSON all the same)");
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 0);
  EXPECT_EQ(samples_.count(R"(a{instance="app"})"), 0u);
  collect(server, metrics);
  EXPECT_TRUE(trouble_.starts_with(place + "not JSON at byte")) << trouble_;
  collect(server, metrics);
  EXPECT_EQ(trouble_, place + "there is nothing at /a");
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 1);
}

TEST_F(JsonCollectorTest, TakesTheJsonOfAnErrorOnRequest) {
  FakeHttpServer server({{.status = 503, .body = R"({"status":"DOWN"})"}});
  collect(server, "[{path: /status, name: app_healthy, values: {UP: 1, '*': 0}}]", true);
  EXPECT_EQ(samples_.at(R"(app_healthy{instance="app"})"), 0);
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 1);
}

}  // namespace
}  // namespace sidewatch::json
