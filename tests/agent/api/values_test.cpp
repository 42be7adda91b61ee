#include "agent/api/values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "agent/api/params.h"

namespace sidewatch {
namespace {

std::string value(double number) {
  std::string out;
  append_json_value(out, number);
  return out;
}

std::string time(std::int64_t ms) {
  std::string out;
  append_json_time(out, WallTime(Duration(ms)));
  return out;
}

TEST(ApiValues, WritesSamplesAsPrometheusDoes) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0, "0"}, {-0.0, "-0"}, {1, "1"}, {-17, "-17"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"},
      {1e-6, "0.000001"}, {1e-7, "1e-07"}, {1.5e-300, "1.5e-300"}, {5e-324, "5e-324"},
      {123456789012345680000.0, "123456789012345680000"}, {1e20, "100000000000000000000"}, {1e21, "1e+21"},
      {9007199254740993.0, "9007199254740992"}, {-1.7976931348623157e308, "-1.7976931348623157e+308"},
      {1e15, "1000000000000000"}, {123456.789, "123456.789"}, {2.5e15 + 0.5, "2500000000000000.5"},
      {std::numeric_limits<double>::infinity(), "+Inf"}, {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::nan(""), "NaN"},
  };
  for (const auto& [number, text] : cases) EXPECT_EQ(value(number), '"' + text + '"');
}

TEST(ApiValues, WritesTimesInSecondsWithMilliseconds) {
  EXPECT_EQ(time(0), "0");
  EXPECT_EQ(time(1'435'781'430'781), "1435781430.781");
  EXPECT_EQ(time(1'500), "1.500");
  EXPECT_EQ(time(1'007), "1.007");
  EXPECT_EQ(time(-500), "-0.500");
  EXPECT_EQ(time(-1'250), "-1.250");
}

TEST(ApiParams, ReadsTimes) {
  const auto ms = [](std::string_view text) {
    const auto read = parse_api_time(text);
    return read ? read->time_since_epoch().count() : std::int64_t{-1};
  };
  EXPECT_EQ(ms("1435781430.781"), 1'435'781'430'781);
  EXPECT_EQ(ms("+1.5"), 1'500);
  EXPECT_EQ(ms("2015-07-01T20:10:30.781Z"), 1'435'781'430'781);
  EXPECT_EQ(ms("2015-07-01T22:10:30.7819+02:00"), 1'435'781'430'781);
  EXPECT_EQ(ms("2015-07-01T18:10:30-02:00"), 1'435'781'430'000);
  EXPECT_EQ(ms("2016-02-29T00:00:00Z"), 1'456'704'000'000);
  EXPECT_EQ(ms("1e300"), latest_wall.time_since_epoch().count());
  EXPECT_EQ(ms("292277025-08-18T07:12:54.999999999Z"), latest_wall.time_since_epoch().count());
}

TEST(ApiParams, RefusesWhatIsNoTime) {
  for (const char* text : {"", "x", "1s", "0x10", "NaN", "Inf", "2015-07-01", "2015-02-29T00:00:00Z",
                           "2015-07-01T24:00:00Z", "2015-07-01T20:60:00Z", "2015-07-01T20:10:30", "2015-07-01T20:10:30.Z",
                           "2015-07-01T20:10:30+2:00", "2015-07-01T20:10:30Zx", " 1", "1 "}) {
    const auto read = parse_api_time(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().what, "cannot parse \"" + std::string(text) + "\" to a valid timestamp");
  }
}

TEST(ApiParams, ReadsDurations) {
  const auto ms = [](std::string_view text) {
    const auto read = parse_api_duration(text);
    return read ? read->count() : std::int64_t{-1};
  };
  EXPECT_EQ(ms("15"), 15'000);
  EXPECT_EQ(ms("0.25"), 250);
  EXPECT_EQ(ms("1h30m"), 5'400'000);
  EXPECT_EQ(ms("0"), 0);
  EXPECT_EQ(ms("-2"), -2'000);
  for (const char* text : {"", "x", "1x", "NaN", "1e30", "m"}) EXPECT_FALSE(parse_api_duration(text)) << text;
}

}  // namespace
}  // namespace sidewatch
