#include "alerting/receivers/slack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/alerting/receivers/fake_slack.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SlackTest : public ReceiverWorld {
 protected:
  SlackTest() { server_.serve(FakeSlack()); }

  std::unique_ptr<Receiver> slack(const std::string& more = "") {
    return receiver("  slack:\n    url: " + server_.url(FakeSlack::path) + "\n" + more);
  }
  JsonValue sent() const { return json_of(last().body); }
  std::string fallback() const { return std::string(sent()["text"].text_or("")); }
  std::string header() const { return std::string(sent()["blocks"].items().at(0)["text"]["text"].text_or("")); }
  // The texts of all sections and what stands in their fields, one below the other.
  std::string body() const {
    std::string all;
    const JsonValue message = sent();
    for (const auto& block : message["blocks"].items()) {
      if (block["type"].text_or("") != "section") continue;
      if (block.has("text")) all += std::string(block["text"]["text"].text_or("")) + "\n";
      for (const auto& field : block["fields"].items()) all += std::string(field["text"].text_or("")) + "\n";
    }
    return all;
  }
  std::string context_line() const {
    const JsonValue message = sent();
    return std::string(message["blocks"].items().back()["elements"].items().at(0)["text"].text_or(""));
  }
};

TEST_F(SlackTest, PostsBlocksWithAllOfItAsTextBesideThem) {
  external_url_ = "https://agent.example/?a=1&b=2";
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.annotations = Labels{{"description", "Look at https://wiki.example/a?b=1&c=2."}, {"summary", "R&D is down"}};
  EXPECT_EQ(why(slack()->send(deliver_alone(n))), "(delivered)");
  EXPECT_EQ(header(), "🔴 CRITICAL: R&D is down");
  EXPECT_THAT(
      body(),
      StartsWith("Look at <https://wiki.example/a?b=1&amp;c=2>.\n*Rule*\nHostMemoryHigh\n*On*\ninstance=web-1\n"));
  EXPECT_EQ(context_line(), "<!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01T12:00:00.000Z>  "
                            "<https://agent.example/?a=1&amp;b=2|Open sidewatch>");
  EXPECT_THAT(fallback(),
              StartsWith("🔴 CRITICAL: R&amp;D is down\nLook at https://wiki.example/a?b=1&amp;c=2.\nRule: Host"));
  EXPECT_EQ(last().header("Idempotency-Key"), "n-1");
}

TEST_F(SlackTest, SaysThatItIsOver) {
  EXPECT_EQ(why(slack()->send(deliver_alone(make_notification({.id = "n-1", .reason = Reason::resolved})))),
            "(delivered)");
  EXPECT_EQ(header(), "🟢 RESOLVED: Memory at 93% on a1");
  EXPECT_THAT(body(), HasSubstr("*Value at recovery*\n61.5\n"));
  EXPECT_THAT(body(), HasSubstr("*Lasted*\n12m\n"));
}

TEST_F(SlackTest, StaysWithinEveryLimitAndSaysWhatIsMissing) {
  const auto receiver = slack();
  for (const char* of : {"x", "&", "<", "\xF0\x9F\x94\xA5", "https://a.example/ "}) {
    EXPECT_EQ(why(receiver->send(long_delivery(of))), "(delivered)") << of;
    EXPECT_THAT(header(), EndsWith(" more characters)")) << of;
    EXPECT_THAT(body(), HasSubstr(" more characters)\n*Rule*")) << of;
    EXPECT_THAT(fallback(), EndsWith(" more characters)")) << of;
  }
}

TEST_F(SlackTest, TakesWhatLabelsSayForText) {
  EXPECT_EQ(why(slack()->send(
                saying_everywhere("<!channel> @here <https://evil.example|good> & *b* https://x.example/|good"))),
            "(delivered)");
  EXPECT_THAT(body(), Not(HasSubstr("<!channel>")));
  EXPECT_THAT(body(), Not(HasSubstr("|good>")));
  EXPECT_THAT(body(),
              HasSubstr("&lt;!channel&gt; @here &lt;https://evil.example|good&gt; &amp; *b* https://x.example/|good"));
  EXPECT_THAT(fallback(), Not(HasSubstr("@here")));
}

