#include "alerting/mute_times_config.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "config/reference.h"
#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

std::string problems_of(const std::string& yaml) { return read_mute_times(yaml).problems; }

// What is wrong with one entry of `times`, whose text begins in column 11 of line 2.
std::string window_problem(const std::string& window) {
  return problems_of("mute_times: [{name: m, times: [\n          " + window + "]}]");
}

TEST(MuteTimesConfig, ReadsWhatTheDocumentationWrites) {
  const auto read = read_mute_times(
      "mute_times:\n"
      "  - name: nights\n"
      "    time_zone: Europe/Berlin\n"
      "    times:\n"
      "      - {from: 22:00, to: \"7:00\"}\n"
      "      - {days: [sat-sun, Wednesday], dates: [1-7, -1], months: [nov-jan, may], years: [2026, 2028-2030]}\n"
      "  - {name: lunch, times: [{from: \"12:00\", to: \"24:00\"}]}\n");
  EXPECT_EQ(read.problems, "");
  ASSERT_EQ(read.mutes.size(), 2u);
  EXPECT_EQ(read.mutes[0].name, "nights");
  EXPECT_EQ(read.mutes[0].zone.name(), "Europe/Berlin");
  ASSERT_EQ(read.mutes[0].windows.size(), 2u);
  const MuteWindow& night = read.mutes[0].windows[0];
  EXPECT_EQ(night.from, 22h);
  EXPECT_EQ(night.to, 7h);
  EXPECT_TRUE(night.days.all());
  const MuteWindow& odd = read.mutes[0].windows[1];
  EXPECT_EQ(odd.days.to_string(), "1001001");             // Saturday, Wednesday, Sunday
  EXPECT_EQ(odd.months.to_string(), "1100000100010");     // December, November, May, January
  ASSERT_EQ(odd.dates.size(), 2u);
  EXPECT_EQ(odd.dates[0].first, 1);
  EXPECT_EQ(odd.dates[0].last, 7);
  EXPECT_EQ(odd.dates[1].first, -1);
  EXPECT_EQ(odd.dates[1].last, -1);
  ASSERT_EQ(odd.years.size(), 2u);
  EXPECT_EQ(odd.years[1].first, 2028);
  EXPECT_EQ(odd.years[1].last, 2030);
  EXPECT_EQ(odd.from, 0h);
  EXPECT_EQ(odd.to, 24h);
  EXPECT_EQ(read.mutes[1].zone.name(), "UTC");
  EXPECT_EQ(read.mutes[1].windows[0].to, 24h);
}

TEST(MuteTimesConfig, IsNotNeeded) {
  const auto read = read_mute_times("mute_times: []");
  EXPECT_EQ(read.problems, "");
  EXPECT_TRUE(read.mutes.empty());
}

TEST(MuteTimesConfig, NamesAreWordsAndAreGivenOnce) {
  EXPECT_EQ(problems_of("mute_times:\n"
                        "  - {name: night, times: [{days: sat}]}\n"
                        "  - {name: night, times: [{days: sun}]}\n"
                        "  - {name: my nights, times: [{days: sun}]}\n"
                        "  - {times: [{days: sun}]}\n"),
            "m.yaml:3:12: there is a mute time 'night' already, at m.yaml:2:12\n"
            "m.yaml:4:12: a mute time's name is up to 64 letters, digits, '-', '_' and '.'\n"
            "m.yaml:5:5: 'name' is missing in mute_times\n");
}

TEST(MuteTimesConfig, AMuteTimeHasTimes) {
  const std::string missing =
      "this mute time has no `times`: say when it is, like times: [{from: \"22:00\", to: \"07:00\"}]\n";
  EXPECT_EQ(problems_of("mute_times: [{name: m}]"), "m.yaml:1:14: " + missing);
  EXPECT_EQ(problems_of("mute_times: [{name: m, times: []}]"), "m.yaml:1:31: " + missing);
}

TEST(MuteTimesConfig, ATimeSaysWhenItIs) {
  EXPECT_EQ(window_problem("{}"),
            "m.yaml:2:11: this would mute always: say when, with from and to, days, dates, months or years\n");
}

