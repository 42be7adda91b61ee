#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <thread>

#include "alerting/receivers/log.h"
#include "alerting/receivers/webhook_payload.h"
#include "base/json.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Manner = FakeAnswer::Manner;

class WebhookTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> webhook(const std::string& more = "", const std::string& path = "/hook") {
    return at(server_.url(path), more);
  }
  std::unique_ptr<Receiver> at(const std::string& url, const std::string& more = "") {
    return receiver("  webhook:\n    url: \"" + url + "\"\n" + more);
  }
};

TEST_F(WebhookTest, PostsAlertmanagersFormatWithTheIdThatStaysTheSame) {
  const auto receiver = webhook();
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  EXPECT_EQ(last().method, "POST");
  EXPECT_EQ(last().path, "/hook");
  EXPECT_EQ(last().header("Content-Type"), "application/json");
  EXPECT_EQ(last().header("Idempotency-Key"), "n-1");
  EXPECT_EQ(last().header("webhook-signature"), "");
  EXPECT_EQ(last().body, webhook_payload(deliver_alone(make_notification({.id = "n-1"})), {""}));
}

TEST_F(WebhookTest, SendsItsHeadersAndCredentials) {
  send(webhook("    headers: {X-Team: checkout}\n    bearer_token: t0ken\n    external_url: http://agent:9766\n"));
  EXPECT_EQ(last().header("X-Team"), "checkout");
  EXPECT_EQ(last().header("Authorization"), "Bearer t0ken");
  EXPECT_THAT(last().body, HasSubstr("\"externalURL\":\"http://agent:9766\""));
  send(webhook("    basic_auth: {username: me, password: pass}\n    headers: {content-type: application/x-test}\n"));
  EXPECT_EQ(last().header("Authorization"), "Basic bWU6cGFzcw==");
  EXPECT_EQ(last().header("Content-Type"), "application/x-test");
}

TEST_F(WebhookTest, SignsAsStandardWebhooksDo) {
  // The secret, id and time of the specification's own example; the signature checked with the openssl program.
  send(webhook("    signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n    previous_signing_secret: plain-old\n"),
       "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_EQ(last().header("webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_EQ(last().header("webhook-timestamp"), "1614265330");
  const TempDir directory;
  std::ofstream(directory / "content") << "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." << last().body;
  const auto signature_by = [&](const std::string& key_option) {
    const std::string command = "openssl dgst -sha256 -mac HMAC -macopt " + key_option + " -binary < " +
                                (directory / "content") + " | base64 > " + (directory / "signature");
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::string text;
    std::ifstream(directory / "signature") >> text;
    return "v1," + text;
  };
  EXPECT_EQ(last().header("webhook-signature"),
            signature_by("hexkey:31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0") + " " +
                signature_by("key:plain-old"));
}

TEST_F(WebhookTest, ReadsASecretFromItsFileAtEachAttemptAndNeverSendsWithoutIt) {
  const TempDir directory;
  const std::string file = directory / "token";
  std::ofstream(file) << "first\n";
  const auto receiver = webhook("    bearer_token: \"${file:" + file + "}\"\n");
  send(receiver);
  EXPECT_EQ(last().header("Authorization"), "Bearer first");
  std::ofstream(file) << "second\n";
  send(receiver);
  EXPECT_EQ(last().header("Authorization"), "Bearer second");
  std::filesystem::remove(file);
  EXPECT_EQ(why(send(receiver)), "bearer_token cannot be read now");
  EXPECT_EQ(server_.requests().size(), 2u);
}

TEST_F(WebhookTest, LeavesOutAHeaderThatWouldInjectALineAndSaysSo) {
  const TempDir directory;
  const std::string file = directory / "header";
  std::ofstream(file) << "good";
  const auto receiver = webhook("    headers: {X-Team: \"${file:" + file + "}\"}\n");
  std::ofstream(file) << "bad\r\nInjected: 1";
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  EXPECT_EQ(last().header("X-Team"), "");
  EXPECT_EQ(last().header("Injected"), "");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0], HasSubstr("header 'X-Team' holds a control character"));
}

