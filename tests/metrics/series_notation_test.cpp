#include "metrics/series_notation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "metrics/point.h"

namespace sidewatch {
namespace {

// The values as words: `_`, `stale`, or the number.
std::string expanded(std::string_view text) {
  const auto values = parse_series_values(text);
  if (!values) return "error at " + values.error().text();
  std::string words;
  for (const auto& value : *values) {
    if (!words.empty()) words += ' ';
    if (!value) {
      words += '_';
    } else if (is_stale_marker(*value)) {
      words += "stale";
    } else {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.12g", *value);
      words += digits;
    }
  }
  return words;
}

TEST(SeriesNotation, ExpandsAsPrometheusDoes) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", ""},
      {"   ", ""},
      {"1 2 3", "1 2 3"},
      {" 1  2\t3\n4 ", "1 2 3 4"},
      {"1x3", "1 1 1 1"},
      {"1x0", "1"},
      {"1+2x3", "1 3 5 7"},
      {"5-1x2", "5 4 3"},
      {"-1-1x2", "-1 -2 -3"},
      {"+1+0.5x1", "1 1.5"},
      {"0x3", "0 0 0 0"},
      {"017", "15"},
      {"1.5e3x1 1e-2", "1500 1500 0.01"},
      {".5 1.", "0.5 1"},
      {"_", "_"},
      {"_x3 1", "_ _ _ 1"},
      {"_x0 1", "1"},
      {"1 stale 2", "1 stale 2"},
      {"stalex2", "error at 1:1: unexpected \"stalex2\", expected a number, NaN, Inf, _ or stale"},
      {"Inf -Inf +inf", "inf -inf inf"},
      {"NaN nan", "nan nan"},
      {"1+1x2 _x2 9", "1 2 3 _ _ 9"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(expanded(text), expected) << text;
}

TEST(SeriesNotation, SaysWhereAValueCannotBeRead) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"1 two 3", "error at 1:3: unexpected \"two\", expected a number, NaN, Inf, _ or stale"},
      {"1 2,3", "error at 1:4: unexpected \",3\" behind a value"},
      {"1+2", "error at 1:4: a value and a step lack how often, as in 1+2x5; between values stands a space"},
      {"1x", "error at 1:3: x lacks how often, as in 1x5"},
      {"1x-2", "error at 1:3: x lacks how often, as in 1x5"},
      {"1x2x3", "error at 1:4: unexpected \"x3\" behind a value"},
      {"1x2.5", "error at 1:4: unexpected \".5\" behind a value"},
      {"_5", "error at 1:2: unexpected \"5\" behind a value"},
      {"1_000", "error at 1:1: unexpected \"1_000\", expected a number, NaN, Inf, _ or stale"},
      {"1e", "error at 1:1: unexpected \"1e\", expected a number, NaN, Inf, _ or stale"},
      {"-", "error at 1:2: unexpected end, expected a number, NaN, Inf, _ or stale"},
      {"ü", "error at 1:1: unexpected \"ü\", expected a number, NaN, Inf, _ or stale"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(expanded(text), expected) << text;
}

TEST(SeriesNotation, RefusesARepetitionThatWouldFillTheMemory) {
  const auto values = parse_series_values("1x99999999999999999999");
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().what, "more than 1000000 values in one series");
  EXPECT_FALSE(parse_series_values("_x999999 1x1"));
  EXPECT_EQ(parse_series_values("_x999999 1x0")->size(), 1'000'000U);
}

TEST(SeriesNotation, ReadsLabelsAsTheLanguageWritesThem) {
  const auto read = [](std::string_view text) {
    const auto labels = parse_series_labels(text);
    return labels ? series_to_string(*labels) : "error at " + labels.error().text();
  };
  const std::vector<std::pair<std::string, std::string>> table = {
      {"up", "up"},
      {"up{}", "up"},
      {"", "{}"},
      {"{}", "{}"},
      {"up{job=\"a\", instance='b',}", "up{instance=\"b\", job=\"a\"}"},
      {"up {job=\"a\"}", "up{job=\"a\"}"},
      {"{__name__=\"up\", job=\"a\"}", "up{job=\"a\"}"},
      {"job:requests:rate5m{le=\"+Inf\"}", "job:requests:rate5m{le=\"+Inf\"}"},
      {"sum{by=\"x\"}", "sum{by=\"x\"}"},
      {R"(a{p="C:\\x \"q\"\n"})", R"(a{p="C:\\x \"q\"\n"})"},
      {"up{job=~\"a\"}", "error at 1:7: unexpected <op:=~>, expected '='"},
      {"up{job=\"a\"", "error at 1:11: unexpected end of input inside braces"},
      {"up 1", "error at 1:4: unexpected number \"1\", expected a series such as up{job=\"a\"}"},
      {"up{a=\"1\",a=\"2\"}", "error at 1:10: the label a is given twice"},
      {"{__name__=\"bool\"}", "{__name__=\"bool\"}"},
      {"{__name__=\"a b\"}", "{__name__=\"a b\"}"},
      {R"(a{b="\xff"})", "error at 1:5: the label value is not UTF-8"},
      {"up{a=b}", "error at 1:6: unexpected identifier \"b\", expected a value in quotes"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(read(text), expected) << text;
}

}  // namespace
}  // namespace sidewatch
