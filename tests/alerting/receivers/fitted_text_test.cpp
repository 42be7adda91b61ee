#include "alerting/receivers/fitted_text.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr const char* flame = "\xF0\x9F\x94\xA5";

std::string doubled(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

TEST(FittedText, LeavesWhatFitsAsItIsInItsForm) {
  EXPECT_EQ(fit("a & b", 9, doubled, count_bytes), "a &amp; b");
  EXPECT_EQ(fit("", 0, doubled, count_bytes), "");
}

TEST(FittedText, CutsAndSaysHowMuchIsMissing) {
  const std::string text(100, 'x');
  EXPECT_EQ(fit(text, 40, as_it_is, count_utf16_units), std::string(18, 'x') + "… (82 more characters)");
  EXPECT_EQ(count_utf16_units(fit(text, 40, as_it_is, count_utf16_units)), 40u);
}

TEST(FittedText, MeasuresTheEscapedText) {
  const std::string text(100, '&');
  for (std::size_t limit = 0; limit < 520; ++limit) {
    const auto fitted = fit(text, limit, doubled, count_bytes);
    EXPECT_LE(fitted.size(), limit);
    // Nothing is cut within an escape.
    const std::string ampersands = fitted.substr(0, std::min(fitted.find("…"), fitted.size()));
    EXPECT_EQ(ampersands.size() % 5, 0u) << fitted;
    if (limit >= 500) { EXPECT_EQ(fitted.size(), 500u); }
  }
}

TEST(FittedText, NeverCutsWithinACharacterAndCountsAsUtf16Does) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += flame;
  EXPECT_EQ(count_utf16_units(text), 100u);
  for (std::size_t limit = 0; limit < 100; ++limit) {
    const auto fitted = fit(text, limit, as_it_is, count_utf16_units);
    EXPECT_TRUE(is_utf8(fitted));
    EXPECT_LE(count_utf16_units(fitted), limit);
  }
  EXPECT_EQ(fit(text, 100, as_it_is, count_utf16_units), text);
  EXPECT_EQ(fit(std::string("\xF0\x9F\xFFok"), 10, as_it_is, count_bytes).substr(0, 3), "\xEF\xBF\xBD");
}

TEST(FittedText, HasOnlyDotsWhereTheNoteHasNoRoom) {
  EXPECT_EQ(fit(std::string(100, 'x'), 5, as_it_is, count_utf16_units), "xxxx…");
  EXPECT_EQ(fit(std::string(100, 'x'), 0, as_it_is, count_utf16_units), "");
}

TEST(FittedText, FindsUrlsWithoutWhatEndsTheSentence) {
  const auto parts = split_at_urls("See https://a.example/x_y?z=(1), or <http://b.example>. httpx http:// end");
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(parts[0].text, "See ");
  EXPECT_EQ(parts[1].text, "https://a.example/x_y?z=(1");
  EXPECT_TRUE(parts[1].is_url);
  EXPECT_EQ(parts[2].text, "), or <");
  EXPECT_EQ(parts[3].text, "http://b.example");
  EXPECT_EQ(parts[4].text, ">. httpx http:// end");
  EXPECT_FALSE(parts[4].is_url);
  EXPECT_TRUE(split_at_urls("").empty());
}

TEST(FittedText, KeepsTheEndThatItIsToldToKeep) {
  const std::string text = std::string(100, 's') + " on bot-1";
  EXPECT_EQ(fit_before(" on bot-1", text, 120, as_it_is, count_bytes), text);
  const std::string cut = fit_before(" on bot-1", text, 80, as_it_is, count_bytes);
  EXPECT_TRUE(cut.ends_with(" more characters) on bot-1")) << cut;
  EXPECT_EQ(cut.size(), 80U);
  EXPECT_EQ(fit_before(" on bot-1", text, 17, as_it_is, count_bytes), fit(text, 17, as_it_is, count_bytes))
      << "it would take more than half";
  EXPECT_EQ(fit_before("", text, 80, as_it_is, count_bytes), fit(text, 80, as_it_is, count_bytes));
  EXPECT_EQ(fit_before("elsewhere", text, 80, as_it_is, count_bytes), fit(text, 80, as_it_is, count_bytes));
}

}  // namespace
}  // namespace sidewatch
