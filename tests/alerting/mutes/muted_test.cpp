#include "alerting/routes/muted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const WallTime friday_night{Duration(1'772'226'000'000)};  // Fri 2026-02-27 21:00 UTC, 22:00 in Berlin

class Mutes : public testing::Test {
 protected:
  std::vector<MuteTime> mutes_ = read_mute_times(R"(mute_times:
  - {name: nights, time_zone: Europe/Berlin, times: [{from: "22:00", to: "07:00"}]}
  - {name: weekends, time_zone: Europe/Berlin, times: [{days: [sat, sun]}]}
  - {name: always, times: [{days: [mon-sun]}]}
)").mutes;
  Route by(std::vector<std::string> names) {
    Route route;
    route.mute = std::move(names);
    return route;
  }
};

TEST_F(Mutes, SayUntilWhenInTheirOwnTimeZone) {
  const Route nights = by({"nights"});
  const Recipient chat{"chat", &nights};
  const auto muted = muted_now(chat, mutes_, friday_night);
  ASSERT_TRUE(muted);
  EXPECT_EQ(muted->words, "until 07:00 Europe/Berlin: nights");
  EXPECT_EQ(muted->until, friday_night + 9h);
  EXPECT_FALSE(muted_now(chat, mutes_, friday_night - 1s));
  EXPECT_FALSE(muted_now(chat, mutes_, friday_night + 9h));
}

TEST_F(Mutes, GoOnWhereOneBeginsBeforeAnotherEnds) {
  const Route both = by({"nights", "weekends"});
  const auto muted = muted_now(Recipient{"chat", &both}, mutes_, friday_night);
  ASSERT_TRUE(muted);
  EXPECT_EQ(muted->words, "until Mon 2026-03-02 07:00 Europe/Berlin: nights") << "weekends are not yet, and nights again";
  EXPECT_THAT(muted_now(Recipient{"chat", &both}, mutes_, friday_night + 3h)->by, ElementsAre("nights", "weekends"));
}

TEST_F(Mutes, OfMoreThanAYearAreSaidSo) {
  const Route ever = by({"always"});
  EXPECT_EQ(muted_now(Recipient{"chat", &ever}, mutes_, friday_night)->words, "for more than a year: always");
}

TEST_F(Mutes, MuteAnAlertOnlyWhereNobodyIsTold) {
  const Route nights = by({"nights"});
  const Route both = by({"nights", "weekends"});
  const Route never = by({});
  using All = std::vector<Recipient>;
  EXPECT_FALSE(muted_now(All{{"chat", &nights}, {"oncall", &never}}, mutes_, friday_night));
  EXPECT_FALSE(muted_now(All{{"chat", nullptr}}, mutes_, friday_night)) << "without routes nothing is muted";
  EXPECT_FALSE(muted_now(All{}, mutes_, friday_night));
  const auto muted = muted_now(All{{"team", &both}, {"chat", &nights}}, mutes_, friday_night + 3h);
  ASSERT_TRUE(muted);
  EXPECT_EQ(muted->words, "until 07:00 Europe/Berlin: nights") << "the first who is told again";
  EXPECT_THAT(muted->by, ElementsAre("nights", "weekends"));
}

}  // namespace
}  // namespace sidewatch
