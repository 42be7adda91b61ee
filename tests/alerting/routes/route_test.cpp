#include "alerting/routes/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/routes/matchers.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Route route(std::string_view match, std::vector<std::string> receivers) {
  Route route;
  if (!match.empty()) route.matchers = parse_matchers(match).value();
  route.receivers = std::move(receivers);
  return route;
}

std::vector<std::string> told(const Router& router, const Labels& labels, Level level = Level::warning) {
  std::vector<std::string> names;
  for (const auto& recipient : router.recipients(labels, level)) names.push_back(recipient.receiver);
  return names;
}

TEST(Router, WithoutRoutesTellsEverybody) {
  EXPECT_THAT(told(Router({std::string("a"), "b"}), Labels{}), ElementsAre("a", "b"));
  EXPECT_THAT(told(Router(), Labels{}), IsEmpty());
}

TEST(Router, AsksItsRoutesInOrderAndStopsAtTheFirstThatTakesTheAlert) {
  const Router router({"pager", "chat", "pay"}, {route(R"(severity="critical")", {"pager", "chat"}),
                                                 route(R"(team=~"pay.*")", {"pay"}), route("", {"chat"})});
  EXPECT_THAT(told(router, Labels{{"severity", "critical"}, {"team", "payments"}}), ElementsAre("pager", "chat"));
  EXPECT_THAT(told(router, Labels{{"severity", "warning"}, {"team", "payments"}}), ElementsAre("pay"));
  EXPECT_THAT(told(router, Labels{{"severity", "warning"}}), ElementsAre("chat"));
}

TEST(Router, GoesOnBehindARouteThatSaysSoAndTellsNobodyTwice) {
  Route first = route(R"(severity="critical")", {"pager", "chat"});
  first.goes_on = true;
  const Router router({"pager", "chat"}, {first, route("", {"chat"})});
  EXPECT_THAT(told(router, Labels{{"severity", "critical"}}), ElementsAre("pager", "chat"));
  EXPECT_THAT(router.taken_by(Labels{{"severity", "critical"}}, Level::critical), ElementsAre(0u, 1u));
  EXPECT_EQ(router.recipients(Labels{{"severity", "critical"}}, Level::critical).at(1).route, &router.routes().at(0));
}

TEST(Router, TellsNobodyOfWhatNoRouteTakes) {
  const Router router({"pager"}, {route(R"(severity="critical")", {"pager"})});
  EXPECT_THAT(told(router, Labels{{"severity", "warning"}}), IsEmpty());
}

TEST(Router, MatchesTheMachineAsTheInstanceOfAnAlertThatHasNone) {
  Router router({"web", "chat"}, {route(R"(instance=~"web-.*")", {"web"}), route("", {"chat"})});
  EXPECT_THAT(told(router, Labels{{"mountpoint", "/"}}), ElementsAre("chat"));
  router.name_host("web-1");
  EXPECT_THAT(told(router, Labels{{"mountpoint", "/"}}), ElementsAre("web"));
  EXPECT_THAT(told(router, Labels{{"instance", "db:9187"}}), ElementsAre("chat")) << "its own instance is another";
}

TEST(Router, MatchesTheLevelOfAnAlertThatHasNoLabelOfThatName) {
  const Router router({"pager"}, {route(R"(level="critical")", {"pager"})});
  EXPECT_THAT(told(router, Labels{}, Level::critical), ElementsAre("pager"));
  EXPECT_THAT(told(router, Labels{}, Level::warning), IsEmpty());
  EXPECT_THAT(told(router, Labels{{"level", "critical"}}, Level::warning), ElementsAre("pager"));
}

TEST(Router, GroupsByTheLabelsThatTheRouteNames) {
  Route by_host = route("", {"chat"});
  by_host.group_by = {"host"};
  by_host.group_wait = 30s;
  const Router router({"chat"}, {by_host});
  const auto of = [&](const Labels& labels) { return routing_of(router.recipients(labels, Level::warning).at(0), labels); };
  const Routing one = of(Labels{{"host", "a"}, {"disk", "1"}});
  EXPECT_EQ(one.group_labels, (Labels{{"host", "a"}}));
  EXPECT_EQ(one.group_wait, 30s);
  EXPECT_EQ(one.group, of(Labels{{"host", "a"}, {"disk", "2"}}).group);
  EXPECT_NE(one.group, of(Labels{{"host", "b"}, {"disk", "1"}}).group);
  EXPECT_NE(one.group, "");

  const Router alone({"chat"}, {route("", {"chat"})});
  EXPECT_EQ(routing_of(alone.recipients(Labels{}, Level::warning).at(0), Labels{}), Routing());
}

TEST(Router, DescribesItsRoutes) {
  Route all = route(R"(team=~"pay.*", level!="critical")", {"pager", "chat"});
  all.group_by = {"host", "disk"};
  all.group_wait = 90s;
  all.send_resolved = false;
  all.goes_on = true;
  EXPECT_EQ(describe(all),
            R"(team=~"pay.*", level!="critical": pager, chat, grouped by host, disk (the first waits 1m30s), )"
            "not when it is over; then on to the next");
  EXPECT_EQ(describe(route("", {})), "every alert: nobody");
}

}  // namespace
}  // namespace sidewatch