TEST_F(WebhookTest, JudgesTheAnswer) {
  const auto receiver = webhook();
  server_.script({{.status = 503, .headers = {{"Retry-After", "20"}}}, {.status = 400, .body = "no"}, {.status = 200}});
  auto attempt = send(receiver);
  EXPECT_EQ(std::get<RetryLater>(attempt).after, 20s);
  EXPECT_EQ(why(send(receiver)), "HTTP 400: no");
  EXPECT_EQ(why(send(receiver)), "(delivered)");
}

TEST_F(WebhookTest, EndsWithinItsTimeoutAndReadsNoMoreThanItMust) {
  const auto receiver = webhook("    timeout: 300ms\n");
  for (const Manner manner : {Manner::hang, Manner::drip, Manner::stall}) {
    server_.script({{.body = std::string(5000, 'x'), .manner = manner}});
    EXPECT_THAT(why(send(receiver)), HasSubstr("timed out"));
  }
  server_.script({{.body = std::string(60'000, 'x'), .manner = Manner::chunked, .repeat = 10'000}});
  EXPECT_EQ(why(send(webhook())), "(delivered)");
}

TEST_F(WebhookTest, AnInterruptEndsAnAttempt) {
  server_.script({{.manner = Manner::hang}});
  const auto receiver = webhook("    timeout: 60s\n");
  std::thread other([&] {
    EXPECT_TRUE(server_.wait_for_requests(1));
    receiver->interrupt();
  });
  EXPECT_THAT(why(send(receiver)), HasSubstr("interrupted"));
  other.join();
}

TEST_F(WebhookTest, NoSecretEverShowsInAnError) {
  const std::string more = "    headers: {X-Key: canary-header}\n    bearer_token: canary-token\n"
                           "    signing_secret: canary-signing\n";
  const std::string secret_url = "/canary-path?key=canary-query";
  server_.script({{.status = 400, .body = "Bearer canary-token, canary-header, /canary-path?key=canary-query"}});
  EXPECT_THAT(why(send(webhook(more, secret_url))), Not(HasSubstr("canary")));
  server_.script({{.manner = Manner::reset}});
  EXPECT_THAT(why(send(webhook(more, secret_url))), Not(HasSubstr("canary")));
  const std::string nowhere = "http://canary-user:canary-pass@127.0.0.1:" + std::to_string(unused_port()) + "/canary";
  EXPECT_THAT(why(send(at(nowhere))), Not(HasSubstr("canary")));
  const auto plans = plans_of("receivers:\n- name: oncall\n  webhook:\n    url: " + nowhere + "\n" + more, context());
  EXPECT_THAT(plans[0].description, Not(HasSubstr("canary")));
  EXPECT_THAT(plans[0].fingerprint, Not(HasSubstr("canary")));
}

TEST_F(WebhookTest, NamesTheReceiverWhoseUrlHoldsNoSecret) {
  const std::string origin = "http://127.0.0.1:" + std::to_string(unused_port());
  EXPECT_THAT(why(send(at(origin + "/"))), testing::StartsWith(origin + "/...: "));
  EXPECT_THAT(why(send(at(origin))), testing::StartsWith(origin + ": "));
}

TEST_F(WebhookTest, HidesASecretThatLooksLikeWhatItIsReplacedWith) {
  server_.script({{.status = 400, .body = "no <...> here"}});
  EXPECT_EQ(why(send(webhook("    headers: {X-Key: \"<...>\"}\n"))), "HTTP 400: no <...> here");
}

JsonValue parsed(const Notification& n) {
  auto value = JsonValue::parse(webhook_payload(deliver_alone(n), {"http://agent"}));
  if (!value) throw std::runtime_error(value.error().text());
  return std::move(*value);
}

TEST(WebhookPayload, CarriesAGroupWithWhatItsAlertsHaveInCommon) {
  Delivery delivery = deliver_alone(make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical}));
  delivery.alerts.push_back(make_notification({.id = "n-2", .alert = "web-2", .level = Level::critical}));
  delivery.alerts.push_back(make_notification({.id = "n-3", .alert = "web-3", .reason = Reason::resolved, .level = Level::critical}));
  delivery.group_labels = Labels{{"cluster", "shop"}};
  const auto json = JsonValue::parse(webhook_payload(delivery, {""}));
  ASSERT_TRUE(json) << json.error().text();
  EXPECT_EQ((*json)["groupKey"].text_or(""), "{}:{cluster=\"shop\"}");
  EXPECT_EQ((*json)["groupLabels"]["cluster"].text_or(""), "shop");
  EXPECT_EQ((*json)["status"].text_or(""), "firing");
  EXPECT_EQ((*json)["commonLabels"]["alertname"].text_or(""), "HostMemoryHigh");
  EXPECT_FALSE((*json)["commonLabels"].has("instance"));
  EXPECT_FALSE((*json)["commonAnnotations"].has("summary"));
  ASSERT_EQ((*json)["alerts"].items().size(), 3u);
  EXPECT_EQ((*json)["alerts"].items()[2]["status"].text_or(""), "resolved");
}

