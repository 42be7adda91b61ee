// What a client gets for its bytes, over a real socket.
#include "tests/agent/http/server_fixture.h"

namespace sidewatch {
namespace {

using namespace std::string_literals;

TEST_F(HttpServerTest, ServesOneRequestAfterTheOtherOnOneConnection) {
  start();
  auto one = client();
  for (int i = 0; i < 3; ++i) {
    const auto response = one.get("/-/healthy");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "ok\n");
  }
  EXPECT_EQ(server_->counters().accepted, 1u);
  EXPECT_EQ(server_->counters().requests, 3u);
}

TEST_F(HttpServerTest, SendsTheFieldsThatEveryResponseHas) {
  start();
  const auto response = client().get("/-/healthy");
  ASSERT_TRUE(response);
  for (const char* field : {"\r\nDate: ", " GMT\r\n", "\r\nContent-Type: text/plain; charset=utf-8",
                            "\r\nX-Content-Type-Options: nosniff", "\r\nConnection: keep-alive"}) {
    EXPECT_NE(response->head.find(field), std::string::npos) << field;
  }
}

TEST_F(HttpServerTest, RefusesEveryAmbiguityAndServesNothingAfterIt) {
  start();
  struct {
    const char* name;
    std::string bytes;
    int status;
  } const cases[] = {
      {"chunked", "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411},
      {"gzip", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 415},
      {"two lengths", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 30\r\n\r\nx", 400},
      {"length and chunked",
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bare line feed", "GET /-/healthy HTTP/1.1\nHost: localhost\n\n", 400},
      {"nul", "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n"s, 400},
      {"continued line", "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX: y\r\n z\r\n\r\n", 400},
      {"absolute form", "GET http://localhost/-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"http/0.9", "GET /-/healthy\r\n\r\n", 505},
      {"long header", "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n", 431},
      {"long target", "GET /" + std::string(1 << 20, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414},
      {"large body", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'), 413},
  };
  for (const auto& each : cases) {
    auto one = client();
    one.send(each.bytes);
    one.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto refused = one.response();
    ASSERT_TRUE(refused) << each.name;
    EXPECT_EQ(refused->status, each.status) << each.name;
    EXPECT_NE(refused->head.find("Connection: close"), std::string::npos) << each.name;
    EXPECT_TRUE(one.closed()) << each.name << ": exactly one response";
  }
  EXPECT_EQ(server_->counters().malformed, std::size(cases));
  EXPECT_EQ(server_->counters().requests, 0u);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  auto one = client();
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
  }
  ASSERT_TRUE(one.send(bytes));
  for (int i = 0; i < 100; ++i) {
    const auto response = one.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, std::to_string(100 + i));
  }
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("HEAD /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto head = one.response(true);
  ASSERT_TRUE(head);
  EXPECT_NE(head->head.find("Content-Length: " + std::to_string(big_page_bytes)), std::string::npos);
  EXPECT_EQ(one.get("/-/healthy")->body, "ok\n") << "nothing of the body is in the way";
}

TEST_F(HttpServerTest, InvitesTheBodyOfAClientThatWaits) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(one.response()->status, 100);
  ASSERT_TRUE(one.send("hi"));
  EXPECT_EQ(one.response()->body, "hi");
}

TEST_F(HttpServerTest, ClosesAfterAnOldClientsRequest) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("GET /-/healthy HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(one.response()->status, 200);
  EXPECT_TRUE(one.closed());
}

TEST_F(HttpServerTest, IgnoresRange) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-0,0-0\r\n\r\n"));
  const auto response = one.response();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok\n");
}

TEST_F(HttpServerTest, KnowsItsPeerFromTheKernelAlone) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("GET /peer HTTP/1.1\r\nHost: localhost\r\nREMOTE_ADDR: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"));
  EXPECT_EQ(one.response()->body, "127.0.0.1 loopback");
}

TEST_F(HttpServerTest, GivesHandlersHeaderValuesAsSent) {
  start();
  auto one = client();
  ASSERT_TRUE(one.send("GET /header/x-token HTTP/1.1\r\nHost: localhost\r\nX-Token: a%41%0d%0ab\r\n\r\n"));
  EXPECT_EQ(one.response()->body, "a%41%0d%0ab");
}

TEST_F(HttpServerTest, SurvivesAThrowingHandlerWithoutTellingWhy) {
  start();
  auto one = client();
  const auto response = one.get("/throw");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ((response->head + response->body).find("secret"), std::string::npos);
  EXPECT_EQ(one.get("/-/healthy")->status, 200);
  EXPECT_EQ(server_->counters().handler_errors, 1u);
}

TEST_F(HttpServerTest, KeepsForgedPagesOut) {
  start();
  auto rebound = client();
  ASSERT_TRUE(rebound.send("GET /-/healthy HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
  EXPECT_EQ(rebound.response()->status, 403);
  auto forged = client();
  ASSERT_TRUE(forged.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(forged.response()->status, 403);
  EXPECT_EQ(server_->counters().forbidden, 2u);
}

TEST_F(HttpServerTest, CountsWhatItDoesNotHave) {
  start();
  auto one = client();
  EXPECT_EQ(one.get("/nothing")->status, 404);
  ASSERT_TRUE(one.send("DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto response = one.response();
  EXPECT_EQ(response->status, 405);
  EXPECT_NE(response->head.find("\r\nAllow: POST"), std::string::npos);
  EXPECT_EQ(server_->counters().not_found, 2u);
}

}  // namespace
}  // namespace sidewatch
