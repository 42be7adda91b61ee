#include "base/http_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

TEST(HttpAnswer, IsTheFinalOneOfWhatComes) {
  HttpAnswer answer(100);
  for (const char* line : {"HTTP/1.1 100 Continue\r\n", "X-Early: 1\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "X-A: \t b c \r\n",
                           "X-Empty:\r\n", "nonsense\r\n", "\r\n"}) {
    EXPECT_TRUE(answer.add_header_line(line));
  }
  EXPECT_TRUE(answer.add_body("hello "));
  EXPECT_TRUE(answer.add_body("world"));
  const auto response = answer.take(200, false);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello world");
  EXPECT_EQ(response.headers, (std::vector<HttpHeader>{{"X-A", "b c"}, {"X-Empty", ""}}));
}

TEST(HttpAnswer, KeepsAsMuchOfTheBodyAsThereIsRoomFor) {
  HttpAnswer answer(8);
  EXPECT_TRUE(answer.add_body("12345678"));
  EXPECT_FALSE(answer.body_too_long());
  EXPECT_FALSE(answer.add_body("9"));
  EXPECT_TRUE(answer.body_too_long());
  EXPECT_EQ(answer.take(200, true).body, "12345678");
}

TEST(HttpAnswer, SaysThatItHasTooManyHeaders) {
  HttpAnswer many(100);
  for (std::size_t i = 0; i < HttpAnswer::max_headers; ++i) ASSERT_TRUE(many.add_header_line("X: y\r\n"));
  EXPECT_TRUE(many.add_header_line("\r\n"));
  EXPECT_FALSE(many.add_header_line("X: y\r\n"));
  EXPECT_EQ(many.trouble(), "more than 256 header fields");

  HttpAnswer long_ones(100);
  EXPECT_TRUE(long_ones.add_header_line("X: " + std::string(HttpAnswer::max_header_bytes - 5, 'y') + "\r\n"));
  EXPECT_FALSE(long_ones.add_header_line("\r\n"));
  EXPECT_EQ(long_ones.trouble(), "more than 65536 bytes of headers");
}

}  // namespace
}  // namespace sidewatch