TEST(WebhookPayload, SaysThresholdUnitAndCourse) {
  Notification n = make_notification({.id = "n-1"});
  n.threshold = Threshold{Comparison::greater, 1024, std::nullopt};
  n.unit = "bytes";
  n.value = 1536;
  n.recent = {512, 1024, 1536};
  const auto json = parsed(n);
  const auto& alert = json["alerts"].items()[0];
  EXPECT_EQ(alert["threshold"]["comparison"].text_or(""), ">");
  EXPECT_EQ(alert["threshold"]["bound"].number_or(0), 1024);
  EXPECT_EQ(alert["valueForPeople"].text_or(""), "1.5 KiB");
  EXPECT_EQ(alert["recent"].items().size(), 3u);
  EXPECT_EQ(alert["sparkline"].text_or(""), "▁▅█");
}

TEST(WebhookPayload, HasEveryFieldOfVersionFour) {
  const Notification n = make_notification({.id = "n-1", .alert = "0123456789abcdef", .level = Level::critical});
  const auto json = parsed(n);
  EXPECT_EQ(json["version"].text_or(""), "4");
  EXPECT_EQ(json["groupKey"].text_or(""), "{}:{alertname=\"HostMemoryHigh\"}:0123456789abcdef");
  EXPECT_EQ(json["truncatedAlerts"].integer_or(-1), 0);
  EXPECT_EQ(json["status"].text_or(""), "firing");
  EXPECT_EQ(json["receiver"].text_or(""), "oncall");
  EXPECT_EQ(json["groupLabels"]["alertname"].text_or(""), "HostMemoryHigh");
  EXPECT_EQ(json["commonLabels"]["severity"].text_or(""), "critical");
  EXPECT_EQ(json["commonAnnotations"]["summary"].text_or(""), "Memory at 93% on 0123456789abcdef");
  EXPECT_EQ(json["externalURL"].text_or(""), "http://agent");
  ASSERT_EQ(json["alerts"].items().size(), 1u);
  const auto& alert = json["alerts"].items()[0];
  EXPECT_EQ(alert["status"].text_or(""), "firing");
  EXPECT_EQ(alert["labels"]["alertname"].text_or(""), "HostMemoryHigh");
  EXPECT_EQ(alert["startsAt"].text_or(""), "2026-03-01T12:00:00.000Z");
  EXPECT_EQ(alert["endsAt"].text_or(""), "0001-01-01T00:00:00Z");
  EXPECT_EQ(alert["generatorURL"].text_or("x"), "");
  EXPECT_EQ(alert["fingerprint"].text_or(""), "0123456789abcdef");
  EXPECT_EQ(alert["value"].number_or(0), 93.25);
  EXPECT_EQ(alert["valueString"].text_or(""), "93.25");
  EXPECT_EQ(alert["level"].text_or(""), "critical");
  EXPECT_EQ(alert["reason"].text_or(""), "fired");
}

