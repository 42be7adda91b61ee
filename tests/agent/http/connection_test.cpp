#include "agent/http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Next = HttpConnection::Next;

const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";

// A connection whose other end the test holds, at a time that only the test moves.
class HttpConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client_ = HttpSocket(pair[0]);
    connection_.emplace(HttpSocket(pair[1]), HttpPeer{"127.0.0.1", true, true, false}, limits_, start_);
  }

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  std::string received() {
    std::string all;
    std::array<char, 65536> buffer;
    for (ssize_t count = 0; (count = ::recv(client_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  bool ended() {
    char byte = 0;
    return ::recv(client_.get(), &byte, 1, 0) == 0;
  }
  Next respond(std::string body, Time now) { return connection_->respond(HttpResponse::text(200, body), false, date, now); }

  const Time start_ = time_at_ms(1'000'000);
  HttpLimits limits_;
  HttpSocket client_;
  std::optional<HttpConnection> connection_;
};

const std::string get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(HttpConnectionTest, ReadsARequestAndWritesItsResponse) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  EXPECT_EQ(connection_->take().target, "/a");
  EXPECT_EQ(respond("hello", start_), Next::read);
  EXPECT_EQ(received(), "HTTP/1.1 200 OK\r\nDate: " + date +
                            "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
                            "X-Content-Type-Options: nosniff\r\nConnection: keep-alive\r\n\r\nhello");
}

TEST_F(HttpConnectionTest, LeavesTheBodyAwayForHeadButNotItsLength) {
  send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  connection_->respond(HttpResponse::text(200, "hello"), true, date, start_);
  const std::string text = received();
  EXPECT_NE(text.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 4), "\r\n\r\n");
}

TEST_F(HttpConnectionTest, DripsDoNotStretchTheHeaderDeadline) {
  send("GET /a HT");
  ASSERT_EQ(connection_->advance(start_ + 1s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + limits_.header_timeout) << "the first one counts from the connect";
  send("TP/1.1\r\n");
  ASSERT_EQ(connection_->advance(start_ + 4s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + limits_.header_timeout);
  connection_->expire(date, start_ + 5s);
  EXPECT_EQ(received().substr(0, 12), "HTTP/1.1 408");
  EXPECT_TRUE(ended());
}

TEST_F(HttpConnectionTest, DripsDoNotStretchTheRequestDeadline) {
  send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_ + 4s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + limits_.request_timeout);
  send("12345678");
  ASSERT_EQ(connection_->advance(start_ + 9s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + limits_.request_timeout);
}

TEST_F(HttpConnectionTest, ClosesASilentConnectionWithoutAWord) {
  EXPECT_EQ(connection_->deadline(), start_ + limits_.header_timeout);
  EXPECT_EQ(connection_->expire(date, start_ + 5s), Next::close);
  EXPECT_EQ(received(), "");
}

TEST_F(HttpConnectionTest, WaitsLongerBetweenRequestsThanWithinOne) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  respond("x", start_ + 1s);
  EXPECT_EQ(connection_->deadline(), start_ + 1s + limits_.idle_timeout);
  send("G");
  ASSERT_EQ(connection_->advance(start_ + 20s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + 20s + limits_.header_timeout);
  send("E");
  ASSERT_EQ(connection_->advance(start_ + 24s), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + 20s + limits_.header_timeout);
}

TEST_F(HttpConnectionTest, ASlowReaderKeepsThePageButNotBeyondTheWriteDeadline) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  const auto page = std::make_shared<const std::string>(10 << 20, 'x');
  ASSERT_EQ(connection_->respond(HttpResponse::shared("text/plain", page), false, date, start_), Next::write);
  EXPECT_EQ(page.use_count(), 2) << "shared, not copied";
  std::array<char, 4096> buffer;
  ASSERT_GT(::recv(client_.get(), buffer.data(), buffer.size(), 0), 0);
  EXPECT_EQ(connection_->advance(start_ + 9s), Next::write);
  EXPECT_EQ(connection_->deadline(), start_ + limits_.write_timeout);
  EXPECT_EQ(connection_->expire(date, start_ + 10s), Next::close);
}

TEST_F(HttpConnectionTest, WritesALargePageWholeToAReaderThatKeepsReading) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  Next next = respond(std::string(3 << 20, 'x'), start_);
  std::string text;
  while (next == Next::write) {
    text += received();
    next = connection_->advance(start_);
  }
  EXPECT_EQ(next, Next::read);
  text += received();
  const std::size_t body = text.find("\r\n\r\n") + 4;
  EXPECT_EQ(text.size() - body, std::size_t{3 << 20});
}

TEST_F(HttpConnectionTest, AnswersPipelinedRequestsOneAfterTheOther) {
  send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHo");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  EXPECT_EQ(connection_->take().target, "/a");
  ASSERT_EQ(respond("1", start_), Next::answer);
  EXPECT_EQ(connection_->take().target, "/b");
  ASSERT_EQ(respond("2", start_), Next::read);
  send("st: a\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  EXPECT_EQ(connection_->take().target, "/c");
}

TEST_F(HttpConnectionTest, TakesNothingAfterTheLastRequest) {
  send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  EXPECT_EQ(respond("x", start_), Next::read) << "lingers until the client has closed too";
  EXPECT_NE(received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(ended());
  EXPECT_EQ(connection_->advance(start_), Next::read);
  EXPECT_EQ(connection_->deadline(), start_ + 1s);
  client_.close();
  EXPECT_EQ(connection_->advance(start_), Next::close);
}

TEST_F(HttpConnectionTest, RefusesOnceAndEnds) {
  send("GET / HTTP/1.1\nHost: a\n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::refuse);
  EXPECT_FALSE(connection_->refused_push());
  connection_->refuse(HttpResponse::text(connection_->refusal().status, "no"), date, start_);
  const std::string text = received();
  EXPECT_EQ(text.substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(text.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_TRUE(ended());
}

TEST_F(HttpConnectionTest, SaysContinueOnce) {
  send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::read);
  EXPECT_EQ(received(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::read);
  EXPECT_EQ(received(), "");
  send("ab");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  EXPECT_EQ(connection_->take().body, "ab");
}

TEST_F(HttpConnectionTest, LetsNoHandlerSplitAResponse) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  HttpResponse response = HttpResponse::text(200, "x");
  response.headers = {{"X-Bad", "a\r\nInjected: 1"}, {"X-Good", "b"}};
  connection_->respond(response, false, date, start_);
  const std::string text = received();
  EXPECT_EQ(text.find("Injected"), std::string::npos);
  EXPECT_NE(text.find("X-Good: b\r\n"), std::string::npos);
}

TEST_F(HttpConnectionTest, ClosesWhenTheClientIsGone) {
  client_.close();
  EXPECT_EQ(connection_->advance(start_), Next::close);
}

TEST_F(HttpConnectionTest, SurvivesAClientThatLeavesBeforeTheResponse) {
  send(get);
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  client_.close();
  EXPECT_EQ(respond("x", start_), Next::close) << "and no SIGPIPE";
}

TEST_F(HttpConnectionTest, FinishesOnlyWhatItHasBegun) {
  EXPECT_TRUE(connection_->finish());
  send("GET ");
  connection_->advance(start_);
  EXPECT_FALSE(connection_->finish());
  send("/a HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(connection_->advance(start_), Next::answer);
  connection_->take();
  respond("x", start_);
  EXPECT_NE(received().find("Connection: close"), std::string::npos);
}

}  // namespace
}  // namespace sidewatch
