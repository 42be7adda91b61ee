#include "agent/http/message.h"

#include <gtest/gtest.h>

#include "agent/http/query.h"

namespace sidewatch {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

Params decoded(std::string_view text) {
  Params params;
  decode_query(text, params);
  return params;
}

TEST(HttpQuery, KeepsOrderAndRepetitions) {
  EXPECT_EQ(decoded("b=1&a=2&b=1"), (Params{{"b", "1"}, {"a", "2"}, {"b", "1"}}));
}

TEST(HttpQuery, EndsTheNameAtTheFirstEqualsSign) {
  EXPECT_EQ(decoded("query=up{job=\"x\"}==1"), (Params{{"query", "up{job=\"x\"}==1"}}));
  EXPECT_EQ(decoded("=x"), (Params{{"", "x"}}));
  EXPECT_EQ(decoded("flag"), (Params{{"flag", ""}}));
  EXPECT_EQ(decoded("flag="), (Params{{"flag", ""}}));
}

TEST(HttpQuery, DecodesPercentAndPlus) {
  EXPECT_EQ(decoded("q=a+b%2Bc%20d%26e"), (Params{{"q", "a b+c d&e"}}));
  EXPECT_EQ(decoded("%71=1"), (Params{{"q", "1"}}));
  EXPECT_EQ(decode_path("/a+b%20c%2fd"), "/a+b c/d");
}

TEST(HttpQuery, LeavesBrokenEscapesAsTheyAre) {
  EXPECT_EQ(decoded("q=%&r=%4&s=%zz&t=%u0041"), (Params{{"q", "%"}, {"r", "%4"}, {"s", "%zz"}, {"t", "%u0041"}}));
}

TEST(HttpQuery, SkipsWhatIsEmpty) {
  EXPECT_EQ(decoded(""), Params{});
  EXPECT_EQ(decoded("&&a=1&&"), (Params{{"a", "1"}}));
}

TEST(HttpMessage, FindsTheFirstAndAllValuesOfAParameter) {
  HttpRequest request;
  request.params = {{"match[]", "a"}, {"limit", "1"}, {"match[]", "b"}};
  EXPECT_EQ(request.param("match[]"), "a");
  EXPECT_EQ(request.param_values("match[]"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(request.param("other"), std::nullopt);
}

TEST(HttpMessage, SharesABodyInsteadOfCopyingIt) {
  const auto page = std::make_shared<const std::string>("x 1\n");
  const HttpResponse response = HttpResponse::shared("text/plain", page);
  EXPECT_EQ(response.body.get(), page.get());
}

}  // namespace
}  // namespace sidewatch