TEST(WebhookPayload, AResolvedMessageCarriesTheValueAtRecoveryThePeakAndTheDuration) {
  const auto json = parsed(make_notification({.id = "n-1", .reason = Reason::resolved}));
  const auto& alert = json["alerts"].items()[0];
  EXPECT_EQ(json["status"].text_or(""), "resolved");
  EXPECT_EQ(alert["endsAt"].text_or(""), "2026-03-01T12:12:00.000Z");
  EXPECT_EQ(alert["value"].number_or(0), 61.5);
  EXPECT_EQ(alert["peak"].number_or(0), 96.5);
  EXPECT_EQ(alert["durationSeconds"].number_or(0), 720);
  EXPECT_EQ(alert["level"].text_or(""), "ok");
  EXPECT_EQ(alert["worstLevel"].text_or(""), "warning");
}

TEST(WebhookPayload, SaysNullForAValueThatIsNone) {
  Notification n = make_notification({.id = "n-1"});
  n.value = std::nan("");
  n.peak = std::numeric_limits<double>::infinity();
  const auto json = parsed(n);
  EXPECT_TRUE(json["alerts"].items()[0]["value"].is_null());
  EXPECT_EQ(json["alerts"].items()[0]["valueString"].text_or(""), "NaN");
  EXPECT_TRUE(json["alerts"].items()[0]["peak"].is_null());
}

TEST(WebhookPayload, StaysJsonWhateverTheLabelsHold) {
  Notification n = make_notification({.id = "n-1"});
  n.labels = Labels{{"comm", "a\"b\\\n\x1b\xFF"}};
  n.annotations = Labels{{"summary", "</script>\r\n"}};
  EXPECT_EQ(parsed(n)["commonLabels"]["comm"].text_or(""), "a\"b\\\n\x1b\xEF\xBF\xBD");
}

TEST(LogReceiver, WritesOneReadableLine) {
  Notification n = make_notification({.id = "n-1", .alert = "db1", .level = Level::critical});
  EXPECT_EQ(log_line(n), "FIRING critical HostMemoryHigh{instance=\"db1\"}: Memory at 93% on db1 "
                         "(value 93.25, peak 96.5)");
  n = make_notification({.id = "n-2", .alert = "db1", .reason = Reason::resolved});
  n.suppressed = 3;
  EXPECT_EQ(log_line(n), "RESOLVED HostMemoryHigh{instance=\"db1\"}: Memory at 93% on db1 "
                         "(value 61.5, peak 96.5, lasted 12m, 3 held back before)");
  n.annotations = Labels{{"summary", "forged\nline\x1b[0m"}};
  EXPECT_EQ(log_line(n).find_first_of("\n\x1b"), std::string::npos);
}

TEST(LogReceiver, SaysWhatHappenedFirst) {
  const auto line = [](Reason reason) {
    return log_line(make_notification({.id = "n", .alert = "db1", .reason = reason, .level = Level::critical}));
  };
  const std::vector<std::pair<Reason, std::string>> beginnings{
      {Reason::escalated, "ESCALATED to critical HostMemoryHigh{"},
      {Reason::deescalated, "DEESCALATED to critical HostMemoryHigh{"},
      {Reason::repeated, "STILL FIRING critical HostMemoryHigh{"},
      {Reason::fired_and_resolved, "FIRED (critical) AND RESOLVED HostMemoryHigh{"},
      {Reason::rule_removed, "RESOLVED (its rule was removed) HostMemoryHigh{"},
  };
  for (const auto& [reason, beginning] : beginnings) EXPECT_THAT(line(reason), testing::StartsWith(beginning));
  Notification n = make_notification({.id = "n"});
  n.value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(log_line(n), HasSubstr("(value none, peak 96.5)"));
}

TEST(LogReceiver, HandsTheLineToTheLogAndIsAlwaysDelivered) {
  std::vector<std::string> lines;
  const auto plans = plans_of("receivers:\n- {name: file, log: {}}\n",
                              {[&](Level, const std::string& line) { lines.push_back(line); }, {}});
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].description, "the log");
  EXPECT_TRUE(std::holds_alternative<Delivered>(plans[0].make()->send(deliver_alone(make_notification({.id = "n-1"})))));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("FIRING warning HostMemoryHigh"));
}

}  // namespace
}  // namespace sidewatch
