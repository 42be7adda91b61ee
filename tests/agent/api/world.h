// A store with a few series and the API's endpoints over it, asked through the router as a client would.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/api/context.h"
#include "agent/http/router.h"
#include "base/json.h"
#include "metrics/store.h"

namespace sidewatch {

class StillClock final : public Clock {
 public:
  Time now() const override {
    at += per_look;
    return at;
  }
  Duration wall_step() const override { return step; }

  mutable Time at = time_at_ms(1'000'000);
  Duration per_look{0};  // how far it moves whenever somebody looks
  Duration step{0};
};

class ApiWorld : public testing::Test {
 protected:
  // Samples of `values` at 10 s, 20 s, ... before 1000 s, the last one at 1000 s.
  void write(const Metric& metric, const Labels& labels, const std::vector<double>& values) {
    handles.push_back(catalog.series(metric, labels));
    const SourceId source = sources.emplace_back(store.add_source("test"));
    for (std::size_t i = 0; i < values.size(); ++i) {
      Batch batch;
      batch.add(handles.back(), values[i]);
      store.append(source, time_at_ms(1'000'000 - 10'000 * static_cast<std::int64_t>(values.size() - 1 - i)), batch);
    }
  }

  struct Reply {
    int status = 0;
    std::string body;
    std::string content_type;
  };

  Reply send(const std::string& method, const std::string& target, const std::string& form = {}) {
    HttpRouter router(routes());
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.received = clock.at;
    request.abandoned = abandoned;
    if (!form.empty()) request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.body = form;
    request.peer.is_loopback = true;
    const auto answer = router.answer(request);
    const auto response = answer.route ? answer.route->handler(request) : answer.response;
    return {response.status, response.body ? *response.body : "", response.content_type};
  }
  Reply get(const std::string& target) { return send("GET", target); }

  // The data of a successful answer as it is written.
  std::string data(const std::string& target) {
    const Reply reply = get(target);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.content_type, "application/json");
    const std::string prefix = R"({"status":"success","data":)";
    EXPECT_TRUE(reply.body.starts_with(prefix)) << reply.body;
    return reply.body.substr(prefix.size(), reply.body.size() - prefix.size() - 1);
  }

  // "400 bad_data: why" of an answer that is an error.
  std::string error(const std::string& target) {
    const Reply reply = get(target);
    const auto json = JsonValue::parse(reply.body);
    EXPECT_TRUE(json) << reply.body;
    if (!json) return reply.body;
    EXPECT_EQ((*json)["status"].text_or(""), "error") << reply.body;
    return std::to_string(reply.status) + " " + std::string((*json)["errorType"].text_or("")) + ": " +
           std::string((*json)["error"].text_or(""));
  }

  virtual std::vector<HttpRoute> routes() = 0;

  Catalog catalog{Catalog::Limits{}, Labels{{"service", "checkout"}}};
  Store store{catalog, Store::Limits{std::chrono::hours(1), std::size_t{8} << 20}};
  StillClock clock;
  QueryContext context{store, clock, {}};
  std::shared_ptr<std::atomic<bool>> abandoned = std::make_shared<std::atomic<bool>>(false);
  std::vector<SeriesHandle> handles;
  std::vector<SourceId> sources;  // of the series, in the same order
};

}  // namespace sidewatch