TEST(MuteTimesConfig, TimesOfTheDayAreOfTheClock) {
  const auto expected = [](const std::string& quoted) {
    return "m.yaml:2:18: " + quoted + " is not a time of the day, write it like 07:30 (00:00 to 24:00)\n";
  };
  EXPECT_EQ(window_problem("{from: 22, to: \"07:00\"}"), expected("'22'"));
  EXPECT_EQ(window_problem("{from: 10pm, to: \"07:00\"}"), expected("'10pm'"));
  EXPECT_EQ(window_problem("{from: 25:00, to: \"07:00\"}"), expected("'25:00'"));
  EXPECT_EQ(window_problem("{from: 24:01, to: \"07:00\"}"), expected("'24:01'"));
  EXPECT_EQ(window_problem("{from: 12:60, to: \"07:00\"}"), expected("'12:60'"));
  EXPECT_EQ(window_problem("{from: 12:5, to: \"07:00\"}"), expected("'12:5'"));
  EXPECT_EQ(window_problem("{from: -1:00, to: \"07:00\"}"), expected("'-1:00'"));
  EXPECT_EQ(window_problem("{from: 22:00:00, to: \"07:00\"}"), expected("'22:00:00'"));
}

TEST(MuteTimesConfig, ATimeIsNotEmptyNorAWholeDayByMistake) {
  EXPECT_EQ(window_problem("{from: 22:00, to: 22:00}"),
            "m.yaml:2:29: `from` and `to` are the same; leave both out for the whole day\n");
  EXPECT_EQ(window_problem("{from: 24:00, to: 07:00}"),
            "m.yaml:2:18: 24:00 is the end of the day: write 00:00, which is the beginning of the next\n");
}

TEST(MuteTimesConfig, DaysAndMonthsAreWords) {
  EXPECT_EQ(window_problem("{days: [mon-fir]}"),
            "m.yaml:2:19: 'mon-fir' is not a day of the week, write it like mon-fri\n");
  EXPECT_EQ(window_problem("{days: [wendesday]}"),
            "m.yaml:2:19: 'wendesday' is not a day of the week, did you mean 'wednesday'?\n");
  EXPECT_EQ(window_problem("{days: [1-5]}"), "m.yaml:2:19: '1-5' is not a day of the week, write it like mon-fri\n");
  EXPECT_EQ(window_problem("{days: [\"monday:friday\"]}"),
            "m.yaml:2:20: 'monday:friday': a range is written with a dash, like mon-fri\n");
  EXPECT_EQ(window_problem("{months: [12]}"), "m.yaml:2:21: '12' is not a month, write it like jan-mar\n");
  EXPECT_EQ(window_problem("{days: []}"), "m.yaml:2:18: there is nothing in it; leave `days` out to mean all\n");
}

TEST(MuteTimesConfig, DatesAndYearsAreNumbers) {
  const std::string date_rule =
      " is not a day of the month: 1 to 31, or -1 for the last day, -2 for the one before it\n";
  EXPECT_EQ(window_problem("{dates: [0]}"), "m.yaml:2:20: '0'" + date_rule);
  EXPECT_EQ(window_problem("{dates: [1-32]}"), "m.yaml:2:20: '1-32'" + date_rule);
  EXPECT_EQ(window_problem("{dates: [-32]}"), "m.yaml:2:20: '-32'" + date_rule);
  EXPECT_EQ(window_problem("{dates: [1-]}"), "m.yaml:2:20: '1-'" + date_rule);
  EXPECT_EQ(window_problem("{dates: [first]}"), "m.yaml:2:20: 'first'" + date_rule);
  EXPECT_EQ(window_problem("{dates: [7-1]}"), "m.yaml:2:20: '7-1' ends before it begins\n");
  EXPECT_EQ(window_problem("{dates: [-1--7]}"), "m.yaml:2:20: '-1--7' ends before it begins\n");
  EXPECT_EQ(window_problem("{dates: [\"1:7\"]}"),
            "m.yaml:2:21: '1:7': a range is written with a dash, like 1-7 or -7--1\n");
  EXPECT_EQ(window_problem("{years: [26]}"), "m.yaml:2:20: '26' is not a year like 2026 or years like 2026-2028\n");
  EXPECT_EQ(window_problem("{years: []}"), "m.yaml:2:19: there is nothing in it; leave `years` out to mean all\n");
}

