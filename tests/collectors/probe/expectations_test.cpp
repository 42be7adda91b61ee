#include "collectors/probe/expectations.h"

#include <gtest/gtest.h>

#include "tests/collectors/probe/run_check.h"

namespace sidewatch::probe {
namespace {

Verdict judged(const std::string& expect, OutgoingResponse response, double seconds = 0.1) {
  std::string problems;
  const auto checks = read_checks("{name: a, http: {url: 'http://h/', expect: " + expect + "}}", &problems);
  EXPECT_EQ(problems, "");
  Verdict verdict;
  if (checks.size() == 1) judge(checks[0].http->expect, response, seconds, verdict);
  return verdict;
}
OutgoingResponse answer(int status, std::string body = "", std::vector<HttpHeader> headers = {}) {
  OutgoingResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

TEST(ProbeExpectations, TakesEveryStatusOfTheTwoHundredsWhenNoneIsGiven) {
  EXPECT_EQ(why(judged("{}", answer(204))), "");
  EXPECT_EQ(why(judged("{}", answer(301))), "the status is 301");
  EXPECT_EQ(reason(judged("{}", answer(500))), "status");
}

TEST(ProbeExpectations, TakesTheStatusesThatAreGivenAndNoOther) {
  const std::string expect = "{status: [200, 4xx, 500-502]}";
  for (const int well : {200, 400, 499, 500, 502}) EXPECT_EQ(why(judged(expect, answer(well))), "") << well;
  for (const int bad : {201, 204, 399, 503}) EXPECT_EQ(reason(judged(expect, answer(bad))), "status") << bad;
}

TEST(ProbeExpectations, UnderstandsNothingElseAsAStatus) {
  for (const auto* text : {"", "2", "20", "2000", "2x0", "6xx", "0xx", "300-200", "200-", "-200", "99", "600", "ok"}) {
    EXPECT_FALSE(parse_status(text)) << text;
  }
}

TEST(ProbeExpectations, LooksForTextsAndPatternsInTheBody) {
  EXPECT_EQ(why(judged("{body_contains: [ok, fine]}", answer(200, "all ok, fine"))), "");
  EXPECT_EQ(why(judged("{body_contains: [ok, fine]}", answer(200, "all ok"))), "the answer does not contain 'fine'");
  const auto missed = judged("{body_matches: 'v[0-9]+'}", answer(200, "version"));
  EXPECT_EQ(why(missed), "nothing in the answer matches 'v[0-9]+'");
  EXPECT_EQ(fact(missed, "probe_failed_due_to_regex"), 1);
  const auto met = judged("{body_not_matches: '(?i)error'}", answer(200, "an Error"));
  EXPECT_EQ(why(met), "something in the answer matches '(?i)error'");
  EXPECT_EQ(fact(met, "probe_failed_due_to_regex"), 1);
  EXPECT_EQ(fact(judged("{body_matches: ok}", answer(200, "ok")), "probe_failed_due_to_regex"), 0);
}

TEST(ProbeExpectations, HoldsValuesOfJsonAgainstWhatTheyHaveToBe) {
  const std::string body = R"({"status": "up", "n": 3, "list": [{"a/b": true}], "none": null})";
  const auto json = [&](const std::string& one) { return why(judged("{json: [" + one + "]}", answer(200, body))); };
  EXPECT_EQ(json("{pointer: /status, equals: up}"), "");
  EXPECT_EQ(json("{pointer: /list/0/a~1b, equals: true}"), "");
  EXPECT_EQ(json("{pointer: /n, equals: 3.0}"), "");
  EXPECT_EQ(json("{pointer: /none, equals: 'null'}"), "");
  EXPECT_EQ(json("{pointer: /n, above: 2, below: 4}"), "");
  EXPECT_EQ(json("{pointer: /status, equals: down}"), "the value at '/status' is 'up', not 'down'");
  EXPECT_EQ(json("{pointer: /n, above: 3}"), "the value at '/n' is 3, not above 3");
  EXPECT_EQ(json("{pointer: /n, below: 3}"), "the value at '/n' is 3, not below 3");
  EXPECT_EQ(json("{pointer: /status, above: 3}"), "the value at '/status' is not a number");
  EXPECT_EQ(json("{pointer: /list/1}"), "the value at '/list/1' is not in the answer");
  EXPECT_EQ(json("{pointer: /status/x}"), "the value at '/status/x' is not in the answer");
  EXPECT_EQ(reason(judged("{json: [{pointer: /a}]}", answer(200, "<html>"))), "body");
}

TEST(ProbeExpectations, LooksAtHeadersWhateverTheirCase) {
  const std::string expect = "{headers: [{name: Content-Type, matches: '^application/json'}]}";
  EXPECT_EQ(why(judged(expect, answer(200, "", {{"content-type", "application/json; charset=utf-8"}}))), "");
  EXPECT_EQ(why(judged(expect, answer(200, "", {{"content-type", "text/html"}}))),
            "header 'Content-Type' does not match '^application/json'");
  EXPECT_EQ(why(judged(expect, answer(200))), "the answer has no header 'Content-Type'");
  EXPECT_EQ(why(judged("{headers: [{name: X, matches: a, allow_missing: true}]}", answer(200))), "");
}

TEST(ProbeExpectations, CallsAnAnswerTooSlowThatComesWithinTheTimeout) {
  EXPECT_EQ(why(judged("{within: 200ms}", answer(200), 0.2)), "");
  EXPECT_EQ(why(judged("{within: 200ms}", answer(200), 0.201)), "the answer takes longer than 200 ms");
  EXPECT_EQ(reason(judged("{within: 200ms}", answer(200), 0.201)), "too_slow");
}

}  // namespace
}  // namespace sidewatch::probe
