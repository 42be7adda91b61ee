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

}  // namespace
}  // namespace sidewatch
