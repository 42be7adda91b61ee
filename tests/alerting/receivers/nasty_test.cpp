// Every kind of receiver against every message that is hard to put into its service's form: the strict fake of the
// service takes each, or what reads the line, the file or the mail can make sense of it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>

#include "base/descriptor.h"
#include "base/utf8.h"
#include "tests/alerting/receivers/fake_alertmanager.h"
#include "tests/alerting/receivers/fake_discord.h"
#include "tests/alerting/receivers/fake_ntfy.h"
#include "tests/alerting/receivers/fake_opsgenie.h"
#include "tests/alerting/receivers/fake_pagerduty.h"
#include "tests/alerting/receivers/fake_slack.h"
#include "tests/alerting/receivers/fake_smtp.h"
#include "tests/alerting/receivers/fake_teams.h"
#include "tests/alerting/receivers/fake_telegram.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

struct NastyDelivery {
  std::string what;
  Delivery delivery;
};

// Texts, each of which stands wherever a text of a message can.
std::vector<std::pair<std::string, std::string>> nasty_texts() {
  return {
      {"10 000 letters", std::string(10'000, 'x')},
      {"10 000 emoji", repeated("\xF0\x9F\x94\xA5", 10'000)},
      {"10 000 characters that are escaped", repeated("*_<&\"\\", 1'667)},
      {"10 000 control characters", std::string(10'000, '\1')},
      {"10 000 stray bytes", std::string(10'000, '\x80')},
      {"10 000 line ends", std::string(10'000, '\n')},
      {"one letter with 10 000 accents", "e" + repeated("\xCC\x81", 10'000)},
      {"from right to left", "\xE2\x80\xAE" "drowssap \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xE2\x80\x8F"},
      {"not UTF-8", "caf\xE9 \xC3\x28 \xED\xA0\x80 \xF5\x80\x80\x80 \xFF\xFE end \xC3"},
      {"NUL and friends", std::string("a\0b\x1B[31m\x7F\x08 c", 12)},
      {"blank", " \t "},
      {"blanks of all kinds", "\xC2\xA0\xE3\x80\x80\xE2\x80\xA8\xE2\x80\x83\x0B"},
      {"nothing that is seen", "\xC2\xA0\xE2\x80\x8B\xE3\x80\x80\xE2\x80\xA8"},
      {"characters that are none", "\xEF\xBF\xBF\xEF\xBF\xBE\xF4\x8F\xBF\xBF"},
      {"markup of everybody",
       "@everyone <!channel> <@123> [a](http://x) **b** `c` <b>d</b> &lt; | > # - {{ x }} %s $(e)"},
      {"mail and more mails", "x\r\n.\r\nQUIT\r\nBcc: all@example.org\r\n\r\n--=_sidewatch_parts--"},
      {"addresses",
       "http://a.example http://b.example\nhttps://c.example/?a=b&c=\"d\" javascript:alert(1) http:// https://|"},
      {"long address", "https://wiki.example/" + std::string(10'000, 'a')},
  };
}

Notification nasty_notification() { return make_notification({.id = "n-1", .level = Level::critical}); }

std::vector<NastyDelivery> nasty_deliveries() {
  std::vector<NastyDelivery> all;
  for (const auto& [what, text] : nasty_texts()) all.push_back({what, saying_everywhere(text)});
  for (const auto& text : {std::string(10'000, 'x'), std::string("caf\xE9"), std::string(" ")}) {
    Notification end = saying_everywhere(text).first();
    end.reason = Reason::resolved;
    end.level = Level::ok;
    end.ends_at = end.starts_at + 1min;
    all.push_back({"the end of " + text.substr(0, 10), deliver_alone(end)});
  }
  all.push_back({"everything long", long_delivery()});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {nan, infinity, -infinity, 1e308, 5e-324, -0.0}) {
    Notification n = nasty_notification();
    n.value = n.peak = value;
    n.threshold = Threshold{Comparison::greater, value, std::nullopt};
    n.recent = {value, 1, nan, value};
    all.push_back({"a value of " + std::to_string(value), deliver_alone(n)});
  }
  Notification bare = nasty_notification();
  bare.labels = {};
  bare.annotations = {};
  all.push_back({"no label", deliver_alone(bare)});
  Notification many = nasty_notification();
  for (int i = 0; i < 500; ++i) many.labels = many.labels.with("label_" + std::to_string(i), std::string(200, 'x'));
  all.push_back({"500 labels", deliver_alone(many)});
  Notification long_name = nasty_notification();
  long_name.labels = long_name.labels.with(std::string(10'000, 'n'), "x");
  all.push_back({"a name of 10 000 letters", deliver_alone(long_name)});
  for (const Reason reason : {Reason::escalated, Reason::deescalated, Reason::repeated, Reason::fired_and_resolved,
                              Reason::rule_removed}) {
    Notification n = long_delivery().first();
    n.reason = reason;
    if (reason == Reason::fired_and_resolved || reason == Reason::rule_removed) {
      n.level = Level::ok;
      n.ends_at = n.starts_at;
    }
    all.push_back({"everything long, " + std::string(to_string(reason)), deliver_alone(n)});
  }
  Notification old = nasty_notification();
  old.starts_at = old.created_at = WallTime{};
  old.duration = 24h * 365 * 100;
  all.push_back({"a hundred years", deliver_alone(old)});
  return all;
}

std::vector<NastyDelivery> nasty_groups() {
  std::vector<NastyDelivery> all;
  const auto texts = nasty_texts();
  for (std::size_t at = 0; at < texts.size(); at += 3) {
    const auto& [what, text] = texts[at];
    Delivery group = group_of(100);
    group.id = "group-1";
    for (std::size_t i = 0; i < group.alerts.size(); ++i) {
      Notification& n = group.alerts[i];
      const std::string some = text.substr(0, i < 5 ? text.size() : 201);  // may end within a character
      n.labels = n.labels.with("job", some);
      n.annotations = Labels{{"summary", some}};
    }
    group.group_labels = Labels{{"job", text}};
    group.digest = at % 2 == 0;
    all.push_back({"100 with " + what, group});
  }
  return all;
}

// A socket of 127.0.0.1 on a free port that takes datagrams.
class LogSocket {
 public:
  LogSocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  int port() const { return port_; }
  std::string next() const {
    pollfd entry{fd_.get(), POLLIN, 0};
    if (poll(&entry, 1, 10'000) <= 0) return "(nothing came)";
    std::string bytes(65'536, '\0');
    const auto got = recv(fd_.get(), bytes.data(), bytes.size(), 0);
    return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }

 private:
  Descriptor fd_;
  int port_ = 0;
};

std::string content(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

bool is_plain_line(const std::string& text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

bool is_json(const std::string& text) {
  return static_cast<bool>(JsonValue::parse(text, {.max_bytes = std::size_t{64} << 20}));
}

const std::string templates = "    title: \"{{ $labels.nobody_has_it }}\"\n    text: \"{{ $labels.instance }}\"\n";

class NastyTest : public ReceiverWorld {
 protected:
  NastyTest() { external_url_ = "https://sidewatch.example/"; }

  // Everything is taken, by a receiver of these settings, and every text by one whose templates repeat it.
  void takes_all(const std::string& settings, const std::function<void()>& look = [] {}, bool has_templates = true) {
    const auto plan = plans_of("receivers:\n- name: oncall\n" + settings, context()).at(0);
    takes(plan, nasty_deliveries(), look);
    if (plan.takes_groups) takes(plan, nasty_groups(), look);
    if (!has_templates) return;
    std::vector<NastyDelivery> texts;
    for (const auto& [what, text] : nasty_texts()) texts.push_back({what + ", by template", saying_everywhere(text)});
    takes(plans_of("receivers:\n- name: oncall\n" + settings + templates, context()).at(0), texts, look);
  }

  void serve(std::function<FakeAnswer(const FakeRequest&)> service) {
    server_.serve([this, service = std::move(service)](const FakeRequest& request) {
      const std::lock_guard lock(mutex_);
      last_request_ = request;
      return service(request);
    });
  }

  // What no service takes, beside the rules of its own.
  void request_is_sound() {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(is_utf8(last_request_.body));
    EXPECT_TRUE(is_json(last_request_.body)) << last_request_.body.substr(0, 200);
    for (const auto& header : last_request_.headers) EXPECT_TRUE(is_plain_line(header.value)) << header.name;
  }

  const TempDir directory_;

 private:
  std::mutex mutex_;
  FakeRequest last_request_;

  static void takes(const ReceiverPlan& plan, const std::vector<NastyDelivery>& deliveries,
                    const std::function<void()>& look) {
    const auto told = plan.make();
    for (const auto& [what, delivery] : deliveries) {
      SCOPED_TRACE(what);
      EXPECT_EQ(why(told->send(delivery)), "(delivered)");
      look();
    }
  }
};

using WebPageTest = ReceiverWorld;

TEST_F(NastyTest, Alertmanager) {
  FakeAlertmanager service;
  serve([&](const FakeRequest& request) { return service(request); });
  takes_all("  alertmanager:\n    urls: \"" + server_.url("/am") + "\"\n", [&] { request_is_sound(); }, false);
}

TEST_F(NastyTest, Custom) {
  serve([](const FakeRequest&) { return FakeAnswer{}; });
  takes_all("  custom:\n    url: " + server_.url() +
                "\n    body: '{\"title\": \"{{ $title }}\", \"text\": \"{{ $text }}\", \"value\": \"{{ $value }}\"}'\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Discord) {
  serve(FakeDiscord());
  takes_all("  discord:\n    url: " + server_.url(FakeDiscord::path) + "\n    mention_at_critical: \"@here\"\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Email) {
  FakeSmtp server;
  takes_all("  email:\n    host: 127.0.0.1\n    port: " + std::to_string(server.port()) +
                "\n    security: none\n    from: a@example.org\n    to: b@example.org\n",
            [&] { EXPECT_TRUE(is_utf8(server.mails().back().text)); });
}

TEST_F(NastyTest, Exec) {
  const std::string out = directory_.path() + "/out";
  takes_all("  exec:\n    command: [/bin/sh, -c, \"cat > " + out + "; printf %s \\\"$SIDEWATCH_TITLE\\\" > " + out +
                ".title\"]\n    every: 0ms\n",
            [&] {
              EXPECT_TRUE(is_json(content(out)));
              EXPECT_TRUE(is_plain_line(content(out + ".title")));
              EXPECT_NE(content(out + ".title"), "");
            });
}

TEST_F(NastyTest, File) {
  const std::string path = directory_.path() + "/alerts.jsonl";
  takes_all("  file:\n    path: " + path + "\n",
            [&] {
              const std::string line = content(path);
              EXPECT_TRUE(is_json(line));
              EXPECT_EQ(line.find('\n'), line.size() - 1);
              EXPECT_EQ(std::remove(path.c_str()), 0);
            },
            false);
}

TEST_F(NastyTest, Log) {
  takes_all("  log: {}\n", [&] { EXPECT_TRUE(is_plain_line(lines_.back())); }, false);
}

TEST_F(NastyTest, Ntfy) {
  serve(FakeNtfy());
  takes_all("  ntfy:\n    server: " + server_.url() + "\n    topic: " + std::string(FakeNtfy::open_topic) + "\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Opsgenie) {
  FakeOpsgenie service;
  serve([&](const FakeRequest& request) { return service(request); });
  takes_all("  opsgenie:\n    api_url: " + server_.url() + "\n    api_key: " + std::string(FakeOpsgenie::key) + "\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, PagerDuty) {
  host_ = "web-1";
  FakePagerDuty service;
  serve([&](const FakeRequest& request) { return service(request); });
  takes_all("  pagerduty:\n    api_url: " + server_.url("/v2/enqueue") +
                "\n    routing_key: " + std::string(FakePagerDuty::routing_key) + "\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Slack) {
  serve(FakeSlack());
  takes_all("  slack:\n    url: " + server_.url(FakeSlack::path) + "\n    mention_at_critical: \"@channel\"\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Syslog) {
  const LogSocket server;
  takes_all("  syslog:\n    address: udp://127.0.0.1:" + std::to_string(server.port()) + "\n", [&] {
    const std::string line = server.next();
    EXPECT_TRUE(is_plain_line(line)) << line;
    EXPECT_LE(line.size(), 2048U);
  });
}

TEST_F(NastyTest, Teams) {
  serve(FakeTeams());
  takes_all("  teams:\n    url: \"" + server_.url(FakeTeams::path) + "\"\n", [&] { request_is_sound(); });
}

TEST_F(NastyTest, Telegram) {
  serve(FakeTelegram());
  takes_all("  telegram:\n    api_url: " + server_.url() + "\n    bot_token: \"" + std::string(FakeTelegram::token) +
                "\"\n    chat_id: \"-1001234567890\"\n",
            [&] { request_is_sound(); });
}

TEST_F(NastyTest, Webhook) {
  serve([](const FakeRequest&) { return FakeAnswer{}; });
  takes_all("  webhook:\n    url: " + server_.url() + "\n    signing_secret: s3cret\n", [&] { request_is_sound(); },
            false);
}

// A login page, a parked domain, a proxy's greeting: with 200, and nobody was told.
TEST_F(WebPageTest, IsNoSignThatTheServiceHasTheMessage) {
  server_.script({{.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "\n<!DOCTYPE html><title>Hi"}});
  const std::string here = server_.url("/x");
  for (const std::string& settings :
       {"alertmanager: {urls: \"" + here + "\"}", "discord: {url: \"" + here + "\"}", "slack: {url: \"" + here + "\"}",
        "teams: {url: \"" + here + "\"}", "ntfy: {server: \"" + server_.url() + "\", topic: t}",
        "opsgenie: {api_url: \"" + here + "\", api_key: " + std::string(FakeOpsgenie::key) + "}",
        "pagerduty: {api_url: \"" + here + "\", routing_key: " + std::string(FakePagerDuty::routing_key) + "}",
        "telegram: {api_url: \"" + here + "\", chat_id: \"1\", bot_token: \"" + std::string(FakeTelegram::token) +
            "\"}"}) {
    const Attempt attempt = send(receiver("  " + settings + "\n"));
    ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << settings;
    EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver) << settings;
    EXPECT_THAT(why(attempt), testing::HasSubstr("HTTP 200")) << settings;
  }
}

TEST(NastyTests, AreOfEveryKindOfReceiver) {
  std::vector<std::string> kinds, tests;
  for (const auto& kind : receiver_kinds()) kinds.emplace_back(kind.key);
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int j = 0; suite.name() == std::string("NastyTest") && j < suite.total_test_count(); ++j) {
      std::string name = suite.GetTestInfo(j)->name();
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      tests.push_back(name);
    }
  }
  EXPECT_THAT(tests, testing::UnorderedElementsAreArray(kinds));
}

}  // namespace
}  // namespace sidewatch
