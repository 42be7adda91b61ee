#include "alerting/message_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/blank_text.h"
#include "config/document.h"
#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

Notification memory_alert() {
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.labels = n.labels.with("mountpoint", "/data");
  n.unit = "percent";
  n.threshold = Threshold{Comparison::greater, 90, 85};
  n.recent = {50, 60, 70, 93.25};
  n.annotations = n.annotations.with("description", "It has been filling up.\nSince noon.");
  return n;
}

std::string value_of(const MessageText& message, const std::string& field) {
  for (const auto& [name, value] : message.fields) {
    if (name == field) return value;
  }
  return "(none)";
}

TEST(MessageText, SaysWhatIsTheCaseSinceWhenAndHowBad) {
  Notification n = memory_alert();
  n.duration = std::chrono::minutes(3);
  n.suppressed = 2;
  const auto message = text_of(deliver_alone(n), {}, {"https://sw.example.org"});
  EXPECT_EQ(message.level, Level::critical);
  EXPECT_EQ(message.title, "CRITICAL: Memory at 93% on web-1");
  EXPECT_EQ(message.text, "It has been filling up.\nSince noon.");
  EXPECT_EQ(message.link, "https://sw.example.org");
  EXPECT_EQ(value_of(message, "Rule"), "HostMemoryHigh");
  EXPECT_EQ(value_of(message, "On"), "instance=web-1, mountpoint=/data");
  EXPECT_EQ(value_of(message, "Value"), "93.25 % (critical > 90 %)");
  EXPECT_EQ(value_of(message, "Peak"), "96.5 %");
  EXPECT_EQ(value_of(message, "Since"), "2026-03-01 12:00:00 UTC");
  EXPECT_EQ(value_of(message, "For"), "3m");
  EXPECT_EQ(value_of(message, "Trend"), "▁▃▄█");
  EXPECT_EQ(value_of(message, "Held back"), "2 messages before this one");
}

TEST(MessageText, SaysTheValueAtRecoveryAndHowLongItLasted) {
  Notification n = make_notification({.id = "n-2", .alert = "web-1", .reason = Reason::resolved, .level = Level::critical});
  n.unit = "percent";
  const auto message = text_of(deliver_alone(n), {}, {""});
  EXPECT_EQ(message.level, Level::ok);
  EXPECT_EQ(message.worst, Level::critical);
  EXPECT_EQ(message.title, "RESOLVED: Memory at 93% on web-1");
  EXPECT_EQ(value_of(message, "Value at recovery"), "61.5 %");
  EXPECT_EQ(value_of(message, "Lasted"), "12m");
  EXPECT_EQ(message.at, *n.ends_at);
}

TEST(MessageText, NamesTheEntityWhereTheRuleHasNoSummary) {
  Notification n = make_notification({.id = "n-1", .alert = "web-1"});
  n.annotations = Labels();
  EXPECT_EQ(text_of(deliver_alone(n), {}, {""}).title, "WARNING: HostMemoryHigh (instance=web-1)");
}

TEST(MessageText, TakesTheReceiversOwnTemplates) {
  config::Problems problems;
  auto document = config::Document::parse(
      "f", "title: \"{{ $labels.alertname }} is {{ $value }}\"\ntext: see {{ $labels.instance }}", {}, problems);
  MessageTemplates templates;
  document.visit([&](config::Section& top) { declare_message_templates(top, templates); });
  EXPECT_TRUE(problems.empty()) << problems.text();
  const auto message = text_of(deliver_alone(memory_alert()), templates, {""});
  EXPECT_EQ(message.title, "HostMemoryHigh is 93.25");
  EXPECT_EQ(message.text, "see web-1");
}

Notification disk_alert(const std::string& summary = "/ is 96 % full") {
  Notification n = make_notification({.id = "n-1"});
  n.labels = Labels{{"alertname", "HostDiskFull"}, {"device", "/dev/vda1"}, {"mountpoint", "/"}, {"severity", "warning"}};
  n.annotations = Labels{{"summary", summary}};
  return n;
}

TEST(MessageText, SaysWhichMachineItIsOnceInItsTitleAndOnceInAField) {
  const auto message = text_of(deliver_alone(disk_alert()), {}, {"", "web-1"});
  EXPECT_EQ(message.title, "WARNING: / is 96 % full on web-1");
  EXPECT_EQ(value_of(message, "Host"), "web-1");
  EXPECT_EQ(value_of(message, "On"), "device=/dev/vda1, mountpoint=/");
  EXPECT_EQ(text_of(deliver_alone(disk_alert()), {}, {}).title, "WARNING: / is 96 % full");
  EXPECT_EQ(value_of(text_of(deliver_alone(disk_alert()), {}, {}), "Host"), "(none)");
}

