#include "alerting/receivers/custom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "alerting/receivers/json_template.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string render(const std::string& json, const Notification& n) {
  const auto parsed = JsonTemplate::parse(json);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
  return parsed ? parsed->render(n, text_of(deliver_alone(n), {}, {"http://agent:9766"}), "web-1") : "";
}

class CustomTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> custom(const std::string& body, const std::string& more = "") {
    return receiver("  custom:\n    url: " + server_.url("/t0psecret") + "\n    body: |\n      " + body + "\n" + more);
  }
};

TEST(JsonTemplate, FillsTheTextsAndKeepsTheRest) {
  auto n = make_notification({.id = "n-1"});
  EXPECT_EQ(
      render(R"({"t": "{{ $title }}", "n": 1, "f": 1.5, "b": true, "z": null, "l": ["{{ $labels.instance }}", 2]})", n),
      R"({"t":"WARNING: Memory at 93% on a1","n":1,"f":1.5,"b":true,"z":null,"l":["a1",2]})");
  EXPECT_EQ(
      render(
          R"(["{{ $status }}", "{{ $level }}", "{{ $reason }}", "{{ $alert }}", "{{ $valueText }}", "{{ $endsAt }}"])",
          n),
      R"(["firing","warning","fired","HostMemoryHigh","93.25",""])");
  EXPECT_EQ(render(R"(["{{ $id }}", "{{ $key }}", "{{ $incident }}", "{{ $link }}", "{{ $startsAt }}"])", n),
            R"(["n-1","a1","a1/1","http://agent:9766","2026-03-01T12:00:00.000Z"])");
  EXPECT_EQ(render(R"("{{ if eq $status \"firing\" }}1{{ else }}0{{ end }}")", n), "\"1\"");
}

TEST(JsonTemplate, HasNoLabelsButTheAlertsOwn) {
  EXPECT_EQ(render(R"("{{ range $n, $v := $labels }}{{ $n }} {{ end }}")", make_notification({.id = "n-1"})),
            "\"alertname instance severity \"");
}

TEST(JsonTemplate, WritesTheValueAsANumber) {
  auto n = make_notification({.id = "n-1"});
  EXPECT_EQ(render(R"({"value": "{{ $value }}", "text": "{{ $value }}%"})", n), R"({"value":93.25,"text":"93.25%"})");
  n.value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(render(R"({"value": "{{ $value }}"})", n), R"({"value":null})");
}

TEST(JsonTemplate, KeepsWhateverALabelHoldsInsideItsText) {
  auto n = make_notification({.id = "n-1", .alert = "\",\"admin\":true,\"x\":\"\n{{ $value }}"});
  const std::string body = render(R"({"host": "{{ $labels.instance }}"})", n);
  const auto read = JsonValue::parse(body);
  ASSERT_TRUE(read) << body;
  EXPECT_EQ(read->names(), std::vector<std::string>{"host"});
  EXPECT_EQ((*read)["host"].text_or(""), "\",\"admin\":true,\"x\":\"\n{{ $value }}");
}

TEST(JsonTemplate, SaysWhichTextIsNoTemplate) {
  const auto parsed = JsonTemplate::parse(R"({"a": "fine", "b": "{{ $tilte }}"})");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().what, HasSubstr("\"{{ $tilte }}\": "));
  EXPECT_FALSE(JsonTemplate::parse("{\"a\": }"));
}

TEST_F(CustomTest, SendsTheRequestThatWasAskedFor) {
  const auto put = custom("{\"text\": \"{{ $title }}\"}", "    method: PUT\n    headers: {X-Api-Key: k3y-secret}\n");
  EXPECT_EQ(why(send(put)), "(delivered)");
  EXPECT_EQ(last().method, "PUT");
  EXPECT_EQ(last().header("X-Api-Key"), "k3y-secret");
  EXPECT_EQ(last().header("Content-Type"), "application/json");
  EXPECT_EQ(last().header("Idempotency-Key"), "n-1");
  EXPECT_EQ(last().body, "{\"text\":\"WARNING: Memory at 93% on a1\"}");
  EXPECT_THAT(traced_request_, Not(HasSubstr("k3y-secret")));
  EXPECT_THAT(traced_request_, Not(HasSubstr("t0psecret")));
}

TEST_F(CustomTest, JudgesTheAnswerByItsStatus) {
  const auto post = custom("{}");
  server_.script({{.status = 422, .body = "no such field"}, {.status = 503}});
  EXPECT_EQ(why(send(post)), "HTTP 422: no such field");
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(post)));
}

TEST(CustomPlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- name: a\n  custom:\n    url: http://h/\n" + settings).problems;
  };
  EXPECT_EQ(problems("    body: '{\"a\": \"{{ $title }}\"}'\n"), "");
  EXPECT_THAT(problems("    body: 'a: b'\n"), HasSubstr("test.yaml:5:12: body: not JSON"));
  EXPECT_THAT(problems("    body: '{\"a\": {{ $value }}}'\n"),
              HasSubstr("body: not JSON at byte 8; a template stands in quotes, and \"{{ $value }}\" alone becomes a number"));
  EXPECT_THAT(problems("    body: '{\"a\": \"{{ $title\"}'\n"), HasSubstr("\"{{ $title\": '{{' is never closed"));
  EXPECT_THAT(problems("    body: '{}'\n    headers: {Host: x}\n"),
              HasSubstr("header 'Host' is set by sidewatch itself"));
  EXPECT_THAT(problems("    body: '{}'\n    username: x\n"), HasSubstr("has a username without password"));
}

// Services such as Pushover want their token in the body.
TEST_F(CustomTest, ShowsNothingOfWhatVariablesAndFilesPutIntoTheBody) {
  setenv("CUSTOM_TOKEN", "t0ken-in-the-body", 1);
  setenv("CUSTOM_USER", "t0ken-in", 1);
  server_.serve([](const FakeRequest& request) { return FakeAnswer{.status = 400, .body = "no: " + request.body}; });
  const Attempt refused = send(custom(R"({"token": "${CUSTOM_TOKEN}", "user": "u:${CUSTOM_USER}", "t": "{{ $title }}"})"));
  EXPECT_THAT(last().body, HasSubstr(R"({"token":"t0ken-in-the-body","user":"u:t0ken-in","t":"WARNING: )"));
  EXPECT_THAT(traced_request_, HasSubstr(R"({"token":"<...>","user":"u:<...>","t":"WARNING: )"));
  EXPECT_THAT(traced_answer_, Not(HasSubstr("t0ken-in")));
  EXPECT_THAT(why(refused), HasSubstr(R"(no: {"token":"<...>")"));

  const auto mistake = read_receivers(
      "receivers:\n- name: a\n  custom: {url: \"http://h/\", body: '[\"${CUSTOM_TOKEN} {{ $titel }}\"]'}\n");
  EXPECT_THAT(mistake.problems, HasSubstr("body: \"<...> {{ $titel }}\": unknown variable '$titel'"));
}

}  // namespace
}  // namespace sidewatch
