#include "config/literals.h"

#include <gtest/gtest.h>

#include <clocale>
#include <locale>

namespace sidewatch::config {
namespace {

using namespace std::chrono_literals;

// What a reader says about a text: the value in words or the error.
std::string duration(std::string_view text) {
  const auto result = parse_duration(text);
  return result ? write_duration(*result) : result.error().what;
}
std::string size(std::string_view text) {
  const auto result = parse_size(text);
  return result ? std::to_string(result->count) : result.error().what;
}
std::string percent(std::string_view text) {
  const auto result = parse_percent(text);
  return result ? write_number(*result) : result.error().what;
}
std::string integer(std::string_view text) {
  const auto result = parse_integer(text);
  return result ? std::to_string(*result) : result.error().what;
}
std::string number(std::string_view text) {
  const auto result = parse_number(text);
  return result ? write_number(*result) : result.error().what;
}
std::string boolean(std::string_view text) {
  const auto result = parse_boolean(text);
  return result ? (*result ? "true" : "false") : result.error().what;
}

TEST(Literals, ReadsDurations) {
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("5m"), 5min);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("7d"), 168h);
  EXPECT_EQ(*parse_duration("1w"), 168h);
  EXPECT_EQ(*parse_duration("1y"), 8760h);
  EXPECT_EQ(*parse_duration("1h05m"), 65min);
  EXPECT_EQ(*parse_duration("1m1ms"), 60'001ms);
  EXPECT_EQ(*parse_duration("0"), 0ms);
  EXPECT_EQ(*parse_duration("0s"), 0ms);
  EXPECT_EQ(*parse_duration("100y"), 876'000h);
}

TEST(Literals, SaysHowADurationIsWritten) {
  EXPECT_EQ(duration("1h30"), "'1h30' lacks a unit at its end, write 1h30m");
  EXPECT_EQ(duration("5m10"), "'5m10' lacks a unit at its end, write 5m10s");
  EXPECT_EQ(duration("30"), "'30' lacks a unit, write 30s (or ms, m, h, d)");
  EXPECT_EQ(duration("5minutes"), "'5minutes' is not a duration, write 5m");
  EXPECT_EQ(duration("5 s"), "'5 s' is not a duration, write 5s");
  EXPECT_EQ(duration("1h 30m"), "'1h 30m' is not a duration, write 1h30m");
  EXPECT_EQ(duration("2 hours 5 min"), "'2 hours 5 min' is not a duration, write 2h5m");
  EXPECT_EQ(duration("30m1h"),
            "'30m1h' is not a duration: units go from large to small, each once, write 1h30m");
  EXPECT_EQ(duration("1s1s"), "'1s1s' is not a duration: units go from large to small, each once, write 2s");
  EXPECT_EQ(duration("-5s"), "'-5s' is negative, a duration is zero or more");
  EXPECT_EQ(duration("101y"), "'101y' is longer than 100 years");
  EXPECT_EQ(duration("99999999999999999999s"), "'99999999999999999999s' is longer than 100 years");
  EXPECT_EQ(duration(""), "expected a duration like 30s, got an empty text");
  for (const auto* text : {"s", "1.5h", "1x", "h1", "5s!", "1h30m?", "soon", "5µs", "1__s"}) {
    EXPECT_EQ(duration(text), "'" + std::string(text) + "' is not a duration, write for example 30s, 5m or 1h30m");
  }
}

TEST(Literals, ReadsSizes) {
  EXPECT_EQ(parse_size("512MiB")->count, 512u << 20);
  EXPECT_EQ(parse_size("10KB")->count, 10'000u);
  EXPECT_EQ(parse_size("1GiB")->count, 1u << 30);
  EXPECT_EQ(parse_size("7B")->count, 7u);
  EXPECT_EQ(parse_size("2TB")->count, 2'000'000'000'000u);
  EXPECT_EQ(parse_size("0")->count, 0u);
}

TEST(Literals, SaysHowASizeIsWritten) {
  EXPECT_EQ(size("5 GB"), "'5 GB' is not a size, write 5GB");
  EXPECT_EQ(size("512M"), "'512M' is not a size, write 512MiB or 512MB");
  EXPECT_EQ(size("512Mi"), "'512Mi' is not a size, write 512MiB");
  EXPECT_EQ(size("10kb"), "'10kb' is not a size, write 10KB");
  EXPECT_EQ(size("1.5GiB"), "'1.5GiB' is not a size, write 1536MiB");
  EXPECT_EQ(size("0.25 KB"), "'0.25 KB' is not a size, write 250B");
  EXPECT_EQ(size("4096"), "'4096' lacks a unit, write 4096B (or KiB, MiB, GiB, KB, MB, GB)");
  EXPECT_EQ(size("9000000TiB"), "'9000000TiB' is too large for a size");
  EXPECT_EQ(size(""), "expected a size like 512MiB, got an empty text");
  for (const auto* text : {"MiB", "-5MiB", "5PB", "5.", "5.MiB", "1_000B", "all", "5MiB "}) {
    EXPECT_EQ(size(text), "'" + std::string(text) + "' is not a size, write for example 512MiB, 10KB or 1GiB");
  }
}

TEST(Literals, ReadsPercentages) {
  EXPECT_EQ(percent("90%"), "90");
  EXPECT_EQ(percent("99.9%"), "99.9");
  EXPECT_EQ(percent("0%"), "0");
  EXPECT_EQ(percent("100%"), "100");
  EXPECT_EQ(percent("90 %"), "'90 %': no space before the %");
  EXPECT_EQ(percent("101%"), "'101%' is not between 0% and 100%");
  EXPECT_EQ(percent("-1%"), "'-1%' is not between 0% and 100%");
  EXPECT_EQ(percent("90"), "'90' is not a percentage, write for example 90%");
  EXPECT_EQ(percent("%"), "'%' is not a percentage, write for example 90%");
  EXPECT_EQ(percent("09%"), "'09%' is not a percentage, write for example 90%");
}

TEST(Literals, ReadsWholeNumbersWithoutGuessingTheirBase) {
  EXPECT_EQ(integer("0"), "0");
  EXPECT_EQ(integer("-42"), "-42");
  EXPECT_EQ(integer("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(integer("010"), "'010' starts with a zero, write 10");
  EXPECT_EQ(integer("-007"), "'-007' starts with a zero, write -7");
  EXPECT_EQ(integer("00"), "'00' starts with a zero, write 0");
  EXPECT_EQ(integer("1_000"), "'1_000' is not a number, write 1000");
  EXPECT_EQ(integer("1 000"), "'1 000' is not a number, write 1000");
  EXPECT_EQ(integer("+5"), "'+5' starts with a plus sign, write 5");
  EXPECT_EQ(integer("9223372036854775808"), "'9223372036854775808' is too large for a whole number");
  EXPECT_EQ(integer(""), "expected a whole number, got an empty text");
  for (const auto* text : {"0x10", "5.0", "1e3", "five", "-", "--5", "5s"}) {
    EXPECT_EQ(integer(text), "'" + std::string(text) + "' is not a whole number");
  }
}

TEST(Literals, ReadsNumbersAsJsonWritesThem) {
  EXPECT_EQ(number("0.1"), "0.1");
  EXPECT_EQ(number("-12.5e3"), "-12500");
  EXPECT_EQ(number("80"), "80");
  EXPECT_EQ(number("010"), "'010' starts with a zero, write 10");
  EXPECT_EQ(number("5."), "'5.' is not a number, write a digit after the point");
  EXPECT_EQ(number(".5"), "'.5' is not a number, write 0.5");
  EXPECT_EQ(number("1,5"), "'1,5' is not a number, write the decimal point as .");
  EXPECT_EQ(number("1e999"), "'1e999' is too large or too small for a number");
  for (const auto* text : {"nan", ".nan", "inf", ".inf", "-.inf", "Infinity", "1e", "0x1p3", "01.5", "1.2.3", "-"}) {
    EXPECT_EQ(number(text), "'" + std::string(text) + "' is not a number");
  }
}

TEST(Literals, TakesOnlyTrueAndFalseAsBooleans) {
  EXPECT_EQ(boolean("true"), "true");
  EXPECT_EQ(boolean("false"), "false");
  for (const auto* text : {"yes", "on", "y", "True", "TRUE", "Yes"}) {
    EXPECT_EQ(boolean(text), "'" + std::string(text) + "' is not true or false, write true");
  }
  for (const auto* text : {"no", "off", "n", "False", "OFF"}) {
    EXPECT_EQ(boolean(text), "'" + std::string(text) + "' is not true or false, write false");
  }
  EXPECT_EQ(boolean("1"), "'1' is not true or false");
}

TEST(Literals, WritesTheShortestTextThatReadsTheSame) {
  for (const auto* text : {"0s", "250ms", "30s", "1m30s", "1h30m", "7d", "365d", "1d1ms"}) {
    EXPECT_EQ(write_duration(*parse_duration(text)), text);
  }
  for (const auto* text : {"0", "7B", "4KiB", "10KB", "512MiB", "1GiB", "3TB"}) {
    EXPECT_EQ(write_size(*parse_size(text)), text);
  }
}

TEST(Literals, DoNotHearTheLocale) {
  struct DecimalComma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new DecimalComma));
  std::setlocale(LC_ALL, "de_DE.UTF-8");  // where the machine has it
  EXPECT_EQ(number("1.5"), "1.5");
  EXPECT_EQ(percent("99.5%"), "99.5");
  EXPECT_EQ(size("10KB"), "10000");
  EXPECT_EQ(write_number(0.25), "0.25");
  std::setlocale(LC_ALL, "C");
  std::locale::global(before);
}

}  // namespace
}  // namespace sidewatch::config
