#include "alerting/receivers/discord.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/alerting/receivers/fake_discord.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class DiscordTest : public ReceiverWorld {
 protected:
  DiscordTest() { server_.serve(FakeDiscord()); }

  std::unique_ptr<Receiver> discord(const std::string& more = "") {
    return receiver("  discord:\n    url: " + server_.url(FakeDiscord::path) + "\n" + more);
  }
  JsonValue sent() const { return json_of(last().body); }
  JsonValue embed() const { return sent()["embeds"].items().at(0); }
  std::string field(std::string_view name) const {
    const JsonValue all = embed();
    for (const auto& field : all["fields"].items()) {
      if (field["name"].text_or("") == name) return std::string(field["value"].text_or(""));
    }
    return "(none)";
  }
};

TEST_F(DiscordTest, PostsAnEmbedAndWaitsUntilItIsThere) {
  external_url_ = "https://agent.example/";
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.unit = "percent";
  n.threshold = Threshold{Comparison::greater, 90, std::nullopt};
  EXPECT_EQ(why(discord()->send(deliver_alone(n))), "(delivered)");
  EXPECT_THAT(last().path, EndsWith("?wait=true"));
  EXPECT_EQ(last().header("Idempotency-Key"), "n-1");
  const auto json = embed();
  EXPECT_EQ(json["title"].text_or(""), "CRITICAL: Memory at 93% on web-1");
  EXPECT_EQ(json["url"].text_or(""), "https://agent.example/");
  EXPECT_EQ(json["color"].integer_or(0), 0xFF0000);
  EXPECT_EQ(json["timestamp"].text_or(""), "2026-03-01T12:00:00.000Z");
  EXPECT_EQ(json["footer"]["text"].text_or(""), "sidewatch");
  EXPECT_EQ(field("Rule"), "HostMemoryHigh");
  EXPECT_EQ(field("On"), "instance=web-1");
  EXPECT_EQ(field("Value"), "93.25 % (critical > 90 %)");
  EXPECT_EQ(sent()["allowed_mentions"]["parse"].items().size(), 0u);
  EXPECT_FALSE(sent().has("content"));
}

TEST_F(DiscordTest, ShowsTheLevelInItsColour) {
  const auto receiver = discord();
  const auto colour = [&](Reason reason, Level level) {
    EXPECT_EQ(why(receiver->send(deliver_alone(make_notification({.id = "n", .reason = reason, .level = level})))),
              "(delivered)");
    return embed()["color"].integer_or(0);
  };
  EXPECT_EQ(colour(Reason::fired, Level::warning), 0xFFA500);
  EXPECT_EQ(colour(Reason::escalated, Level::critical), 0xFF0000);
  EXPECT_EQ(colour(Reason::resolved, Level::critical), 0x2EB67D);
  EXPECT_EQ(embed()["title"].text_or(""), "RESOLVED: Memory at 93% on a1");
  EXPECT_EQ(field("Value at recovery"), "61.5");
  EXPECT_EQ(field("Lasted"), "12m");
}

TEST_F(DiscordTest, StaysWithinEachLimitAndAllTogetherAndSaysWhatIsMissing) {
  const auto receiver = discord();
  for (const char* of : {"x", "_", "\xF0\x9F\x94\xA5", "*<", "\n# ", "\xF0\x9F\x94\xA5*_<&"}) {
    EXPECT_EQ(why(receiver->send(long_delivery(of))), "(delivered)") << of;
    EXPECT_THAT(std::string(embed()["description"].text_or("")), EndsWith(" more characters)")) << of;
    EXPECT_THAT(field("On"), EndsWith(" more characters)")) << of;
  }
}

TEST_F(DiscordTest, LeavesOutWhatWouldBeEmpty) {
  Notification n = make_notification({.id = "n-1"});
  n.annotations = Labels{{"description", " \n"}, {"runbook_url", "  "}, {"title", "  "}};
  EXPECT_EQ(why(discord("    title: \"{{ $labels.nothing }}\"\n")->send(deliver_alone(n))), "(delivered)");
  EXPECT_FALSE(embed().has("description"));
  EXPECT_EQ(field("Runbook"), "(none)");
}

TEST_F(DiscordTest, TakesWhatLabelsSayForText) {
  EXPECT_EQ(why(discord()->send(saying_everywhere("@everyone <@123> [good](https://evil.example/a_b) **x** `y` \\"))),
            "(delivered)");
  const std::string text = "\\@everyone \\<\\@123> \\[good](https://evil.example/a_b) \\*\\*x\\*\\* \\`y\\` \\\\";
  EXPECT_EQ(embed()["description"].text_or(""), text);
  EXPECT_EQ(embed()["title"].text_or(""), "CRITICAL: " + text);
  EXPECT_EQ(field("On"), "instance=" + text);
  EXPECT_EQ(field("Rule"), text);
  EXPECT_EQ(why(discord()->send(saying_everywhere("> a\n# b\n - c-d #e"))), "(delivered)");
  EXPECT_EQ(embed()["description"].text_or(""), "\\> a\n\\# b\n \\- c-d #e");
  EXPECT_EQ(why(discord()->send(saying_everywhere("node_load1 _a_ b__c__d e_ _f"))), "(delivered)");
  EXPECT_EQ(embed()["description"].text_or(""), "node_load1 \\_a\\_ b\\_\\_c\\_\\_d e\\_ \\_f");
}

