#include "base/utf8.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

// The examples of Unicode 15, tables 3-8 to 3-11, and what must stay as it is.
TEST(Utf8, IllFormedUtf8IsReplacedPartByPart) {
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

TEST(Utf8, ACutFallsBetweenCharacters) {
  EXPECT_EQ(cut_at_character("abc", 3), "abc");
  EXPECT_EQ(cut_at_character("abcd", 3), "abc");
  EXPECT_EQ(cut_at_character("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(cut_at_character("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(cut_at_character("\xF0\x9F\x98\x80", 3), "");
}

// Every code point there is, and the surrogates, which are none.
TEST(Utf8, WhatIsWrittenIsReadAsTheSame) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    std::string text;
    append_utf8(text, code);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const Utf8Character read = first_character(text);
    ASSERT_EQ(read.well_formed, !surrogate) << static_cast<std::uint32_t>(code);
    if (surrogate) continue;
    ASSERT_EQ(read.code, code);
    ASSERT_EQ(read.bytes, text.size());
    ASSERT_EQ(count_characters(text + text), 2U);
  }
}

}  // namespace
}  // namespace sidewatch
