#include "alerting/receivers/ntfy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/alerting/receivers/fake_ntfy.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class NtfyTest : public ReceiverWorld {
 protected:
  NtfyTest() { server_.serve(FakeNtfy()); }

  std::unique_ptr<Receiver> ntfy(const std::string& more = "",
                                 const std::string& topic = std::string(FakeNtfy::open_topic)) {
    return receiver("  ntfy:\n    server: " + server_.url("") + "\n    topic: " + topic + "\n" + more);
  }
  JsonValue sent() const { return json_of(last().body); }
  std::string message() const { return std::string(sent()["message"].text_or("")); }
};

TEST_F(NtfyTest, PublishesTitleTextFieldsLinkAndHowLoudItIs) {
  external_url_ = "https://agent.example/";
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.annotations = Labels{{"description", "Look at \"it\""}, {"summary", "Memory is short"}};
  EXPECT_EQ(why(ntfy()->send(deliver_alone(n))), "(delivered)");
  EXPECT_EQ(sent()["topic"].text_or(""), "checkout-Kx81");
  EXPECT_EQ(sent()["title"].text_or(""), "CRITICAL: Memory is short");
  EXPECT_THAT(message(), StartsWith("Look at \"it\"\n\nRule: HostMemoryHigh\nOn: instance=web-1\nValue: 93.25\n"));
  EXPECT_EQ(sent()["priority"].integer_or(0), 5);
  EXPECT_EQ(sent()["tags"].items().at(0).text_or(""), "rotating_light");
  EXPECT_EQ(sent()["click"].text_or(""), "https://agent.example/");
  EXPECT_EQ(last().header("Authorization"), "");
}

TEST_F(NtfyTest, IsAsLoudAsItIsTold) {
  const auto priority = [&](const std::string& more, Reason reason, Level level) {
    const auto receiver = ntfy(more);
    EXPECT_EQ(why(receiver->send(deliver_alone(make_notification({.id = "n", .reason = reason, .level = level})))),
              "(delivered)");
    return sent()["priority"].integer_or(0);
  };
  const std::string quiet = "    priority: {critical: 4, warning: 2, resolved: 1}\n";
  EXPECT_EQ(priority("", Reason::fired, Level::warning), 4);
  EXPECT_EQ(priority("", Reason::resolved, Level::critical), 3);
  EXPECT_EQ(sent()["tags"].items().at(0).text_or(""), "white_check_mark");
  EXPECT_EQ(priority(quiet, Reason::fired, Level::critical), 4);
  EXPECT_EQ(priority(quiet, Reason::fired, Level::warning), 2);
  EXPECT_EQ(priority(quiet, Reason::resolved, Level::warning), 1);
}

TEST_F(NtfyTest, StaysWithinMessageAndBodyAndSaysWhatIsMissing) {
  const auto receiver = ntfy();
  for (const char* of : {"x", "\"\\", "\x01\x02", "\xF0\x9F\x94\xA5", "\n"}) {
    EXPECT_EQ(why(receiver->send(long_delivery(of))), "(delivered)");
    EXPECT_THAT(message(), HasSubstr(" more characters)"));
  }
}

TEST_F(NtfyTest, ShowsItsCredentials) {
  EXPECT_EQ(why(send(ntfy("    token: tk_s3cret\n", std::string(FakeNtfy::guarded_topic)))), "(delivered)");
  EXPECT_EQ(why(send(ntfy("    username: me\n    password: pass\n", std::string(FakeNtfy::guarded_topic)))),
            "(delivered)");
  auto attempt = send(ntfy("", std::string(FakeNtfy::guarded_topic)));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt), StartsWith("HTTP 403: forbidden (40301): who publishes has no right to this topic"));
  attempt = send(ntfy("    token: tk_other\n"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt), StartsWith("HTTP 401: unauthorized (40101): the server does not know this token"));
}

TEST_F(NtfyTest, UnderstandsItsErrors) {
  auto attempt = send(ntfy("", "docs"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_EQ(why(attempt), "HTTP 400: invalid request: topic name is not allowed (40010)");
  server_.script(
      {{.status = 429, .body = R"({"code":42908,"http":429,"error":"limit reached: daily message quota reached"})"},
       {.status = 429, .body = R"({"code":42901,"http":429,"error":"limit reached: too many requests"})"},
       {.status = 413, .body = R"({"code":41303,"http":413,"error":"JSON body too large"})"},
       {.status = 200, .body = "<html>Welcome"},
       {.status = 503, .body = "<html>"}});
  const auto receiver = ntfy();
  EXPECT_EQ(std::get<RetryLater>(send(receiver)).after, 30min);
  attempt = send(receiver);
  EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
  EXPECT_FALSE(std::get<RetryLater>(attempt).after);
  attempt = send(receiver);
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_EQ(why(attempt), "HTTP 413: JSON body too large (41303)");
  EXPECT_THAT(why(send(receiver)), HasSubstr("is `server` its address?"));
  EXPECT_EQ(why(send(receiver)), "HTTP 503");
}

TEST_F(NtfyTest, TellsAGroupInOneMessage) {
  EXPECT_EQ(why(ntfy()->send(group_of(25))), "(delivered)");
  EXPECT_EQ(sent()["title"].text_or(""), "25 alerts: 1 critical, 24 warning (cluster=shop)");
  EXPECT_THAT(message(), HasSubstr("\nand 5 more"));
}

TEST_F(NtfyTest, KeepsTopicAndCredentialsSecret) {
  const auto receiver = ntfy("    token: tk_s3cret\n");
  send(receiver);
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("Kx81")));
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("s3cret")));
  server_.script({{.status = 418, .body = "no checkout-Kx81 for tk_s3cret"}});
  EXPECT_EQ(why(send(receiver)), "HTTP 418: no <...> for <...>");
  const auto plan = plans_of("receivers:\n- {name: a, ntfy: {topic: checkout-Kx81}}\n").at(0);
  EXPECT_EQ(plan.description, "ntfy https://ntfy.sh");
  EXPECT_THAT(plan.fingerprint, Not(HasSubstr("Kx81")));
  EXPECT_TRUE(plan.takes_groups);
}

TEST(NtfyConfig, IsAnotherReceiverWhenAnyOfItChanges) {
  const auto fingerprint = [](const std::string& more) {
    return plans_of("receivers:\n- {name: a, ntfy: {topic: abc" + more + "}}\n").at(0).fingerprint;
  };
  EXPECT_EQ(fingerprint(""), fingerprint(""));
  for (const char* more :
       {"d", ", server: \"http://127.0.0.1:1\"", ", token: t", ", username: u, password: p", ", priority: {warning: 1}",
        ", priority: {critical: 1}", ", priority: {resolved: 1}", ", title: x", ", text: x", ", timeout: 3s"}) {
    EXPECT_NE(fingerprint(more), fingerprint("")) << more;
  }
}

}  // namespace
}  // namespace sidewatch
