#include "alerting/receivers/http_outcome.h"

#include <gtest/gtest.h>

#include <limits>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

const WallTime now{Duration(784'111'777'000)};  // Sun, 06 Nov 1994 08:49:37 GMT

OutgoingResponse answer(int status, std::vector<HttpHeader> headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::move(body), false};
}

RetryLater later(const Attempt& attempt) {
  const auto* found = std::get_if<RetryLater>(&attempt);
  EXPECT_NE(found, nullptr);
  return found != nullptr ? *found : RetryLater{};
}

TEST(HttpOutcome, AnyTwoHundredIsDeliveredWhateverTheBodySays) {
  for (const int status : {200, 201, 202, 204, 299}) {
    EXPECT_TRUE(std::holds_alternative<Delivered>(judge(answer(status, {}, "{\"error\":true}"), now))) << status;
  }
}

TEST(HttpOutcome, TellsWhatPassesFromWhatDoesNot) {
  for (const int status : {408, 425, 500, 501, 502, 503, 504, 599}) {
    const auto outcome = later(judge(answer(status), now));
    EXPECT_FALSE(outcome.after || outcome.whole_receiver || outcome.refused) << status;
    EXPECT_EQ(outcome.why, "HTTP " + std::to_string(status));
  }
  for (const int status : {400, 402, 405, 406, 409, 411, 413, 415, 422, 451}) {
    EXPECT_TRUE(std::holds_alternative<Rejected>(judge(answer(status), now))) << status;
  }
  for (const int status : {301, 302, 307, 308, 401, 403, 404, 407, 410}) {
    const auto outcome = later(judge(answer(status), now));
    EXPECT_TRUE(outcome.refused && outcome.whole_receiver) << status;
    EXPECT_EQ(outcome.after, 5min) << status;
  }
}

TEST(HttpOutcome, TooManyRequestsHoldsTheWholeReceiver) {
  auto outcome = later(judge(answer(429), now));
  EXPECT_TRUE(outcome.whole_receiver);
  EXPECT_FALSE(outcome.after);
  outcome = later(judge(answer(429, {{"retry-after", "30"}}), now));
  EXPECT_EQ(outcome.after, 30s);
  EXPECT_TRUE(later(judge(answer(503, {{"Retry-After", "7"}}), now)).whole_receiver);
}

TEST(HttpOutcome, ReadsRetryAfterInSecondsAndAsADateAndIgnoresGarbage) {
  const auto after = [](const std::string& value) { return retry_after(answer(503, {{"Retry-After", value}}), now); };
  EXPECT_EQ(after("0"), 0s);
  EXPECT_EQ(after("120"), 120s);
  EXPECT_EQ(after("1.5"), 1500ms);
  EXPECT_GE(*after("99999999999999999999"), 24h * 365);
  EXPECT_EQ(after("Sun, 06 Nov 1994 08:50:37 GMT"), 60s);
  EXPECT_GT(*after("Fri, 06 Nov 2004 08:50:37 GMT"), 24h * 365);
  for (const auto* garbage : {"-5", "1.5.5", ".", "soon", "", "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
                              "Sun, 31 Feb 2004 08:49:37 GMT", "Sun, 06 Nov 2004 25:49:37 GMT",
                              "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Xyz 2004 08:49:37 GMT", "+5"}) {
    EXPECT_EQ(after(garbage), std::nullopt) << garbage;
  }
}

TEST(HttpOutcome, ReadsTheJsonFieldsOfThoseWhoPutItThere) {
  EXPECT_EQ(retry_after(answer(429, {}, R"({"retry_after":0.376,"global":false})"), now), 376ms);
  EXPECT_EQ(retry_after(answer(429, {}, R"({"ok":false,"parameters":{"retry_after":35}})"), now), 35s);
  EXPECT_EQ(retry_after(answer(429, {}, R"({"retry_after":-1})"), now), std::nullopt);
  EXPECT_EQ(retry_after(answer(429, {}, R"({"retry_after":"x"})"), now), std::nullopt);
  EXPECT_EQ(retry_after(answer(429, {}, "<html>"), now), std::nullopt);
  EXPECT_EQ(retry_after(answer(500, {}, R"({"retry_after":5})"), now), std::nullopt);
}

TEST(HttpOutcome, WaitsAsLongAsTheLongerOfHeaderAndBodyAsks) {
  const std::string body = R"({"retry_after":2.5})";
  EXPECT_EQ(retry_after(answer(429, {{"Retry-After", "soon"}}, body), now), 2500ms);
  EXPECT_EQ(retry_after(answer(429, {{"Retry-After", "0"}}, body), now), 2500ms);
  EXPECT_EQ(retry_after(answer(429, {{"Retry-After", "3"}}, body), now), 3s);
}

TEST(HttpOutcome, SaysWhereARedirectWouldHaveGoneWithoutItsSecrets) {
  const auto outcome = later(judge(answer(302, {{"Location", "https://login.example/x?token=canary"}}), now));
  EXPECT_EQ(outcome.why, "HTTP 302, redirect not followed to https://login.example/...");
}

TEST(HttpOutcome, QuotesTheBeginningOfARefusalOnOneLine) {
  const auto outcome = std::get<Rejected>(judge(answer(400, {}, "invalid\npayload\x1b\n"), now));
  EXPECT_EQ(outcome.why, "HTTP 400: invalid payload");
  EXPECT_LT(std::get<Rejected>(judge(answer(400, {}, std::string(5000, 'x')), now)).why.size(), 250u);
}

TEST(HttpOutcome, NetworkErrorsAreRetriedAndThoseThatOnlyAPersonCanMendSlowly) {
  for (const auto kind : {HttpFailure::timeout, HttpFailure::network, HttpFailure::interrupted, HttpFailure::too_large,
                          HttpFailure::resolve, HttpFailure::connect, HttpFailure::tls}) {
    EXPECT_FALSE(later(judge(HttpError{kind, "why"}, now)).refused);
  }
  for (const auto kind : {HttpFailure::bad_request, HttpFailure::address_refused}) {
    EXPECT_TRUE(later(judge(HttpError{kind, "why"}, now)).refused);
  }
}

}  // namespace
}  // namespace sidewatch
