#include "alerting/routes/route_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/document.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Read {
  Router router;
  std::string problems;
};

Read read(const std::string& yaml, const ReceiverNames& names = {{"pager", "chat"}, {"absent"}}) {
  config::Problems problems;
  auto document = config::Document::parse("c.yaml", yaml, {}, problems);
  Read read;
  document.visit([&](config::Section& top) { read.router = configure_routes(top, names); });
  read.problems = problems.text();
  return read;
}

TEST(RouteConfiguration, ReadsEveryKey) {
  const Read all = read(R"(routes:
  - match: ['severity="critical"', 'team=~"pay.*"']
    receivers: [pager, chat]
    continue: true
    group_by: [alertname, instance]
    group_wait: 30s
    send_resolved: false
  - receivers: chat
)");
  EXPECT_EQ(all.problems, "");
  ASSERT_EQ(all.router.routes().size(), 2u);
  const Route& first = all.router.routes()[0];
  EXPECT_EQ(first.matchers.size(), 2u);
  EXPECT_THAT(first.receivers, ElementsAre("pager", "chat"));
  EXPECT_TRUE(first.goes_on);
  EXPECT_THAT(*first.group_by, ElementsAre("alertname", "instance"));
  EXPECT_EQ(first.group_wait, 30s);
  EXPECT_FALSE(first.send_resolved);
  const Route& last = all.router.routes()[1];
  EXPECT_TRUE(last.catches_all());
  EXPECT_FALSE(last.group_by);
  EXPECT_TRUE(last.send_resolved);
}

TEST(RouteConfiguration, WaitsFiveSecondsForTheOthersOfAGroup) {
  EXPECT_EQ(read("routes: [{receivers: chat, group_by: [host]}]").router.routes().at(0).group_wait, 5s);
  const Router one = read("routes: [{receivers: chat, group_by: [], group_wait: 0s}]").router;
  EXPECT_THAT(*one.routes().at(0).group_by, IsEmpty());
  EXPECT_EQ(one.routes().at(0).group_wait, 0s);
  EXPECT_FALSE(read("routes: [{receivers: chat, group_by: ['...']}]").router.routes().at(0).group_by)
      << "Alertmanager's way of saying: each by itself";
}

TEST(RouteConfiguration, WithoutRoutesTellsEverybody) {
  const Router router = read("agent: {}").router;
  EXPECT_FALSE(router.has_routes());
  EXPECT_EQ(router.recipients({}, Level::warning).size(), 2u);
}

TEST(RouteConfiguration, LeavesOutARouteWhoseReceiversAreLeftOut) {
  const Read some = read(R"(routes:
  - {match: level="critical", receivers: [absent]}
  - {match: level="critical", receivers: [absent, pager]}
  - {match: level="warning", receivers: []}
  - {receivers: [chat]}
)");
  EXPECT_EQ(some.problems, "");
  ASSERT_EQ(some.router.routes().size(), 3u);
  EXPECT_THAT(some.router.routes()[0].receivers, ElementsAre("pager"));
  EXPECT_THAT(some.router.routes()[1].receivers, IsEmpty()) << "written so: nobody is to be told";
}

TEST(RouteConfiguration, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(read("routes: [{receivers: [page]}]").problems,
            "c.yaml:1:23: there is no receiver 'page', did you mean 'pager'?\n");
  EXPECT_EQ(read("routes: [{receivers: [mail]}]").problems,
            "c.yaml:1:23: there is no receiver 'mail'; there are pager, chat, absent\n");
  EXPECT_EQ(read("routes: [{match: severity}]").problems,
            "c.yaml:1:10: this route has no `receivers`: name who is told, or write `receivers: []` for nobody\n"
            "c.yaml:1:18: 'severity': behind the label's name stands =, !=, =~ or !~, as in severity=\"critical\"\n");
  EXPECT_EQ(read("routes: [{match: [], receivers: chat}]").problems,
            "c.yaml:1:18: write conditions, such as 'severity=critical', or a list of them; leave `match` out where the "
            "route is to take every alert\n");
  EXPECT_EQ(read("routes: [{receivers: chat, group_wait: 5s}]").problems,
            "c.yaml:1:40: without a `group_by` there is no group to wait for\n");
  EXPECT_EQ(read("routes: [{receivers: chat, group_by: [a-b]}]").problems,
            "c.yaml:1:39: 'a-b' is not the name of a label\n");
  EXPECT_EQ(read("routes:\n  - receivers: chat\n  - {match: a=b, receivers: pager}\n").problems,
            "c.yaml:3:5: no alert comes this far: the route at c.yaml:2:5 has no `match` and takes them all; put it last, or "
            "write `continue: true` there\n");
}

TEST(RouteConfiguration, SaysWhoIsNeverTold) {
  const auto doubts = [](const std::string& yaml) {
    std::vector<ReceiverPlan> plans(2);
    plans[0].name = "pager";
    plans[1].name = "chat";
    return doubts_about(read(yaml).router, plans);
  };
  EXPECT_THAT(doubts("agent: {}"), IsEmpty());
  EXPECT_THAT(doubts("routes: [{match: a=b, receivers: pager}, {receivers: chat}]"), IsEmpty());
  EXPECT_THAT(doubts("routes: [{match: a=b, receivers: pager}]"),
              ElementsAre("alerts that no route takes are told to nobody; a last route without `match` would take them",
                          "receiver chat is told nothing: no route names it, and it is nobody's fallback"));
}

TEST(RouteConfiguration, DoubtsLevelsThatNoAlertHas) {
  const auto doubts = [](const std::string& match) {
    std::vector<ReceiverPlan> plans(1);
    plans[0].name = "chat";
    return doubts_about(read("routes: [{match: " + match + ", receivers: chat}, {receivers: chat}]").router, plans);
  };
  EXPECT_THAT(doubts("level=page"),
              ElementsAre("the route for level=\"page\" takes nothing, unless alerts have such a label of their own: the agent "
                          "writes warning and critical"));
  EXPECT_EQ(doubts("severity=Critical").size(), 1U);
  EXPECT_EQ(doubts("level=~\"page|warn\"").size(), 1U);
  for (const std::string fine : {"level=critical", "level=~\"warning|page\"", "level!=page", "level=~\"crit.*\"",
                                 "severity=page", "severity=~\"critical|Critical\"", "team=Critical"}) {
    EXPECT_THAT(doubts(fine), IsEmpty()) << fine;
  }
}

}  // namespace
}  // namespace sidewatch
