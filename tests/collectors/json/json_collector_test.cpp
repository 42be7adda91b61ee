// Asking for JSON, and what is said where there is none.
#include "collectors/json/json.h"

#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "tests/collectors/json/json_under_test.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificate.h"

namespace sidewatch::json {
namespace {

using namespace std::chrono_literals;

class JsonCollectorTest : public testing::Test {
 protected:
  JsonCollectorTest() { std::signal(SIGPIPE, SIG_IGN); }

  std::int64_t max_series_ = 1000;
  OutgoingAccess access_;

  void collect(const FakeHttpServer& server, const std::string& metrics, bool any_status = false) {
    if (!collector_) {
      auto config = read_mappings(metrics).first.sources.at(0);
      config.url.value = server.url("/health");
      config.any_status = any_status;
      config.timeout = 5s;
      config.max_series = max_series_;
      config.access = access_;
      collector_ = make_json_collector(std::make_shared<const JsonConfig>(config), {.catalog = catalog_, .version = ""});
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

TEST_F(JsonCollectorTest, ShowsWhoItIsToServersWhoseCertificateHoldsAlone) {
  const TempDir directory;
  const FakeTls tls = make_certificate(directory, "server");
  FakeHttpServer server({{.body = R"({"a":1})"}}, &tls);
  const std::string metrics = "[{path: /a, name: a}]";
  access_.basic_auth = OutgoingBasicAuth{"user", config::Secret::of_text("secret")};
  collect(server, metrics);
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 0);
  EXPECT_NE(trouble_.find("SSL certificate problem: self-signed certificate"), std::string::npos) << trouble_;
  EXPECT_TRUE(server.requests().empty());
  collector_.reset();
  access_.tls.ca_file.value = tls.certificate_file;
  collect(server, metrics);
  EXPECT_EQ(trouble_, "");
  EXPECT_EQ(samples_.at(R"(a{instance="app"})"), 1);
  EXPECT_EQ(server.requests().at(0).header("Authorization"), "Basic dXNlcjpzZWNyZXQ=");
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

TEST_F(JsonCollectorTest, TellsAndCountsValuesThatFallTogether) {
  FakeHttpServer server({{.body = R"([{"n":"a","v":1},{"n":"b","v":2},{"v":3},{"v":4},{"n":"a","v":5}])"}});
  collect(server, "[{path: '/*/v', name: v, labels_from: {n: '/*/n'}}]");
  EXPECT_EQ(samples_.at(R"(v{instance="app", n="a"})"), 1);
  EXPECT_EQ(samples_.at(R"(v{instance="app"})"), 3);
  EXPECT_EQ(samples_.at(R"(sidewatch_json_duplicate_values_total{instance="app"})"), 2);
  EXPECT_EQ(trouble_, server.url() + "...: has more than one value for v{instance=\"app\"}; the first counts: give them labels "
                                     "that differ (keys, labels_from)");
}

TEST_F(JsonCollectorTest, AllNewKeysInEachAnswerLeaveTheCatalogBoundedAndOtherSeriesRight) {
  std::vector<FakeAnswer> answers;
  for (int round = 0; round < 20; ++round) {
    std::string users;
    for (int i = 0; i < 100; ++i) users += (i == 0 ? "\"u" : ",\"u") + std::to_string(round * 100 + i) + "\":" + std::to_string(i);
    answers.push_back({.body = "{\"steady\":" + std::to_string(round) + ",\"users\":{" + users + "}}"});
  }
  FakeHttpServer server(answers);
  max_series_ = 50;
  for (int round = 0; round < 20; ++round) {
    collect(server, "[{path: /steady, name: steady}, {path: '/users/*', name: hits, keys: [user]}]");
    EXPECT_EQ(samples_.at(R"(steady{instance="app"})"), round);
    EXPECT_EQ(samples_.at(R"(hits{instance="app", overflow="true"})"), 99);
  }
  EXPECT_EQ(catalog_.size(), 50u + 1 + 4) << "the budget, the overflow series, and what is said about it";
  EXPECT_EQ(samples_.at(R"(sidewatch_json_overflow_values_total{instance="app"})"), 20 * 100 - 49);
  EXPECT_NE(trouble_.find("brings more series than max_series (50) allows"), std::string::npos) << trouble_;
}

TEST_F(JsonCollectorTest, TakesTheJsonOfAnErrorOnRequest) {
  FakeHttpServer server({{.status = 503, .body = R"({"status":"DOWN"})"}});
  collect(server, "[{path: /status, name: app_healthy, values: {UP: 1, '*': 0}}]", true);
  EXPECT_EQ(samples_.at(R"(app_healthy{instance="app"})"), 0);
  EXPECT_EQ(samples_.at(R"(json_up{instance="app"})"), 1);
}

}  // namespace
}  // namespace sidewatch::json
