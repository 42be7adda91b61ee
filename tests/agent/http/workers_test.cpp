// Requests that take long: who answers them, what they cost the others, and what becomes of them when nobody waits.
#include "agent/http/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "agent/http/server.h"
#include "tests/agent/raw_client.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::size_t answer_bytes = 8 << 20;

template <class Condition>
bool eventually(Condition condition) {
  const auto until = RawClient::Clock::now() + RawClient::patience;
  while (!condition()) {
    if (RawClient::Clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

std::size_t threads_of_this_process() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class HttpWorkersTest : public testing::Test {
 protected:
  ~HttpWorkersTest() override { open_gate(); }

  void start(HttpLimits limits = {}) {
    HttpConfig config;
    config.listen = {{"127.0.0.1:0", {}}};
    config.limits = limits;
    auto server = HttpServer::start(config, routes());
    ASSERT_TRUE(server) << server.error().text();
    server_ = std::move(*server);
  }

  std::vector<HttpRoute> routes() {
    using enum HttpRoute::Runs;
    return {
        {"GET", "/-/healthy", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); }},
        {"GET", "/gate", [this](const HttpRequest& request) { return wait_at_gate(request); }, on_worker},
        {"GET", "/big",
         [](const HttpRequest&) { return HttpResponse::text(200, std::string(answer_bytes, 'x')); }, on_worker},
        {"GET", "/throw", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); }, on_worker},
        {"GET", "/item/{name}",
         [](const HttpRequest& request) { return HttpResponse::text(200, request.capture("name")); }, on_worker, false,
         [](const HttpRequest& request, int status, const std::string& why) {
           return HttpResponse::json(status, "{\"why\":\"" + why + "\",\"of\":\"" + request.method + "\"}");
         }},
        {"POST", "/ask", [](const HttpRequest& request) { return HttpResponse::text(200, request.param("q").value_or("")); },
         on_worker, true},
    };
  }

  // Answers once the gate is open or nobody waits for the answer.
  HttpResponse wait_at_gate(const HttpRequest& request) {
    ++entered_;
    const auto until = RawClient::Clock::now() + RawClient::patience;
    std::unique_lock lock(mutex_);
    while (!open_ && !request.is_abandoned() && RawClient::Clock::now() < until) changed_.wait_for(lock, 1ms);
    if (request.is_abandoned()) ++given_up_;
    ++left_;
    return HttpResponse::text(200, "through\n");
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  RawClient client() const { return RawClient(server_->bound_port()); }
  RawClient asking(const std::string& path) const {
    RawClient one = client();
    EXPECT_TRUE(one.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return one;
  }
  // `count` clients whose requests occupy workers.
  std::vector<RawClient> occupy(int count) {
    std::vector<RawClient> clients;
    for (int i = 0; i < count; ++i) clients.push_back(asking("/gate"));
    EXPECT_TRUE(eventually([&] { return entered_ == count; }));
    return clients;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::atomic<int> entered_{0}, left_{0}, given_up_{0};
  std::unique_ptr<HttpServer> server_;
};

HttpLimits limits(std::int64_t threads, std::int64_t queued) {
  HttpLimits limits;
  limits.query_threads = threads;
  limits.max_queued_queries = queued;
  return limits;
}

TEST_F(HttpWorkersTest, WhatTakesLongKeepsNobodyElseWaiting) {
  start(limits(2, 4));
  auto slow = occupy(2);
  for (int round = 0; round < 20; ++round) {
    const auto begin = RawClient::Clock::now();
    auto fresh = client();
    const auto response = fresh.get("/-/healthy");
    ASSERT_TRUE(response);
    EXPECT_LT(RawClient::Clock::now() - begin, 1s);
  }
  EXPECT_EQ(left_, 0) << "both were under way all the time";
  open_gate();
  for (auto& each : slow) {
    const auto response = each.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, "through\n");
    EXPECT_TRUE(each.get("/-/healthy")) << "the connection goes on";
  }
}

TEST_F(HttpWorkersTest, HasNoThreadUntilSomebodyAsks) {
  start();
  ASSERT_TRUE(client().get("/-/healthy"));
  const std::size_t before = threads_of_this_process();
  ASSERT_TRUE(client().get("/item/a"));
  EXPECT_GT(threads_of_this_process(), before);
}

TEST_F(HttpWorkersTest, TurnsAwayWhatHasNoRoomInTheQueueAtOnce) {
  start(limits(1, 1));
  auto running = occupy(1);
  auto queued = asking("/item/queued");
  ASSERT_TRUE(client().get("/-/healthy")) << "so the queued one has been read";
  const auto refused = client().get("/item/one-too-many");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("{\"why\":\"too many queries are waiting already (http.max_queued_queries)"));
  EXPECT_THAT(refused->body, HasSubstr("\"of\":\"GET\""));
  const auto plain = client().get("/gate");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 503);
  EXPECT_THAT(plain->body, HasSubstr("too many queries"));
  EXPECT_EQ(server_->counters().turned_away, 2u);
  open_gate();
  const auto waited = queued.response();
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->body, "queued");
}

