#include "alerting/notification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

void expect_equal(const Notification& a, const Notification& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.alert_key, b.alert_key);
  EXPECT_EQ(a.incident, b.incident);
  EXPECT_EQ(a.receiver, b.receiver);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.level, b.level);
  EXPECT_EQ(a.worst, b.worst);
  EXPECT_EQ(a.rule, b.rule);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.annotations, b.annotations);
  EXPECT_EQ(a.starts_at, b.starts_at);
  EXPECT_EQ(a.ends_at, b.ends_at);
  EXPECT_EQ(a.duration, b.duration);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.suppressed, b.suppressed);
  EXPECT_EQ(a.fallback_has_it, b.fallback_has_it);
  EXPECT_EQ(a.threshold, b.threshold);
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.recent, b.recent);
}

TEST(Notification, ReadsBackWhatItWrote) {
  for (const Reason reason : {Reason::fired, Reason::escalated, Reason::deescalated, Reason::repeated, Reason::resolved,
                              Reason::fired_and_resolved, Reason::rule_removed}) {
    for (const Level level : {Level::warning, Level::critical}) {
      Notification n = make_notification({.id = "n-1", .reason = reason, .level = level});
      n.suppressed = 7;
      n.fallback_has_it = level == Level::warning;
      n.threshold = Threshold{Comparison::less_or_equal, 5, 6};
      n.unit = "bytes";
      n.recent = {1, 2.5};
      n.annotations = Labels{{"summary", "line\nbreak \"quote\" \xE2\x82\xAC"}};
      const auto read = decode_notification(encode(n));
      ASSERT_TRUE(read) << read.error().text();
      expect_equal(n, *read);
      EXPECT_EQ(read->value, n.value);
      EXPECT_EQ(read->peak, n.peak);
    }
  }
}

TEST(Notification, KeepsNumbersThatJsonDoesNotKnow) {
  Notification n = make_notification({.id = "n-1"});
  n.value = std::nan("");
  n.peak = std::numeric_limits<double>::infinity();
  auto read = decode_notification(encode(n));
  ASSERT_TRUE(read);
  EXPECT_TRUE(std::isnan(read->value));
  EXPECT_EQ(read->peak, n.peak);
  n.peak = -std::numeric_limits<double>::infinity();
  n.value = 5e-324;
  read = decode_notification(encode(n));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->peak, n.peak);
  EXPECT_EQ(read->value, 5e-324);
}

TEST(Notification, RefusesWhatItCannotUnderstand) {
  const std::string good = encode(make_notification({.id = "n-1"}));
  EXPECT_FALSE(decode_notification(""));
  EXPECT_FALSE(decode_notification("{}"));
  EXPECT_FALSE(decode_notification(good.substr(0, good.size() - 1)));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_FALSE(decode_notification(replaced("\"v\":1", "\"v\":2")));
  EXPECT_FALSE(decode_notification(replaced("\"fired\"", "\"invented\"")));
  EXPECT_FALSE(decode_notification(replaced("\"n-1\"", "\"\"")));
}

TEST(Notification, NeverCrashesOnACutOrAFlippedByte) {
  const std::string good = encode(make_notification({.id = "n-1"}));
  std::size_t understood = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(decode_notification(good.substr(0, i)));
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x21);
    if (decode_notification(flipped)) ++understood;
  }
  EXPECT_LT(understood, good.size());
}

}  // namespace
}  // namespace sidewatch