TEST(MessageText, DoesNotNameAMachineTwiceInATitle) {
  const auto title = [](const std::string& summary) {
    return text_of(deliver_alone(disk_alert(summary)), {}, {"", "web-1"}).title;
  };
  EXPECT_EQ(title("Disk of web-1 is full"), "WARNING: Disk of web-1 is full");
  EXPECT_EQ(title("web-1:9100 is down"), "WARNING: web-1:9100 is down");
  EXPECT_EQ(title("web-11 is down"), "WARNING: web-11 is down on web-1") << "that is another machine";
  EXPECT_EQ(title("my-web-1 is down"), "WARNING: my-web-1 is down on web-1");
  EXPECT_EQ(title("The disk is full."), "WARNING: The disk is full. (web-1)");
}

TEST(MessageText, LeavesOutTheFieldWhereALabelSaysTheSame) {
  for (const std::string label : {"instance", "host", "node", "pod"}) {
    Notification n = disk_alert();
    n.labels = n.labels.with(label, "web-1");
    EXPECT_EQ(value_of(text_of(deliver_alone(n), {}, {"", "web-1"}), "Host"), "(none)") << label;
    EXPECT_EQ(value_of(text_of(deliver_alone(n), {}, {"", "web-2"}), "Host"), "web-2") << label;
  }
}

TEST(MessageText, SaysTheMachineOnceForSeveralAlerts) {
  Delivery delivery;
  delivery.alerts = {disk_alert(), disk_alert("/srv is 92 % full")};
  delivery.group_labels = Labels{{"alertname", "HostDiskFull"}};
  const auto message = text_of(delivery, {}, {"", "db-1"});
  EXPECT_EQ(message.title, "2 alerts: 2 warning (alertname=HostDiskFull) on db-1");
  EXPECT_EQ(value_of(message, "Host"), "db-1");
  EXPECT_EQ(message.text, "🟠 WARNING: / is 96 % full\n🟠 WARNING: /srv is 92 % full");
  delivery.group_labels = Labels{{"instance", "db-1"}};
  EXPECT_EQ(text_of(delivery, {}, {"", "db-1"}).title, "2 alerts: 2 warning (instance=db-1)");
}

MessageTemplates templates_of(const std::string& yaml, std::string& problems_text) {
  config::Problems problems;
  auto document = config::Document::parse("f", yaml, {}, problems);
  MessageTemplates templates;
  document.visit([&](config::Section& top) { declare_message_templates(top, templates); });
  problems_text = problems.text();
  return templates;
}

TEST(MessageText, LetsTheReceiversOwnTemplatesNameTheMachine) {
  std::string problems;
  const auto templates = templates_of(
      "title: \"[{{ $host }}] {{ $labels.alertname }}\"\ntext: \"{{ range $n, $v := $labels }}{{ $n }} {{ end }}\"", problems);
  EXPECT_EQ(problems, "");
  const auto message = text_of(deliver_alone(disk_alert()), templates, {"", "web-1"});
  EXPECT_EQ(message.title, "[web-1] HostDiskFull");
  EXPECT_EQ(message.text, "alertname device mountpoint severity ") << "the host is none of the alert's labels";
  const auto plain = templates_of("title: \"{{ $labels.alertname }}\"", problems);
  EXPECT_EQ(text_of(deliver_alone(disk_alert()), plain, {"", "web-1"}).title, "HostDiskFull") << "as it was asked for";
  templates_of("title: \"ab {{ $hots }}\"", problems);
  EXPECT_THAT(problems, HasSubstr("f:1:15: template: unknown variable '$hots'"));
  EXPECT_THAT(problems, HasSubstr("$host"));
}

TEST(MessageText, LetsTheReceiversOwnTemplatesSayWhatItWouldSayWithoutThem) {
  std::string problems;
  const auto templates = templates_of(
      "title: \"[prod] {{ $title }}\"\n"
      "text: \"{{ $status }} {{ $reason }} {{ $alert }}: {{ $summary }}, {{ $valueText }} since {{ $startsAt }} {{ $link }}\"",
      problems);
  EXPECT_EQ(problems, "");
  Notification n = disk_alert();
  n.annotations = n.annotations.with("description", "Make room.");
  const auto message = text_of(deliver_alone(n), templates, {"http://a:9766", "web-1"});
  EXPECT_EQ(message.title, "[prod] WARNING: / is 96 % full on web-1");
  EXPECT_EQ(message.text, "firing fired HostMemoryHigh: / is 96 % full, 93.25 since 2026-03-01T12:00:00.000Z http://a:9766");
  const auto longer = templates_of("text: \"{{ $text }} Call Ann.\"", problems);
  EXPECT_EQ(text_of(deliver_alone(n), longer, {}).text, "Make room. Call Ann.");
}