TEST_F(HttpWorkersTest, TellsTheHandlerWhenItsClientHasHungUp) {
  start(limits(1, 4));
  {
    auto impatient = occupy(1);
  }
  EXPECT_TRUE(eventually([&] { return given_up_ == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().abandoned == 1; }));
  EXPECT_TRUE(client().get("/item/next")) << "the worker is free again";
}

TEST_F(HttpWorkersTest, NeverBeginsWhatNobodyWaitsForAnyMore) {
  start(limits(1, 1));
  auto running = occupy(1);
  {
    auto queued = asking("/gate");
    ASSERT_TRUE(client().get("/-/healthy"));
  }
  ASSERT_TRUE(eventually([&] { return server_->counters().abandoned == 1; }));
  auto next = asking("/item/next");  // there is room in the queue again
  open_gate();
  const auto response = next.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "next");
  EXPECT_EQ(entered_, 1);
}

TEST_F(HttpWorkersTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       "GET /item/last HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return entered_ == 1; }));
  open_gate();
  for (const char* expected : {"through\n", "ok\n", "last"}) {
    const auto response = one.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, expected);
  }
}

TEST_F(HttpWorkersTest, AnswersHeadAndFailuresAsAnyOtherRoute) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("HEAD /item/abc HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto head = one.response(true);
  ASSERT_TRUE(head);
  EXPECT_THAT(head->head, HasSubstr("Content-Length: 3"));
  const auto failed = one.get("/throw");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(failed->body, "internal error\n");
  EXPECT_EQ(server_->counters().handler_errors, 1u);
}

TEST_F(HttpWorkersTest, TakesAQuestionThatIsPostedWhateverNameTheAgentIsAskedUnder) {
  start();
  auto one = client();
  const std::string form = "q=1%2B1";
  ASSERT_TRUE(one.send("POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form));
  const auto response = one.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "1+1");
}

TEST_F(HttpWorkersTest, TurnsQueriesAwayWhileSlowReadersHoldTooMuch) {
  HttpLimits bounded = limits(1, 4);
  bounded.max_unsent_bytes = config::Bytes{1 << 20};
  start(bounded);
  RawClient slow(server_->bound_port(), 4096);
  ASSERT_TRUE(slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server_->counters().requests == 1; }));
  const auto refused = client().get("/item/a");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("http.max_unsent_bytes"));
  slow.close();
  EXPECT_TRUE(eventually([&] {
    const auto again = client().get("/item/a");
    return again && again->status == 200;
  }));
}

TEST_F(HttpWorkersTest, EndsQueriesBeforeItEndsItself) {
  start(limits(1, 4));
  auto running = occupy(1);
  server_->end_queries();
  EXPECT_TRUE(eventually([&] { return given_up_ == 1; }));
  ASSERT_TRUE(client().get("/-/healthy")) << "the rest goes on";
  const auto refused = client().get("/item/a");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("the agent is stopping"));
}

TEST_F(HttpWorkersTest, StopsInTimeAlthoughARequestIsUnderWay) {
  start(limits(1, 4));
  auto running = occupy(1);
  auto queued = asking("/gate");
  ASSERT_TRUE(client().get("/-/healthy"));
  EXPECT_TRUE(server_->stop(100ms));
  EXPECT_EQ(entered_, 1) << "what was queued is not begun";
  EXPECT_EQ(left_, 1);
}

}  // namespace
}  // namespace sidewatch
