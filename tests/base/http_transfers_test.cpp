#include "base/http_transfers.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

#include "tests/support/fake_http_server.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class HttpTransfersTest : public testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  HttpTransfers::Id start(const std::string& url, Duration timeout = 20s) {
    OutgoingRequest request;
    request.url = url;
    request.timeout = timeout;
    return transfers.start(request, [this](HttpExchange exchange) { ended.push_back(std::move(exchange)); });
  }
  // Drives them as an event loop would, until so many have ended.
  bool drive_until(std::size_t count) {
    const auto give_up = Clock::now() + 20s;
    while (ended.size() < count && Clock::now() < give_up) {
      const auto due = transfers.due().value_or(Clock::now() + 1s);
      const auto left = std::clamp(std::chrono::ceil<Duration>(due - Clock::now()), Duration(0), Duration(1000));
      pollfd one{transfers.descriptor(), POLLIN, 0};
      poll(&one, 1, static_cast<int>(left.count()));
      transfers.step();
    }
    return ended.size() == count;
  }
  int status(std::size_t i) const {
    const auto* response = std::get_if<OutgoingResponse>(&ended.at(i).result);
    return response != nullptr ? response->status : 0;
  }

  std::vector<HttpExchange> ended;
  HttpTransfers transfers{8};
};

TEST_F(HttpTransfersTest, LetsQuickServersAnswerWhileASlowOneDoesNot) {
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  FakeHttpServer quick;
  start(slow.url());
  for (int i = 0; i < 10; ++i) start(quick.url());
  ASSERT_TRUE(drive_until(10));
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(status(i), 200);
}

TEST_F(HttpTransfersTest, SaysNothingOfARequestThatWasTakenBack) {
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  FakeHttpServer quick;
  const auto id = start(slow.url());
  transfers.step();
  transfers.cancel(id);
  start(quick.url());
  ASSERT_TRUE(drive_until(1));
  EXPECT_EQ(status(0), 200);
}

TEST_F(HttpTransfersTest, TellsOfAnImpossibleRequestLikeOfAnyOther) {
  start("gopher://127.0.0.1/");
  EXPECT_TRUE(ended.empty());
  ASSERT_TRUE(drive_until(1));
  EXPECT_EQ(std::get<HttpError>(ended[0].result).kind, HttpFailure::bad_request);
}

TEST_F(HttpTransfersTest, TellsThePhasesOfARequest) {
  FakeHttpServer server({{.status = 200, .body = "hello"}});
  start(server.url());
  ASSERT_TRUE(drive_until(1));
  const HttpTrace& trace = ended[0].trace;
  EXPECT_EQ(trace.address, "127.0.0.1");
  EXPECT_FALSE(trace.reused);
  EXPECT_FALSE(trace.tls);
  EXPECT_EQ(trace.http_version, 1.1);
  EXPECT_EQ(trace.content_length, 5);
  EXPECT_GT(trace.connect_seconds, 0);
  EXPECT_GE(trace.total_seconds, trace.connect_seconds + trace.processing_seconds);
  start(server.url());
  ASSERT_TRUE(drive_until(2));
  EXPECT_TRUE(ended[1].trace.reused);
}

TEST_F(HttpTransfersTest, LetsAnAnswerStartTheNextRequest) {
  FakeHttpServer server;
  OutgoingRequest request;
  request.url = server.url();
  transfers.start(request, [&](HttpExchange) { start(server.url("/next")); });
  ASSERT_TRUE(drive_until(1));
  EXPECT_EQ(server.requests().at(1).path, "/next");
}

TEST_F(HttpTransfersTest, EndsWithRequestsThatAreStillUnderWay) {
  FakeHttpServer slow({{.manner = FakeAnswer::Manner::hang}});
  auto others = std::make_unique<HttpTransfers>(2);
  OutgoingRequest request;
  request.url = slow.url();
  others->start(request, [](HttpExchange) { ADD_FAILURE(); });
  others->step();
  const auto begin = Clock::now();
  others.reset();
  EXPECT_LT(Clock::now() - begin, 1s);
}

TEST(HttpUrl, LeadsWhereALocationSaysSeenFromTheUrlAskedFor) {
  EXPECT_EQ(resolve_url("http://a/b/c?d", "e").value(), "http://a/b/e");
  EXPECT_EQ(resolve_url("http://a/b/c", "/e?f").value(), "http://a/e?f");
  EXPECT_EQ(resolve_url("https://a/b", "//c/d").value(), "https://c/d");
  EXPECT_EQ(resolve_url("http://a/", "https://b:8443/c").value(), "https://b:8443/c");
  EXPECT_FALSE(resolve_url("http://a/", "http://b/\r\nX: y"));
  EXPECT_EQ(url_with_host("https://a:8443/b?c", "shop.example"), "https://shop.example:8443/b?c");
}

}  // namespace
}  // namespace sidewatch