TEST(MessageText, PointsAtAMistakeInATemplate) {
  config::Problems problems;
  auto document = config::Document::parse("f", "title: \"{{ $labels.instance }\"", {}, problems);
  MessageTemplates templates;
  document.visit([&](config::Section& top) { declare_message_templates(top, templates); });
  EXPECT_THAT(problems.text(), HasSubstr("f:1:"));
  EXPECT_THAT(problems.text(), HasSubstr("template: "));
}

TEST(MessageText, ListsSeveralAlertsTheWorstFirstAndSaysHowManyMoreThereAre) {
  Delivery delivery;
  for (const Level level : {Level::warning, Level::critical, Level::warning}) {
    delivery.alerts.push_back(make_notification({.id = "n", .alert = "web-" + std::to_string(delivery.alerts.size()), .level = level}));
  }
  delivery.alerts.push_back(make_notification({.id = "n", .alert = "web-3", .reason = Reason::resolved}));
  delivery.group_labels = Labels{{"cluster", "shop"}};
  const auto message = text_of(delivery, {}, {""}, 3);
  EXPECT_EQ(message.title, "4 alerts: 1 critical, 2 warning, 1 resolved (cluster=shop)");
  EXPECT_EQ(message.text,
            "🔴 CRITICAL: Memory at 93% on web-1\n"
            "🟠 WARNING: Memory at 93% on web-0\n"
            "🟠 WARNING: Memory at 93% on web-2\n"
            "and 1 more");
  EXPECT_EQ(message.level, Level::critical);
}

TEST(MessageText, KeepsATitleOnOneLine) {
  Notification n = memory_alert();
  n.annotations = Labels{{"summary", "first\nsecond\tthird"}};
  EXPECT_EQ(text_of(deliver_alone(n), {}, {""}).title, "CRITICAL: first second third");
}

TEST(MessageText, IsCutAtACharacterAndSaysSo) {
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("abcd", 3), "ab…");
  EXPECT_EQ(cut_text("€€€€", 3), "€€…");
  EXPECT_EQ(cut_text("abcd", 1), "…");
  EXPECT_EQ(cut_text("abcd", 0), "");
  EXPECT_EQ(cut_text("\x80\x80\x80\x80", 3), "\uFFFD\uFFFD…") << "what is no character is shown, and counted, as one";
}

TEST(MessageText, NamesTheMachineHoweverLongItsSummaryIs) {
  Notification n = memory_alert();
  n.labels = n.labels.without("instance");
  n.annotations = Labels{{"summary", std::string(300, 's')}};
  const auto message = text_of(deliver_alone(n), {}, {.host = "bot-1"});
  EXPECT_EQ(cut_title(message, 40), "CRITICAL: " + std::string(20, 's') + "… on bot-1");
  EXPECT_EQ(cut_title(message, 400), message.title);
  EXPECT_EQ(cut_title(message, 10), "CRITICAL:…") << "there, the problem says more than the machine";
  const auto elsewhere = text_of(deliver_alone(n), {}, {.host = std::string(300, 'h')});
  EXPECT_EQ(cut_title(elsewhere, 20), "CRITICAL: sssssssss…");
}

TEST(MessageText, IsUtf8WhateverALabelHolds) {
  Notification n = memory_alert();
  n.labels = n.labels.with("mountpoint", "/caf\xE9");
  n.annotations = n.annotations.with("description", "\xFF").with("summary", "\xC3(");
  const auto message = text_of(deliver_alone(n), {}, {""});
  EXPECT_EQ(message.title, "CRITICAL: \uFFFD(");
  EXPECT_EQ(message.text, "\uFFFD");
  EXPECT_EQ(value_of(message, "On"), "instance=web-1, mountpoint=/caf\uFFFD");
  Delivery two = deliver_alone(n);
  two.alerts.push_back(n);
  two.group_labels = Labels{{"job", "\xE9"}};
  EXPECT_EQ(text_of(two, {}, {""}).title, "2 alerts: 2 critical (job=\uFFFD)");
}

TEST(MessageText, HasTheUsualTitleWhereATemplateGivesNone) {
  MessageTemplates templates;
  templates.title = Template::parse("{{ $labels.nobody_has_it }} ", TemplateChecks::all).value();
  EXPECT_EQ(text_of(deliver_alone(memory_alert()), templates, {""}).title, "CRITICAL: Memory at 93% on web-1");
}

TEST(BlankText, IsWhatShowsNothing) {
  for (const auto* text : {"", " \t\r\n\v", "\u00A0", "\u3000\u2003", "\u200B\u200F\u2028\uFEFF"}) {
    EXPECT_TRUE(is_blank(text)) << text;
  }
  for (const auto* text : {"x", " \u3000x", "-", "\u00E4", "\x80", "\u2713"}) EXPECT_FALSE(is_blank(text)) << text;
}

}  // namespace
}  // namespace sidewatch