TEST(MuteTimesConfig, ATimeThatNeverComesIsAMistake) {
  const std::string never = "m.yaml:2:11: there is no such day: its dates, months and years never come together\n";
  EXPECT_EQ(window_problem("{dates: 30, months: feb}"), never);
  EXPECT_EQ(window_problem("{dates: 29, months: feb, years: 2026-2027}"), never);
  EXPECT_EQ(window_problem("{dates: 29, months: feb, days: sun}"), "");
  EXPECT_EQ(window_problem("{dates: 20-5}"), "m.yaml:2:19: '20-5' ends before it begins\n");
}

TEST(MuteTimesConfig, AYearThatIsOverIsNone) { EXPECT_EQ(window_problem("{years: 2020}"), ""); }

TEST(MuteTimesConfig, ZonesAreKnownByTheirNames) {
  const auto zone_problem = [](const std::string& zone) {
    return problems_of("mute_times:\n  - {name: m, time_zone: " + zone + ", times: [{days: sat}]}");
  };
  for (const std::string written : {"Europe/Berln", "europe/berlin", "Berlin"}) {
    EXPECT_EQ(zone_problem(written),
              "m.yaml:2:26: '" + written + "': there is no such time zone, did you mean 'Europe/Berlin'?\n");
  }
  EXPECT_EQ(zone_problem("CEST"),
            "m.yaml:2:26: 'CEST': there is no such time zone in /usr/share/zoneinfo: name one like Europe/Berlin or "
            "America/New_York\n");
  EXPECT_EQ(zone_problem("Local"),
            "m.yaml:2:26: 'Local': the machine's own time zone is another one in a container or on the next machine: name "
            "the zone, like Europe/Berlin\n");
}

// The folder of the zones, elsewhere for a while.
class ZonesIn {
 public:
  explicit ZonesIn(const char* folder) { setenv("TZDIR", folder, 1); }
  ~ZonesIn() { unsetenv("TZDIR"); }
  ZonesIn(const ZonesIn&) = delete;
  ZonesIn& operator=(const ZonesIn&) = delete;
};

TEST(MuteTimesConfig, SaysWhatToInstallWhereThereAreNoZones) {
  const ZonesIn nowhere("/nonexistent/zoneinfo");
  EXPECT_EQ(problems_of("mute_times:\n"
                        "  - {name: m, time_zone: Europe/Berlin, times: [{days: sat}]}\n"
                        "  - {name: n, time_zone: UTC, times: [{days: sat}]}\n"),
            "m.yaml:2:26: 'Europe/Berlin': there is no time zone data on this machine: /nonexistent/zoneinfo is missing. "
            "Install the package tzdata (in a container: add it to the image, or mount that folder from the host), or use "
            "UTC, which needs none\n");
}

TEST(MuteTimesConfig, DoesNotShowWhatCameOutOfAVariable) {
  const config::Environment environment = [](const std::string&) { return std::optional<std::string>("s3cret"); };
  const auto read = read_mute_times(
      "mute_times: [{name: m, time_zone: \"${ZONE}\", times: [{from: \"${TIME}\", dates: [\"${DATE}\"], days: \"${DAY}\"}]}]",
      environment);
  EXPECT_EQ(read.problems.find("s3cret"), std::string::npos) << read.problems;
  EXPECT_NE(read.problems.find("this is not a time of the day"), std::string::npos) << read.problems;
  EXPECT_NE(read.problems.find("this is not a day of the month"), std::string::npos) << read.problems;
}

TEST(MuteTimesConfig, IsDocumentedKeyByKey) {
  const std::string reference = config::Reference::of([](config::Section& top) {
                                  std::vector<MuteTime> mutes;
                                  configure_mute_times(top, mutes);
                                }).markdown();
  for (const char* key : {"mute_times", "time_zone", "UTC", "times", "days", "from", "to", "dates", "months", "years"}) {
    EXPECT_NE(reference.find(key), std::string::npos) << key;
  }
}

TEST(MuteTimesConfig, RefusesMoreThanAHundred) {
  std::string yaml = "mute_times:\n";
  for (int i = 0; i < 101; ++i) yaml += "  - {name: m" + std::to_string(i) + ", times: [{days: sat}]}\n";
  EXPECT_EQ(problems_of(yaml), "m.yaml:2:3: there are at most 100 mute times\n");
}

}  // namespace
}  // namespace sidewatch
