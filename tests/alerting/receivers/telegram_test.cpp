#include "alerting/receivers/telegram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "tests/alerting/receivers/fake_telegram.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TelegramTest : public ReceiverWorld {
 protected:
  TelegramTest() { server_.serve(FakeTelegram()); }

  std::unique_ptr<Receiver> telegram(const std::string& more = "", const std::string& chat = "-1001234567890",
                                     const std::string& token = std::string(FakeTelegram::token)) {
    return receiver("  telegram:\n    api_url: " + server_.url("/") + "\n    bot_token: \"" + token +
                    "\"\n    chat_id: " + chat + "\n" + more);
  }
  JsonValue sent() const { return json_of(last().body); }
  std::string html() const { return std::string(sent()["text"].text_or("")); }
  std::string visible() const { return FakeTelegram::visible(html()); }
};

TEST_F(TelegramTest, SendsWhatIsToBeSaidAsHtml) {
  external_url_ = "https://agent.example/?a=1&b=2";
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.annotations = Labels{{"description", "1 < 2"}, {"summary", "R&D is down"}};
  EXPECT_EQ(why(telegram()->send(deliver_alone(n))), "(delivered)");
  EXPECT_THAT(
      html(),
      StartsWith("🔴 <b>CRITICAL: R&amp;D is down</b>\n\n1 &lt; 2\n\n<b>Rule:</b> HostMemoryHigh\n<b>On:</b> inst"));
  EXPECT_THAT(html(), EndsWith("\n\n<a href=\"https://agent.example/?a=1&amp;b=2\">Open sidewatch</a>"));
  EXPECT_TRUE(sent()["link_preview_options"]["is_disabled"].boolean_or(false));
  EXPECT_FALSE(sent().has("disable_notification"));
  EXPECT_FALSE(sent().has("message_thread_id"));
}

TEST_F(TelegramTest, IsSilentWhenAllIsWellAgainUnlessToldOtherwise) {
  const Delivery over = deliver_alone(make_notification({.id = "n-1", .reason = Reason::resolved}));
  EXPECT_EQ(why(telegram()->send(over)), "(delivered)");
  EXPECT_TRUE(sent()["disable_notification"].boolean_or(false));
  EXPECT_THAT(visible(), StartsWith("🟢 RESOLVED: Memory at 93% on a1\n\nRule: "));
  EXPECT_EQ(why(telegram("    silent_resolved: false\n")->send(over)), "(delivered)");
  EXPECT_FALSE(sent().has("disable_notification"));
}

TEST_F(TelegramTest, StaysWithinWhatTelegramCountsAndSaysWhatIsMissing) {
  external_url_ = "https://agent.example/";
  const auto receiver = telegram();
  for (const char* of : {"x", "&", "<b>", "\xF0\x9F\x94\xA5", "@a "}) {
    EXPECT_EQ(why(receiver->send(long_delivery(of))), "(delivered)") << of;
    EXPECT_THAT(visible(), HasSubstr(" more characters)\n\nRule: ")) << of;
    EXPECT_GT(utf16_length(visible()), 4090u) << of;
  }
}

TEST_F(TelegramTest, TakesWhatLabelsSayForText) {
  EXPECT_EQ(why(telegram()->send(saying_everywhere("<a href=\"http://evil\">good</a> @admin &lt; me@x.example"))),
            "(delivered)");
  EXPECT_THAT(visible(), HasSubstr("<a href=\"http://evil\">good</a> @\xE2\x81\xA0" "admin &lt; me@x.example"));
  EXPECT_THAT(html(), Not(HasSubstr("@admin")));
}

TEST_F(TelegramTest, PostsIntoATopicOrTellsAGroup) {
  EXPECT_EQ(why(telegram("    message_thread_id: 7\n")->send(group_of(25))), "(delivered)");
  EXPECT_EQ(sent()["message_thread_id"].integer_or(0), 7);
  EXPECT_THAT(visible(), StartsWith("🔴 25 alerts: 1 critical, 24 warning (cluster=shop)\n\n🔴 CRITICAL: "));
  EXPECT_THAT(visible(), HasSubstr("\nand 5 more"));
}

