#include "agent/resend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "alerting/receiver.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

const WallTime now{Duration(1'772'366'400'000)};

AlertView firing(const std::string& key) {
  AlertView view;
  view.rule = "HostMemoryHigh";
  view.key = key;
  view.incident = key + "/1";
  view.firing = view.announced = true;
  view.level = Level::warning;
  view.fired_at = now - 10min;
  return view;
}

std::vector<AlertView> firing(std::size_t count) {
  std::vector<AlertView> views;
  for (std::size_t i = 0; i < count; ++i) views.push_back(firing("a" + std::to_string(i)));
  return views;
}

std::vector<std::string> keys(const Delivery& delivery) {
  std::vector<std::string> all;
  for (const Notification& n : delivery.alerts) all.push_back(n.alert_key);
  return all;
}

bool everything(const std::string&) { return true; }

TEST(Resend, TellsOfWhatFiresAndIsKnownAlone) {
  std::vector<AlertView> alerts{firing("a"), firing("b"), firing("c"), firing("d")};
  alerts[1].firing = false;
  alerts[2].announced = false;
  const auto delivery =
      what_fires("am", alerts, [](const std::string& incident) { return incident != "d/1"; }, "", now);
  EXPECT_THAT(keys(delivery), ElementsAre("a"));
  EXPECT_EQ(delivery.first().duration, Duration(10min));
  EXPECT_EQ(delivery.first().reason, Reason::repeated);
}

TEST(Resend, TellsOfManyInPiecesOfWhichEachAlertIsInOne) {
  const auto alerts = firing(250);
  std::vector<std::string> all;
  std::string after;
  for (const std::size_t size : {100U, 100U, 50U, 0U}) {
    const auto piece = what_fires("am", alerts, everything, after, now);
    EXPECT_THAT(piece.alerts, SizeIs(size));
    for (const auto& key : keys(piece)) all.push_back(after = key);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_THAT(all, SizeIs(250));
}

TEST(Resend, GivesEachTimeAndEachPieceAnIdOfItsOwn) {
  const auto alerts = firing(150);
  const auto first = what_fires("am", alerts, everything, "", now);
  const auto second = what_fires("am", alerts, everything, first.alerts.back().alert_key, now);
  const auto later = what_fires("am", alerts, everything, "", now + 1min);
  EXPECT_NE(first.id, second.id);
  EXPECT_NE(first.id, later.id);
  for (const auto* each : {&first, &second, &later}) EXPECT_TRUE(is_resend(each->id)) << each->id;
  EXPECT_FALSE(is_resend("n-1"));
}

}  // namespace
}  // namespace sidewatch