TEST_F(SlackTest, PingsWhoIsNamedWhenSomethingBecomesCritical) {
  const auto receiver = slack("    mention_at_critical: \"@here\"\n");
  EXPECT_EQ(why(receiver->send(deliver_alone(make_notification({.id = "n", .level = Level::critical})))),
            "(delivered)");
  EXPECT_THAT(body(), StartsWith("<!here>\n"));
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  EXPECT_THAT(body(), Not(HasSubstr("<!here>")));
  EXPECT_EQ(why(slack("    mention_at_critical: \"<@U42>\"\n")->send(group_of(3))), "(delivered)");
  EXPECT_THAT(body(), StartsWith("<@U42>\n"));
}

TEST_F(SlackTest, TellsAGroupInOneMessage) {
  EXPECT_EQ(why(slack()->send(group_of(25))), "(delivered)");
  EXPECT_EQ(header(), "🔴 25 alerts: 1 critical, 24 warning (cluster=shop)");
  EXPECT_THAT(body(), HasSubstr("\nand 5 more\n"));
}

TEST_F(SlackTest, UnderstandsSlacksWordsWhateverTheStatus) {
  const auto receiver = slack();
  server_.script({{.status = 200, .body = "invalid_payload"},
                  {.status = 200, .body = "{\"ok\": false, \"error\": \"no_text\"}"},
                  {.status = 400, .body = "no_team\n"},
                  {.status = 403, .body = "action_prohibited"},
                  {.status = 500, .body = "rollup_error"},
                  {.status = 429, .headers = {{"Retry-After", "30"}}, .body = "rate_limited"},
                  {.status = 200, .body = "<html>Please log in"},
                  {.status = 200, .body = "{\"success\": true}"},
                  {.status = 200, .body = "ok\n"},
                  {.status = 400, .body = "no_texts_here"}});
  auto attempt = send(receiver);
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_EQ(why(attempt), "HTTP 200: invalid_payload: it does not understand the message");
  EXPECT_TRUE(std::holds_alternative<Rejected>(send(receiver)));
  attempt = send(receiver);
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_EQ(why(attempt), "HTTP 400: no_team: the workspace in the webhook's URL is not known");
  EXPECT_TRUE(std::get<RetryLater>(send(receiver)).refused);
  EXPECT_FALSE(std::get<RetryLater>(send(receiver)).refused);
  attempt = send(receiver);
  EXPECT_EQ(std::get<RetryLater>(attempt).after, 30s);
  EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
  EXPECT_THAT(why(send(receiver)), HasSubstr("not Slack's 'ok'"));
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  EXPECT_EQ(why(send(receiver)), "HTTP 400: no_texts_here");
}

TEST_F(SlackTest, SaysThatTheWebhookIsGone) {
  const auto attempt = send(receiver("  slack: {url: \"" + server_.url("/services/T1/B1/gone") + "\"}\n"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_EQ(why(attempt), "HTTP 404: no_service: the webhook was removed or its app is disabled: make a new one");
}

TEST_F(SlackTest, KeepsItsUrlSecret) {
  send(slack());
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("s3cret")));
  server_.script({{.status = 400, .body = "no route " + std::string(FakeSlack::path)}});
  EXPECT_THAT(why(send(slack())), Not(HasSubstr("s3cret")));
  const auto plan = plans_of("receivers:\n- {name: a, slack: {url: \"" + server_.url(FakeSlack::path) + "\"}}\n").at(0);
  EXPECT_THAT(plan.description + plan.fingerprint, Not(HasSubstr("s3cret")));
  EXPECT_TRUE(plan.takes_groups);
}

TEST(SlackConfig, IsAnotherReceiverWhenAnyOfItChanges) {
  const auto fingerprint = [](const std::string& more) {
    return plans_of("receivers:\n- {name: a, slack: {url: \"http://127.0.0.1:1/\"" + more + "}}\n").at(0).fingerprint;
  };
  EXPECT_EQ(fingerprint(""), fingerprint(""));
  for (const char* more : {", mention_at_critical: \"@here\"", ", title: x", ", text: x", ", timeout: 3s"}) {
    EXPECT_NE(fingerprint(more), fingerprint("")) << more;
  }
}

}  // namespace
}  // namespace sidewatch
