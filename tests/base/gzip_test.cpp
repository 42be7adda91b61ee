#include "base/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sidewatch {
namespace {

constexpr std::size_t plenty = std::size_t{64} << 20;

std::string noise(std::size_t bytes) {
  std::mt19937 random(1);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Gzip, UnpacksToWhatWasPacked) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(300'000, 'x'), noise(200'000)}) {
    const auto unpacked = gzip_decompress(gzip_compress(text), plenty);
    ASSERT_TRUE(unpacked) << text.size();
    EXPECT_EQ(*unpacked, text);
  }
}

TEST(Gzip, WritesTheHeaderThatClientsExpect) { EXPECT_EQ(gzip_compress("x").substr(0, 3), "\x1F\x8B\x08"); }

TEST(Gzip, ACompressorServesManyTextsOneAfterTheOther) {
  GzipCompressor compressor(1);
  std::string packed;
  for (const std::string& text : {noise(100'000), std::string("small"), std::string(500'000, 'y')}) {
    compressor.compress(text, packed);
    EXPECT_EQ(*gzip_decompress(packed, plenty), text);
  }
  EXPECT_LT(packed.size(), 5'000U);
}

TEST(Gzip, ALevelOutsideTheRangeIsTheNearestOne) {
  EXPECT_EQ(*gzip_decompress(gzip_compress("text", 99), plenty), "text");
  EXPECT_EQ(*gzip_decompress(gzip_compress("text", -5), plenty), "text");
}

TEST(Gzip, ATextThatGrowsOverTheLimitIsRefused) {
  const std::string bomb = gzip_compress(std::string(10'000'000, '0'));
  ASSERT_LT(bomb.size(), 20'000U);
  const auto unpacked = gzip_decompress(bomb, 1'000'000);
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().what, "unpacks to more than 1000000 bytes");
  EXPECT_TRUE(gzip_decompress(bomb, 10'000'000));
}

TEST(Gzip, WhatIsCutOffDamagedOrSomethingElseIsRefused) {
  const std::string packed = gzip_compress(noise(1'000));
  for (std::size_t length = 0; length < packed.size(); length += 7) {
    EXPECT_FALSE(gzip_decompress(packed.substr(0, length), plenty)) << length;
  }
  std::string damaged = packed;
  damaged[packed.size() - 6] = static_cast<char>(damaged[packed.size() - 6] ^ 1);
  EXPECT_FALSE(gzip_decompress(damaged, plenty));
  EXPECT_FALSE(gzip_decompress("plain text", plenty));
  EXPECT_FALSE(gzip_decompress(packed + "trailing", plenty));
}

TEST(Gzip, MembersInARowAreOneText) {
  EXPECT_EQ(*gzip_decompress(gzip_compress("one ") + gzip_compress("two"), plenty), "one two");
}

TEST(Crc32, IsTheOneOfGzip) {
  EXPECT_EQ(crc32_of("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32_of(""), 0U);
}

}  // namespace
}  // namespace sidewatch