TEST_F(TelegramTest, SaysWhatIsWrongWithTheChatOrTheBot) {
  auto attempt = send(telegram("", "-42"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_EQ(why(attempt),
            "HTTP 400: Bad Request: chat not found (is chat_id right, and has somebody added the bot to the "
            "chat or written to it?)");
  attempt = send(telegram("", "-42", "999:another-token-of-a-bot-that-is-none"));
  EXPECT_EQ(why(attempt), "HTTP 401: Unauthorized (bot_token is not that of a bot)");
  attempt = send(telegram("    message_thread_id: 8\n"));
  EXPECT_EQ(why(attempt), "HTTP 400: Bad Request: message thread not found (there is no such message_thread_id)");
  server_.script(
      {{.status = 403, .body = R"({"ok": false, "description": "Forbidden: bot was kicked from the group chat"})"}});
  EXPECT_TRUE(std::get<RetryLater>(send(telegram())).refused);
  for (const std::string said : {"CHAT_WRITE_FORBIDDEN", "CHAT_RESTRICTED", "TOPIC_CLOSED", "TOPIC_DELETED"}) {
    server_.script({{.status = 400, .body = "{\"ok\": false, \"description\": \"Bad Request: " + said + "\"}"}});
    attempt = send(telegram());
    ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << said;
    EXPECT_TRUE(std::get<RetryLater>(attempt).refused) << said;
    EXPECT_THAT(why(attempt), EndsWith(said.starts_with("CHAT") ? "(the chat does not let the bot write)"
                                                                : "(the topic is closed, or is no more)"));
  }
}

TEST_F(TelegramTest, NamesTheNewIdOfAGroupThatBecameASupergroup) {
  server_.script({{.status = 400, .body = R"({"ok": false, "error_code": 400,
      "description": "Bad Request: group chat was upgraded to a supergroup chat",
      "parameters": {"migrate_to_chat_id": -1009876543210}})"}});
  const auto attempt = send(telegram());
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt), EndsWith("upgraded to a supergroup chat (write chat_id: -1009876543210)"));
}

TEST_F(TelegramTest, WaitsAsLongAsTelegramAsks) {
  server_.script(
      {{.status = 429, .body = R"({"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 17",
      "parameters": {"retry_after": 17}})"}});
  const auto attempt = send(telegram());
  EXPECT_EQ(std::get<RetryLater>(attempt).after, 17s);
  EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
}

TEST_F(TelegramTest, IsNotContentWithAnySuccess) {
  server_.script({{.status = 200, .body = "<html>Welcome"}, {.status = 200, .body = "{\"ok\": false}"},
                  {.status = 400, .body = "{\"ok\": false, \"description\": \"Bad Request: message is too long\"}"},
                  {.status = 502, .body = "<html>Bad Gateway"}});
  const auto receiver = telegram();
  EXPECT_THAT(why(send(receiver)), HasSubstr("is api_url right?"));
  EXPECT_THAT(why(send(receiver)), HasSubstr("is api_url right?"));
  const auto attempt = send(receiver);
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_EQ(why(attempt), "HTTP 400: Bad Request: message is too long");
  EXPECT_EQ(why(send(receiver)), "HTTP 502");
}

TEST_F(TelegramTest, ShowsItsTokenNowhere) {
  send(telegram());
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("s3cret")));
  server_.script({{.status = 418, .body = "no bot " + std::string(FakeTelegram::token) + " here"}});
  EXPECT_EQ(why(send(telegram())), "HTTP 418: no bot <...> here");
  EXPECT_THAT(traced_answer_, Not(HasSubstr("s3cret")));
  const auto plan = plans_of("receivers:\n- {name: a, telegram: {chat_id: \"@room1\", bot_token: \"" +
                             std::string(FakeTelegram::token) + "\"}}\n").at(0);
  EXPECT_EQ(plan.description, "Telegram chat @room1 through https://api.telegram.org");
  EXPECT_THAT(plan.fingerprint, Not(HasSubstr("s3cret")));
  EXPECT_TRUE(plan.takes_groups);
}

TEST_F(TelegramTest, ReadsItsTokenAgainAtEachAttemptAndSendsNothingWithoutIt) {
  const TempDir directory;
  const std::string file = directory / "token";
  std::ofstream(file) << FakeTelegram::token << "\n";
  const auto receiver = telegram("", "-1001234567890", "${file:" + file + "}");
  EXPECT_EQ(why(send(receiver)), "(delivered)");
  std::ofstream(file) << "../../elsewhere?x=y";
  EXPECT_EQ(why(send(receiver)), "bot_token cannot be read now");
  std::filesystem::remove(file);
  EXPECT_EQ(why(send(receiver)), "bot_token cannot be read now");
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST(TelegramConfig, IsAnotherReceiverWhenAnyOfItChanges) {
  const auto fingerprint = [](const std::string& more) {
    return plans_of("receivers:\n- {name: a, telegram: {chat_id: 1, bot_token: \"" + std::string(FakeTelegram::token) +
                    "\"" + more + "}}\n")
        .at(0)
        .fingerprint;
  };
  EXPECT_EQ(fingerprint(""), fingerprint(""));
  for (const char* more : {", message_thread_id: 1", ", silent_resolved: false", ", api_url: \"http://127.0.0.1:1\"",
                           ", title: x", ", text: x", ", timeout: 3s"}) {
    EXPECT_NE(fingerprint(more), fingerprint("")) << more;
  }
}

}  // namespace
}  // namespace sidewatch
