// What the engine hands to whom when there are routes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/routes/matchers.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto rule = "rules: [{alert: R, expr: x, warning: '> 80', critical: '> 95'}]";

Route route(std::string_view match, std::vector<std::string> receivers) {
  Route route;
  if (!match.empty()) route.matchers = parse_matchers(match).value();
  route.receivers = std::move(receivers);
  return route;
}

Router by_severity() {
  return Router({"pager", "chat"}, {route(R"(severity="critical")", {"pager", "chat"}), route("", {"chat"})});
}

// "pager fired", and in brackets what is a follow-up.
std::vector<std::string> told(const TickResult& result) {
  std::vector<std::string> texts;
  for (const auto& n : result.notifications) {
    const std::string text = n.receiver + " " + std::string(to_string(n.reason));
    texts.push_back(n.routing.follow_up ? "(" + text + ")" : text);
  }
  return texts;
}

TEST(Announcements, GoToThoseForWhomTheLabelsAreAndToAllOthersAsFollowUps) {
  World world(rule);
  world.router = by_severity();
  EXPECT_THAT(told(world.after(5, "x", 85)), ElementsAre("(pager fired)", "chat fired"));
  EXPECT_THAT(told(world.after(5, "x", 97)), ElementsAre("pager escalated", "chat escalated"));
  EXPECT_THAT(told(world.after(600, "x", 85)), ElementsAre("(pager deescalated)", "chat deescalated"));
  EXPECT_THAT(told(world.after(5, "x", 20)), ElementsAre("(pager resolved)", "chat resolved"));
}

TEST(Announcements, AreGroupedByTheMachineAsTheInstanceButDoNotGetItAsALabel) {
  World world(rule);
  Route all = route("", {"chat"});
  all.group_by = {"instance"};
  world.router = Router({"chat"}, {all});
  world.router.name_host("web-1");
  const TickResult fired = world.after(5, "x", 85);
  ASSERT_EQ(fired.notifications.size(), 1u);
  EXPECT_EQ(fired.notifications[0].routing.group_labels, (Labels{{"instance", "web-1"}}));
  EXPECT_EQ(fired.notifications[0].labels.get("instance"), "");
}

TEST(Announcements, OfAnAlertThatNoRouteTakesWaitUntilOneDoes) {
  World world(rule);
  world.router = Router({"pager"}, {route(R"(severity="critical")", {"pager"})});
  const TickResult fired = world.after(5, "x", 85);
  EXPECT_THAT(told(fired), IsEmpty());
  ASSERT_EQ(fired.events.size(), 1u);
  EXPECT_EQ(fired.events[0].suppressed, Suppression::no_receiver);
  EXPECT_THAT(told(world.after(5, "x", 97)), ElementsAre("pager escalated"));
  EXPECT_THAT(told(world.after(600, "x", 85)), ElementsAre("(pager deescalated)"));
  EXPECT_THAT(told(world.after(5, "x", 20)), ElementsAre("(pager resolved)"));

  EXPECT_THAT(told(world.after(600, "x", 86)), IsEmpty());
  world.router = by_severity();
  EXPECT_THAT(told(world.wait(5)), ElementsAre("(pager repeated)", "chat repeated"));
}

TEST(Announcements, OfWhatNobodyHeardOfAreNotMadeWhenItEnds) {
  World world(rule);
  world.router = Router({"pager"}, {route(R"(severity="critical")", {"pager"})});
  world.after(5, "x", 85);
  EXPECT_THAT(told(world.after(5, "x", 20)), IsEmpty());
}

TEST(Announcements, CarryWhatTheRouteSaysOfGroupsAndEnds) {
  World world(rule);
  Route grouped = route("", {"chat"});
  grouped.group_by = {"alertname"};
  grouped.send_resolved = false;
  world.router = Router({"chat"}, {grouped});
  const TickResult fired = world.after(5, "x", 85);
  ASSERT_EQ(fired.notifications.size(), 1u);
  EXPECT_EQ(fired.notifications[0].routing.group_labels, (Labels{{"alertname", "R"}}));
  EXPECT_FALSE(fired.notifications[0].routing.tells_end);
  EXPECT_EQ(world.after(600, "x", 20).notifications.at(0).routing.group, fired.notifications[0].routing.group);
}

}  // namespace
}  // namespace sidewatch
