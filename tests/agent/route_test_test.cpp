#include "agent/route_test.h"

#include <gtest/gtest.h>

#include "agent/exit_code.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch {
namespace {

using config::TemporaryFolder;

constexpr auto configuration = R"(agent:
  labels: {service: checkout}
receivers:
  - {name: pager, log: {}}
  - {name: chat, log: {}}
routes:
  - {match: level="critical", receivers: [pager], continue: true}
  - {match: team=~"pay.*", receivers: [chat], group_by: [host]}
)";

class RouteTest : public testing::Test {
 protected:
  CommandResult ask(const std::string& yaml, const std::vector<std::string>& labels) {
    return run_route_test({folder_.write("c.yaml", yaml), labels});
  }
  TemporaryFolder folder_;
};

TEST_F(RouteTest, SaysWhichRoutesTakeAnAlertAndWhoIsTold) {
  const auto both = ask(configuration, {"severity=critical", "team=payments"});
  EXPECT_EQ(both.code, exit_ok);
  EXPECT_EQ(both.out,
            "Route 1 takes it: level=\"critical\": pager; then on to the next\n"
            "Route 2 takes it: team=~\"pay.*\": chat, grouped by host (the first waits 5s)\n"
            "Told: pager, chat\n");
  EXPECT_EQ(ask(configuration, {"severity=warning"}).out, "No route takes it\nTold: nobody\n");
}

TEST_F(RouteTest, KnowsTheLabelsThatEveryAlertHas) {
  const std::string yaml = "agent: {labels: {service: checkout}}\nreceivers: [{name: chat, log: {}}]\n"
                           "routes: [{match: service=checkout, receivers: chat}]\n";
  EXPECT_EQ(ask(yaml, {}).out, "Route 1 takes it: service=\"checkout\": chat\nTold: chat\n");
  EXPECT_EQ(ask(yaml, {"service=other"}).out, "No route takes it\nTold: nobody\n");
}

TEST_F(RouteTest, KnowsTheMachineAsTheInstance) {
  const std::string yaml = "agent: {host: web-1}\nreceivers: [{name: chat, log: {}}]\n"
                           "routes: [{match: instance=web-1, receivers: chat}]\n";
  EXPECT_EQ(ask(yaml, {"alertname=HostDiskFull"}).out, "Route 1 takes it: instance=\"web-1\": chat\nTold: chat\n");
  EXPECT_EQ(ask(yaml, {"instance=web-2"}).out, "No route takes it\nTold: nobody\n");
}

TEST_F(RouteTest, SaysWhoIsMutedNowAndUntilWhen) {
  config::Problems problems;
  const Settings settings = load_settings(folder_.write("m.yaml", R"(
receivers:
  - {name: oncall, log: {}}
  - {name: chat, log: {}}
mute_times:
  - {name: nights, time_zone: Europe/Berlin, times: [{from: "22:00", to: "07:00"}]}
routes:
  - {receivers: [oncall], continue: true}
  - {receivers: [chat], mute: [nights]}
)"), {}, problems);
  ASSERT_EQ(problems.text(), "");
  const WallTime night{Duration(1'772'226'000'000)};  // 22:00 in Berlin
  const auto last_line = [&](WallTime now) {
    const std::string out = say_who_is_told(settings, {}, now).out;
    return out.substr(out.find("Told"));
  };
  EXPECT_EQ(last_line(night), "Told: oncall, chat (not now: muted until 07:00 Europe/Berlin: nights)\n");
  EXPECT_EQ(last_line(night - std::chrono::seconds(1)), "Told: oncall, chat\n");
}

TEST_F(RouteTest, WithoutRoutesEverybodyIsTold) {
  EXPECT_EQ(ask("receivers: [{name: chat, log: {}}]\n", {}).out,
            "There are no routes: every receiver is told of every alert\nTold: chat\n");
}

TEST_F(RouteTest, SaysWhatIsWrong) {
  const auto word = ask(configuration, {"critical"});
  EXPECT_EQ(word.code, exit_configuration);
  EXPECT_EQ(word.err, "sidewatch: 'critical' is not a label and its value, as in severity=critical\n");
  const auto file = ask("routes: [{receivers: [nobody]}]\n", {});
  EXPECT_EQ(file.code, exit_configuration);
  EXPECT_NE(file.err.find("there is no receiver 'nobody'; there are none"), std::string::npos);
}

}  // namespace
}  // namespace sidewatch
