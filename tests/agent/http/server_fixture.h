// A server on a free port with a few routes, as the tests of HttpServer use it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/http/server.h"
#include "tests/agent/raw_client.h"

namespace sidewatch {

inline constexpr std::size_t big_page_bytes = 10 << 20;

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpLimits limits = {}) {
    HttpConfig config;
    config.listen = {{"127.0.0.1:0", {}}};
    config.limits = limits;
    start(config);
  }
  void start(const HttpConfig& config) {
    auto server = HttpServer::start(config, routes());
    ASSERT_TRUE(server) << server.error().text();
    server_ = std::move(*server);
  }

  RawClient client() const { return RawClient(server_->bound_port()); }

  // Time that a fresh connection needs for one small page.
  std::chrono::milliseconds time_of_healthy() const {
    const auto begin = RawClient::Clock::now();
    RawClient fresh(server_->bound_port());
    const auto response = fresh.get("/-/healthy");
    EXPECT_TRUE(response.has_value());
    EXPECT_EQ(response ? response->status : 0, 200);
    return std::chrono::duration_cast<std::chrono::milliseconds>(RawClient::Clock::now() - begin);
  }

  std::vector<HttpRoute> routes() {
    return {
        {"GET", "/-/healthy", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); }},
        {"GET", "/big", [this](const HttpRequest&) { return HttpResponse::shared("text/plain", big_); }},
        {"GET", "/peer", [](const HttpRequest& r) { return HttpResponse::text(200, r.peer.address + (r.peer.is_loopback ? " loopback" : "")); }},
        {"GET", "/throw", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); }},
        {"GET", "/header/{name}", [](const HttpRequest& r) { return HttpResponse::text(200, r.header(r.capture("name"))); }},
        {"POST", "/echo", [](const HttpRequest& r) { return HttpResponse::text(200, r.body); }},
    };
  }

  std::shared_ptr<const std::string> big_ = std::make_shared<const std::string>(big_page_bytes, 'x');
  std::unique_ptr<HttpServer> server_;
};

}  // namespace sidewatch
