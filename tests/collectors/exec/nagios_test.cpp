// Lines of real plugins and of the guidelines.
#include "collectors/exec/nagios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>

namespace sidewatch::exec {
namespace {

using ::testing::ElementsAre;

constexpr double infinite = std::numeric_limits<double>::infinity();

// "label=value unit warn crit min max", as they are understood.
std::string number(std::optional<double> value) {
  if (!value) return "-";
  std::string text = std::to_string(*value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string range(const std::optional<NagiosRange>& range) {
  if (!range) return "-";
  return std::string(range->inside ? "@" : "") + number(range->low) + ".." + number(range->high);
}

std::vector<std::string> values(std::string_view output) {
  std::vector<std::string> all;
  for (const auto& value : parse_nagios(output, 100).values) {
    all.push_back(value.label + "=" + number(value.value) + " " + value.unit + " " + range(value.warn) + " " +
                  range(value.crit) + " " + number(value.min) + " " + number(value.max));
  }
  return all;
}

TEST(NagiosOutput, OfPluginsThatDebianHas) {
  EXPECT_THAT(values("OK - load average: 0.31, 0.29, 0.22|load1=0.310;15.000;30.000;0; load5=0.290;10.000;25.000;0; "
                     "load15=0.220;5.000;20.000;0;"),
              ElementsAre("load1=0.31  0..15 0..30 0 -", "load5=0.29  0..10 0..25 0 -", "load15=0.22  0..5 0..20 0 -"));
  EXPECT_THAT(values("DISK OK - free space: / 3326 MB (56%);| /=2MB;5948;5958;0;5968"),
              ElementsAre("/=2097152 bytes 0..6236930048 0..6247415808 0 6257901568"));
  EXPECT_THAT(values("HTTP OK: HTTP/1.1 200 OK - 615 bytes in 0.001 second response time |time=0.001203s;;;0.000000;10.000000 "
                     "size=615B;;;0"),
              ElementsAre("time=0.001203 seconds - - 0 10", "size=615 bytes - - 0 -"));
  EXPECT_THAT(values("PING OK - Packet loss = 0%, RTA = 0.05 ms|rta=0.050000ms;100.000000;500.000000;0.000000 pl=0%;20;60;0"),
              ElementsAre("rta=0.00005 seconds 0..0.1 0..0.5 0 -", "pl=0 percent 0..20 0..60 0 -"));
}

TEST(NagiosOutput, GivesTheTextForPeople) {
  EXPECT_EQ(parse_nagios("DISK OK - free\t/ |/=1\nmore\n", 9).text, "DISK OK - free /");
  EXPECT_EQ(parse_nagios("", 9).text, "");
  EXPECT_EQ(parse_nagios("bad \xff byte", 9).text, "bad \uFFFD byte");
}

TEST(NagiosOutput, MayGoOnOverSeveralLines) {
  EXPECT_THAT(values("DISK OK | /=2643MB\n/ 15272 MB (77%);\n/boot 68 MB | /boot=68MB\n/home=69357MB;253404\n"),
              ElementsAre("/=2771386368 bytes - - - -", "/boot=71303168 bytes - - - -",
                          "/home=72726085632 bytes 0..265713352704 - - -"));
}

TEST(NagiosOutput, HasLabelsInQuotes) {
  EXPECT_THAT(values("x|'a b'=1 'it''s'=2;; 'c=d'=3%"), ElementsAre("a b=1  - - - -", "it's=2  - - - -", "c=d=3 percent - - - -"));
}

TEST(NagiosOutput, HasRanges) {
  const auto parsed = [](std::string_view text) { return range(parse_nagios_range(text)); };
  EXPECT_EQ(parsed("10"), "0..10");
  EXPECT_EQ(parsed("10:"), "10..inf");
  EXPECT_EQ(parsed("~:10"), "-inf..10");
  EXPECT_EQ(parsed("10:20"), "10..20");
  EXPECT_EQ(parsed("@10:20"), "@10..20");
  EXPECT_EQ(parsed("-5:-1.5"), "-5..-1.5");
  EXPECT_EQ(parsed(":7"), "0..7");
  for (const char* bad : {"", "x", "20:10", "1:2:3", "@", "~", "5x"}) EXPECT_EQ(parsed(bad), "-") << bad;
  EXPECT_TRUE(parse_nagios_range("0:5")->low_said);
  EXPECT_FALSE(parse_nagios_range("5")->low_said);
  EXPECT_EQ(parse_nagios_range("~:5")->low, -infinite);
}

TEST(NagiosOutput, HasUnitsThatBecomeBaseUnits) {
  EXPECT_THAT(values("x|a=1KB b=2us c=7c d=1.5GiB e=3W f=-4% g=5,5s h=1e3ms"),
              ElementsAre("a=1024 bytes - - - -", "b=0.000002 seconds - - - -", "c=7 counter - - - -",
                          "d=1610612736 bytes - - - -", "e=3 W - - - -", "f=-4 percent - - - -", "g=5.5 seconds - - - -",
                          "h=1 seconds - - - -"));
}

TEST(NagiosOutput, MayNotKnowAValue) { EXPECT_THAT(values("x|a=U;1;2"), ElementsAre("a=-  0..1 0..2 - -")); }

TEST(NagiosOutput, IsTakenAsFarAsItIsUnderstood) {
  const auto parsed = parse_nagios("x|a=1 junk b=x c=2 =3 'open", 100);
  ASSERT_EQ(parsed.values.size(), 2U);
  EXPECT_EQ(parsed.not_understood, 4U);
  EXPECT_EQ(parse_nagios("x|a=1 b=2 c=3", 2).left_out, 1U);
}

TEST(NagiosOutput, TakesTimeInProportionToItsLength) {
  std::string words = "x|";
  for (int i = 0; i < 1'000'000; ++i) words += "a ";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_nagios(words + "b=1", 10).not_understood, 1'000'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));  // a tenth of one, were each looked at once
}

}  // namespace
}  // namespace sidewatch::exec