TEST_F(DiscordTest, PingsOnlyWhoIsNamedAndOnlyWhenSomethingBecomesCritical) {
  const auto pinged = [&](const std::string& mention, Reason reason, Level level) {
    const auto receiver = discord("    mention_at_critical: \"" + mention + "\"\n");
    EXPECT_EQ(why(receiver->send(deliver_alone(make_notification({.id = "n", .reason = reason, .level = level})))),
              "(delivered)");
    return std::string(sent()["content"].text_or(""));
  };
  EXPECT_EQ(pinged("<@&42>", Reason::escalated, Level::critical), "<@&42>");
  EXPECT_EQ(sent()["allowed_mentions"]["roles"].items().at(0).text_or(""), "42");
  EXPECT_EQ(sent()["allowed_mentions"]["parse"].items().size(), 0u);
  EXPECT_EQ(pinged("<@43>", Reason::fired, Level::critical), "<@43>");
  EXPECT_EQ(sent()["allowed_mentions"]["users"].items().at(0).text_or(""), "43");
  EXPECT_EQ(pinged("@here", Reason::fired, Level::critical), "@here");
  EXPECT_EQ(sent()["allowed_mentions"]["parse"].items().at(0).text_or(""), "everyone");
  EXPECT_EQ(pinged("@here", Reason::fired, Level::warning), "");
  EXPECT_EQ(sent()["allowed_mentions"]["parse"].items().size(), 0u);
  EXPECT_EQ(pinged("@here", Reason::repeated, Level::critical), "");
  EXPECT_EQ(pinged("@here", Reason::resolved, Level::critical), "");
}

TEST_F(DiscordTest, TellsAGroupInOneEmbed) {
  EXPECT_EQ(why(discord()->send(group_of(30))), "(delivered)");
  EXPECT_EQ(embed()["title"].text_or(""), "30 alerts: 1 critical, 29 warning (cluster=shop)");
  const std::string text(embed()["description"].text_or(""));
  EXPECT_THAT(text, testing::StartsWith("🔴 CRITICAL: Memory at 93% on web-1\n"));
  EXPECT_THAT(text, EndsWith("\nand 10 more"));
}

TEST_F(DiscordTest, PostsUnderItsNameIntoItsThread) {
  EXPECT_EQ(why(send(discord("    username: checkout\n    thread_id: 77\n    text: \"{{ $value }} here\"\n"))),
            "(delivered)");
  EXPECT_EQ(sent()["username"].text_or(""), "checkout");
  EXPECT_THAT(last().path, EndsWith("?wait=true&thread_id=77"));
  EXPECT_EQ(embed()["description"].text_or(""), "93.25 here");
}

TEST_F(DiscordTest, WaitsAsLongAsDiscordAsks) {
  server_.script({{.status = 429,
                   .body = R"({"message": "You are being rate limited.", "retry_after": 0.376, "global": false})"}});
  const auto attempt = send(discord());
  EXPECT_EQ(std::get<RetryLater>(attempt).after, 376ms);
  EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
}

TEST_F(DiscordTest, SaysWhatIsWrongWithTheWebhook) {
  const auto gone = send(receiver("  discord: {url: \"" + server_.url("/api/webhooks/1/other-t0ken") + "\"}\n"));
  EXPECT_TRUE(std::get<RetryLater>(gone).refused);
  EXPECT_EQ(why(gone), "HTTP 404: Unknown Webhook: the webhook was deleted, or thread_id is of another channel");
  server_.script({{.status = 401, .body = R"({"message": "Invalid Webhook Token", "code": 50027})"}});
  EXPECT_EQ(why(send(discord())), "HTTP 401: Invalid Webhook Token: the end of the webhook's URL is not right");
  server_.script(
      {{.status = 400,
        .body = R"({"message": "Webhooks posted to forum channels must have a thread_name ...", "code": 220001})"}});
  const auto forum = send(discord());
  EXPECT_TRUE(std::get<RetryLater>(forum).refused);
  EXPECT_EQ(why(forum), "HTTP 400: the channel is a forum: set thread_id");
}

TEST_F(DiscordTest, SaysWhyDiscordRefusesAMessage) {
  server_.script(
      {{.status = 400, .body = R"({"message": "Invalid Form Body", "code": 50035, "errors": {"embeds": {"0": {"title":
      {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}]}}}}})"}});
  const auto attempt = send(discord());
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_EQ(why(attempt), "HTTP 400: Invalid Form Body (embeds.0.title: Must be 256 or fewer in length.)");
  server_.script({{.status = 400, .body = "<html>Bad Request"}});
  EXPECT_EQ(why(send(discord())), "HTTP 400: <html>Bad Request");
}

TEST_F(DiscordTest, KeepsItsUrlSecret) {
  send(discord());
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("t0k3n")));
  server_.script({{.status = 400, .body = "no route " + std::string(FakeDiscord::path) + "?wait=true"}});
  EXPECT_THAT(why(send(discord())), Not(HasSubstr("t0k3n")));
  const auto plan =
      plans_of("receivers:\n- {name: a, discord: {url: \"" + server_.url(FakeDiscord::path) + "\"}}\n").at(0);
  EXPECT_THAT(plan.description + plan.fingerprint, Not(HasSubstr("t0k3n")));
  EXPECT_TRUE(plan.takes_groups);
}

TEST(DiscordConfig, IsAnotherReceiverWhenAnyOfItChanges) {
  const auto fingerprint = [](const std::string& more) {
    return plans_of("receivers:\n- {name: a, discord: {url: \"http://127.0.0.1:1/\"" + more + "}}\n").at(0).fingerprint;
  };
  EXPECT_EQ(fingerprint(""), fingerprint(""));
  for (const char* more : {", username: x", ", thread_id: 1", ", mention_at_critical: \"@here\"", ", title: x",
                           ", text: x", ", timeout: 3s"}) {
    EXPECT_NE(fingerprint(more), fingerprint("")) << more;
  }
}

}  // namespace
}  // namespace sidewatch
