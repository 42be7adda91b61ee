#include "alerting/receivers/mention.h"

#include <gtest/gtest.h>

#include "tests/alerting/receivers/odd_deliveries.h"

namespace sidewatch {
namespace {

TEST(Mention, IsForWhatBecomesCriticalAndNotForWhatStillIs) {
  const auto becomes = [](Reason reason, Level level) {
    return becomes_critical(deliver_alone(make_notification({.id = "n", .reason = reason, .level = level})));
  };
  EXPECT_TRUE(becomes(Reason::fired, Level::critical));
  EXPECT_TRUE(becomes(Reason::escalated, Level::critical));
  EXPECT_FALSE(becomes(Reason::repeated, Level::critical));
  EXPECT_FALSE(becomes(Reason::fired, Level::warning));
  EXPECT_FALSE(becomes(Reason::resolved, Level::critical));
  EXPECT_TRUE(becomes_critical(group_of(3)));
}

TEST(Mention, IsTakenOutOfTextsButNotOutOfAddresses) {
  EXPECT_EQ(without_mentions("@all (@here) x"), "@\xE2\x81\xA0" "all (@\xE2\x81\xA0here) x");
  EXPECT_EQ(without_mentions("me@example.org https://m.example/@me"), "me@example.org https://m.example/@me");
  EXPECT_EQ(without_mentions(""), "");
}

}  // namespace
}  // namespace sidewatch
