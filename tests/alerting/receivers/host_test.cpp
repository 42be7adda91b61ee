// Every kind of receiver says which machine a message is about, where the alert itself does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "tests/alerting/receivers/fake_alertmanager.h"
#include "tests/alerting/receivers/fake_discord.h"
#include "tests/alerting/receivers/fake_ntfy.h"
#include "tests/alerting/receivers/fake_opsgenie.h"
#include "tests/alerting/receivers/fake_pagerduty.h"
#include "tests/alerting/receivers/fake_slack.h"
#include "tests/alerting/receivers/fake_smtp.h"
#include "tests/alerting/receivers/fake_teams.h"
#include "tests/alerting/receivers/fake_telegram.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

Notification disk_alert() {
  Notification n = make_notification({.id = "n-1"});
  n.labels = Labels{{"alertname", "HostDiskFull"}, {"mountpoint", "/"}, {"severity", "warning"}};
  n.annotations = Labels{{"summary", "/ is 96 % full"}};
  return n;
}

class HostInMessages : public ReceiverWorld {
 protected:
  HostInMessages() { host_ = "web-7"; }

  // What `entry`, whose %s is the fake server's address, sends of the alert to a service that takes it.
  template <class Fake>
  std::string sent(Fake fake, std::string entry) {
    server_.serve(std::move(fake));
    if (const auto at = entry.find("%s"); at != std::string::npos) entry.replace(at, 2, server_.url(""));
    EXPECT_EQ(why(receiver("  " + entry + "\n")->send(deliver_alone(disk_alert()))), "(delivered)") << entry;
    return last().body;
  }
};

TEST_F(HostInMessages, StandsInTheTitleOfEveryChat) {
  const std::string title = "/ is 96 % full on web-7";
  EXPECT_THAT(sent(FakeDiscord(), "discord: {url: \"%s" + std::string(FakeDiscord::path) + "\"}"), HasSubstr(title));
  EXPECT_THAT(sent(FakeSlack(), "slack: {url: \"%s" + std::string(FakeSlack::path) + "\"}"), HasSubstr(title));
  EXPECT_THAT(sent(FakeTeams(), "teams: {url: \"%s" + std::string(FakeTeams::path) + "\"}"), HasSubstr(title));
  EXPECT_THAT(sent(FakeTelegram(), "telegram: {api_url: \"%s/\", chat_id: -1001234567890, bot_token: \"" +
                                       std::string(FakeTelegram::token) + "\"}"),
              HasSubstr(title));
  const auto note = JsonValue::parse(
      sent(FakeNtfy(), "ntfy: {server: \"%s\", topic: " + std::string(FakeNtfy::open_topic) + "}"));
  EXPECT_EQ((*note)["title"].text_or(""), "WARNING: / is 96 % full on web-7");
  EXPECT_THAT(std::string((*note)["message"].text_or("")), HasSubstr("Host: web-7\n"));
}

TEST_F(HostInMessages, IsTheSourceOfIncidentsUnlessAnotherIsSet) {
  const std::string pagerduty = "pagerduty: {api_url: \"%s/v2/enqueue\", routing_key: \"" +
                                std::string(FakePagerDuty::routing_key) + "\"";
  FakePagerDuty incidents;
  const auto fake = [&incidents](const FakeRequest& request) { return incidents(request); };
  auto event = JsonValue::parse(sent(fake, pagerduty + "}"));
  EXPECT_EQ((*event)["payload"]["source"].text_or(""), "web-7");
  EXPECT_EQ((*event)["payload"]["summary"].text_or(""), "WARNING: / is 96 % full on web-7");
  event = JsonValue::parse(sent(fake, pagerduty + ", source: shop}"));
  EXPECT_EQ((*event)["payload"]["source"].text_or(""), "shop");

  FakeOpsgenie alerts;
  const auto alert = JsonValue::parse(sent([&alerts](const FakeRequest& request) { return alerts(request); },
                                           "opsgenie: {api_url: \"%s\", api_key: \"" + std::string(FakeOpsgenie::key) + "\"}"));
  EXPECT_EQ((*alert)["source"].text_or(""), "web-7");
  EXPECT_EQ((*alert)["entity"].text_or(""), "web-7");
}

TEST_F(HostInMessages, IsTheInstanceForAnAlertmanager) {
  FakeAlertmanager fake;
  const auto alerts = JsonValue::parse(
      sent([&fake](const FakeRequest& request) { return fake(request); }, "alertmanager: {urls: [\"%s/am\"]}"));
  EXPECT_EQ(alerts->items().at(0)["labels"]["instance"].text_or(""), "web-7");
}

TEST_F(HostInMessages, IsAMemberOfWhatProgramsRead) {
  const auto hook = JsonValue::parse(sent([](const FakeRequest&) { return FakeAnswer{.status = 200}; }, "webhook: {url: \"%s/\"}"));
  EXPECT_EQ((*hook)["host"].text_or(""), "web-7");
  EXPECT_FALSE((*hook)["alerts"].items().at(0)["labels"].has("instance")) << "no label that the alert does not have";
  const auto custom = JsonValue::parse(sent([](const FakeRequest&) { return FakeAnswer{.status = 200}; },
                                            "custom: {url: \"%s/\", body: '{\"from\": \"{{ $host }}\"}'}"));
  EXPECT_EQ((*custom)["from"].text_or(""), "web-7");

  const TempDir directory;
  EXPECT_EQ(why(receiver("  file: {path: " + directory.path() + "/alerts}\n")->send(deliver_alone(disk_alert()))), "(delivered)");
  std::ostringstream line;
  line << std::ifstream(directory.path() + "/alerts").rdbuf();
  EXPECT_EQ((*JsonValue::parse(line.str()))["host"].text_or(""), "web-7");
}

TEST_F(HostInMessages, StandsInTheSubjectOfAMail) {
  FakeSmtp smtp;
  const auto mail = receiver("  email: {host: 127.0.0.1, port: " + std::to_string(smtp.port()) +
                             ", security: none, from: a@example.org, to: [b@example.org]}\n");
  EXPECT_EQ(why(mail->send(deliver_alone(disk_alert()))), "(delivered)");
  EXPECT_THAT(smtp.mails().at(0).text, HasSubstr("/ is 96 % full on web-7"));
}

}  // namespace
}  // namespace sidewatch
