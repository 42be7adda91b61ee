// Who is told what and when: courses of transitions with the message, or the reason for silence, that each must give.

#include "alerting/plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

struct Row {
  int second;
  Transition transition;
  Level level;
  std::string expected;  // a reason (with +n: how many were held back), "(why not)", or "" for nothing
};

constexpr Level ok = Level::ok;
constexpr Level warning = Level::warning;
constexpr Level critical = Level::critical;
constexpr Transition nothing = Transition::none;
using enum Transition;

Time at(int second) { return time_at_ms(1'000'000 + second * 1000); }

std::string describe(const Decision& decision) {
  if (decision.suppressed) return "(" + std::string(to_string(*decision.suppressed)) + ")";
  if (!decision.send) return "";
  std::string text(to_string(*decision.send));
  if (decision.suppressed_before > 0) text += "+" + std::to_string(decision.suppressed_before);
  return text;
}

Contact expect_course(const std::vector<Row>& rows, Duration cooldown = 300s, bool has_receiver = true,
                      Contact contact = {}) {
  for (const Row& row : rows) {
    const auto decision = plan(contact, {row.level, row.transition, cooldown, has_receiver}, at(row.second));
    EXPECT_EQ(describe(decision), row.expected) << "at " << row.second << " s";
  }
  return contact;
}

TEST(Plan, TellsOfTheProblemOnceAndOfItsEndOnce) {
  expect_course({{0, fired, warning, "fired"}, {5, nothing, warning, ""}, {10, recovering, warning, ""},
                 {20, resolved, ok, "resolved"}, {30, nothing, ok, ""}});
}

TEST(Plan, PendingIsNobodysBusiness) {
  expect_course({{0, pending, ok, ""}, {5, cleared, ok, ""}});
}

TEST(Plan, FlappingCostsOneMessagePerCooldown) {
  expect_course({{0, fired, warning, "fired"}, {10, resolved, ok, "resolved"},
                 {20, fired, warning, "(cooldown)"}, {30, resolved, ok, "(never_announced)"},
                 {40, fired, warning, "(cooldown)"}, {50, resolved, ok, "(never_announced)"},
                 {310, fired, warning, "fired+2"}, {320, resolved, ok, "resolved"}});
}

TEST(Plan, WhatStillFiresWhenTheCooldownEndsIsTold) {
  const Contact contact = expect_course({{0, fired, warning, "fired"}, {10, resolved, ok, "resolved"},
                                         {20, fired, warning, "(cooldown)"}, {299, nothing, warning, ""}});
  EXPECT_EQ(next_due(contact, 300s), at(300));
  const Contact after = expect_course({{300, nothing, warning, "repeated+1"}, {301, nothing, warning, ""},
                                       {400, resolved, ok, "resolved"}}, 300s, true, contact);
  EXPECT_EQ(next_due(after, 300s), std::nullopt);
}

TEST(Plan, EscalationDoesNotWait) {
  expect_course({{0, fired, warning, "fired"}, {1, escalated, critical, "escalated"}, {2, resolved, ok, "resolved"}});
  // Also when the warning itself was held back.
  expect_course({{0, fired, warning, "fired"}, {10, resolved, ok, "resolved"}, {20, fired, warning, "(cooldown)"},
                 {30, escalated, critical, "escalated+1"}, {40, resolved, ok, "resolved"}});
  // And when a new incident begins higher than the last one was told.
  expect_course({{0, fired, warning, "fired"}, {10, resolved, ok, "resolved"}, {20, fired, critical, "fired"}});
}

TEST(Plan, FlappingBetweenLevelsCostsOneMessagePerCooldownToo) {
  const Contact contact = expect_course({{0, fired, warning, "fired"},
                                         {1, escalated, critical, "escalated"},
                                         {2, deescalated, warning, "(cooldown)"},
                                         {3, escalated, critical, "(already_known)"},
                                         {4, deescalated, warning, "(cooldown)"},
                                         {300, nothing, warning, ""},
                                         {301, nothing, warning, "deescalated+2"},
                                         {302, escalated, critical, "escalated"}});
  EXPECT_EQ(contact.told, critical);
}

TEST(Plan, ACriticalIncidentAfterACriticalMessageWaits) {
  expect_course({{0, fired, critical, "fired"}, {10, resolved, ok, "resolved"}, {20, fired, warning, "(cooldown)"},
                 {30, escalated, critical, "(cooldown)"}, {300, nothing, critical, "repeated+2"}});
}

TEST(Plan, WithoutACooldownEverythingIsTold) {
  expect_course({{0, fired, warning, "fired"}, {0, resolved, ok, "resolved"}, {0, fired, critical, "fired"},
                 {0, deescalated, warning, "deescalated"}, {0, resolved, ok, "resolved"}}, 0s);
}

TEST(Plan, WithNobodyToTellTheProblemWaitsForSomebody) {
  const Contact contact = expect_course({{0, fired, warning, "(no_receiver)"}, {5, nothing, warning, ""}}, 300s, false);
  EXPECT_EQ(next_due(contact, 300s), std::nullopt);
  EXPECT_FALSE(idle(contact, 300s, at(5)));
  expect_course({{10, nothing, warning, "repeated"}, {20, resolved, ok, "resolved"}}, 300s, true, contact);
  expect_course({{20, resolved, ok, "(never_announced)"}}, 300s, false, contact);
}

TEST(Plan, RemembersUntilTheCooldownAndTheCountAreOver) {
  Contact contact = expect_course({{0, fired, warning, "fired"}, {10, resolved, ok, "resolved"}});
  EXPECT_FALSE(idle(contact, 300s, at(299)));
  EXPECT_TRUE(idle(contact, 300s, at(300)));
  contact =
      expect_course({{20, fired, warning, "(cooldown)"}, {30, resolved, ok, "(never_announced)"}}, 300s, true, contact);
  EXPECT_FALSE(idle(contact, 300s, at(301)));
  EXPECT_TRUE(idle(contact, 300s, at(0) + suppressed_memory));
}

TEST(Plan, NumbersTheMessagesOfAnIncident) {
  Contact contact = expect_course({{0, fired, warning, "fired"}, {1, escalated, critical, "escalated"}});
  EXPECT_EQ(contact.messages, 2U);
  contact = expect_course({{2, resolved, ok, "resolved"}}, 300s, true, contact);
  EXPECT_EQ(contact.messages, 3U);
  contact = expect_course({{400, fired, warning, "fired"}}, 300s, true, contact);
  EXPECT_EQ(contact.messages, 1U);
}

}  // namespace
}  // namespace sidewatch
