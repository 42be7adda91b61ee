#include "base/snappy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using State = SnappyText::State;

// "abcd" and then 60 bytes copied from 4 bytes before.
const std::string packed = "\x40\x0C"s + "abcd" + "\xEE\x04\x00"s;

TEST(Snappy, UnpacksABlock) {
  const auto text = snappy_decompress(packed, 64);
  ASSERT_EQ(text.state, State::whole) << text.text;
  EXPECT_EQ(text.text.size(), 64U);
  EXPECT_EQ(text.text.substr(0, 12), "abcdabcdabcd");
}

TEST(Snappy, RefusesATextThatWouldBecomeTooLargeBeforeUnpackingIt) {
  EXPECT_EQ(snappy_decompress(packed, 63).state, State::too_large);
  const std::string claims_4_gib = "\xFF\xFF\xFF\xFF\x0F"s + "a";
  const auto text = snappy_decompress(claims_4_gib, 1 << 20);
  EXPECT_EQ(text.state, State::too_large);
  EXPECT_THAT(text.text, HasSubstr("more than 1048576 bytes"));
}

TEST(Snappy, TellsDamageFromAWholeText) {
  EXPECT_EQ(snappy_decompress("", 64).state, State::damaged);
  EXPECT_EQ(snappy_decompress(packed.substr(0, packed.size() - 1), 64).state, State::damaged);
  EXPECT_EQ(snappy_decompress("\x40\x0C"s + "abcd" + "\xEE\x09\x00"s, 64).state, State::damaged);
  EXPECT_EQ(snappy_decompress("\xFF\xFF\xFF\xFF\xFF\xFF"s, 64).state, State::damaged);
}

}  // namespace
}  // namespace sidewatch
