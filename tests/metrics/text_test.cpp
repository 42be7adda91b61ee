#include "metrics/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace sidewatch {
namespace {

std::string text_of(double value) {
  std::string text;
  append_value(text, value);
  return text;
}

TEST(Text, WritesNumbersAsBothFormatsReadThem) {
  EXPECT_EQ(text_of(0), "0");
  EXPECT_EQ(text_of(-0.0), "-0");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(-12.5), "-12.5");
  EXPECT_EQ(text_of(8'000'000'000), "8000000000");
  EXPECT_EQ(text_of(999'999'999'999'999), "999999999999999");
  EXPECT_EQ(text_of(1e21), "1e+21");
  EXPECT_EQ(text_of(5e-324), "5e-324");
  EXPECT_EQ(text_of(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(text_of(std::nan("")), "NaN");
  EXPECT_EQ(text_of(-std::nan("")), "NaN");
  EXPECT_EQ(text_of(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(text_of(-std::numeric_limits<double>::infinity()), "-Inf");
}

TEST(Text, EveryNumberReadsBackEqual) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    double value = 0;
    static_assert(sizeof value == sizeof bits);
    std::memcpy(&value, &bits, sizeof value);
    if (std::isnan(value) || std::isinf(value)) continue;
    ASSERT_EQ(std::strtod(text_of(value).c_str(), nullptr), value);
    const auto whole = static_cast<double>(static_cast<std::int64_t>(bits >> 10));
    ASSERT_EQ(std::strtod(text_of(whole).c_str(), nullptr), whole);
  }
}

TEST(Text, NamesAreLegalOrMended) {
  EXPECT_TRUE(is_legal_metric_name("job:http_requests:rate5m"));
  EXPECT_FALSE(is_legal_label_name("job:x"));
  EXPECT_FALSE(is_legal_label_name("0x"));
  EXPECT_FALSE(is_legal_label_name(""));
  EXPECT_FALSE(is_legal_metric_name("caf\xC3\xA9"));
  EXPECT_EQ(mend_metric_name("http.requests-total"), "http_requests_total");
  EXPECT_EQ(mend_metric_name("5xx:rate"), "_5xx:rate");
  EXPECT_EQ(mend_label_name("a:b"), "a_b");
  EXPECT_EQ(mend_label_name(""), "_");
}

// The examples of Unicode 15, tables 3-8 to 3-11, and what must stay as it is.
TEST(Text, IllFormedUtf8IsReplacedPartByPart) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(mend_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(mend_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(mend_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(mend_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(mend_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(mend_utf8("cut off \xE2\x82"), "cut off " + r);
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
  EXPECT_TRUE(is_utf8("\xEF\xBF\xBD"));
}

TEST(Text, ACutFallsBetweenCharacters) {
  EXPECT_EQ(cut_at_character("abc", 3), "abc");
  EXPECT_EQ(cut_at_character("abcd", 3), "abc");
  EXPECT_EQ(cut_at_character("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(cut_at_character("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(cut_at_character("\xF0\x9F\x98\x80", 3), "");
}

}  // namespace
}  // namespace sidewatch
