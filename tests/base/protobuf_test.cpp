#include "base/protobuf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using Wire = ProtobufReader::Wire;

TEST(ProtobufReader, GivesEveryTypeOfFieldInTheOrderThatTheyCome) {
  // 1: varint 300; 2: text "ab"; 3: fixed64 1.5; 4: fixed32 7
  ProtobufReader reader("\x08\xAC\x02\x12\x02"
                        "ab\x19\x00\x00\x00\x00\x00\x00\xF8\x3F\x25\x07\x00\x00\x00"sv);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.tag(), ProtobufReader::tag(1, Wire::varint));
  EXPECT_EQ(reader.number(), 300U);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.tag(), ProtobufReader::tag(2, Wire::bytes));
  EXPECT_EQ(reader.bytes(), "ab");
  EXPECT_EQ(reader.whole(), "\x12\x02"
                            "ab"sv);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.tag(), ProtobufReader::tag(3, Wire::fixed64));
  EXPECT_EQ(reader.real(), 1.5);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.tag(), ProtobufReader::tag(4, Wire::fixed32));
  EXPECT_EQ(reader.number(), 7U);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.ok());
}

TEST(ProtobufReader, ReadsSmallSignedNumbersOfBothKinds) {
  ProtobufReader reader("\x08\x03\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"sv);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.zigzag(), -2);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.signed_number(), -1);
}

TEST(ProtobufReader, EndsAtWhatIsNotAMessage) {
  const std::string_view broken[] = {
      "\x08"sv,                                              // no value
      "\x12\x05"
      "abc"sv,                                               // a text that is cut off
      "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"sv,  // a number of 11 bytes
      "\x00\x01"sv,                                          // a field 0
      "\x0B"sv,                                              // a group, which nobody sends any more
      "\x19\x01\x02"sv,                                      // half a fixed64
  };
  for (const auto bytes : broken) {
    ProtobufReader reader(bytes);
    while (reader.next()) {
    }
    EXPECT_FALSE(reader.ok()) << testing::PrintToString(std::string(bytes));
  }
}

TEST(ProtobufReader, UnpacksNumbersUpToALimit) {
  ProtobufReader varints("\x0A\x04\x01\x80\x01\x03"sv);
  ASSERT_TRUE(varints.next());
  std::vector<std::uint64_t> numbers;
  ASSERT_TRUE(varints.append_varints(numbers, 3));
  EXPECT_THAT(numbers, ElementsAre(1, 128, 3));
  numbers.clear();
  EXPECT_FALSE(varints.append_varints(numbers, 2));

  ProtobufReader reals("\x0A\x08\x00\x00\x00\x00\x00\x00\xF8\x3F"sv);
  ASSERT_TRUE(reals.next());
  std::vector<double> bounds;
  ASSERT_TRUE(reals.append_reals(bounds, 1));
  EXPECT_THAT(bounds, ElementsAre(1.5));
  EXPECT_FALSE(reals.append_reals(bounds, 1));

  ProtobufReader odd("\x0A\x03\x01\x02\x03"sv);
  ASSERT_TRUE(odd.next());
  EXPECT_FALSE(odd.append_reals(bounds, 9));
  EXPECT_FALSE(odd.append_fixed64(numbers, 9));
}

TEST(ProtobufWriter, LeavesOutWhatIsEmpty) {
  std::string out;
  append_protobuf_number(out, 1, 0);
  append_protobuf_text(out, 2, "");
  EXPECT_EQ(out, "");
  append_protobuf_number(out, 1, 300);
  append_protobuf_text(out, 2, "ab");
  EXPECT_EQ(out, "\x08\xAC\x02\x12\x02"
                 "ab"sv);
}

}  // namespace
}  // namespace sidewatch
