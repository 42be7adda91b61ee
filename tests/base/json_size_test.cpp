#include "base/json_size.h"

#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

TEST(JsonSize, CountsAtLeastTheValuesThatThereAre) {
  EXPECT_GE(count_json_values("7"), 1u);
  EXPECT_GE(count_json_values("[1,2,3]"), 4u);
  EXPECT_GE(count_json_values(R"({"a": [1, {"b": 2}], "c": "d"})"), 6u);
}

TEST(JsonSize, HardlyCountsMore) {
  EXPECT_LE(count_json_values("[1,2,3]"), 5u);
  EXPECT_EQ(count_json_values(R"("a,b,[{,\",,")"), 1u) << "what stands in a text is none";
  EXPECT_EQ(count_json_values("\"\\\\\",1"), 2u) << "an escaped backslash does not hide the end of a text";
}

TEST(JsonSize, IsNotLedAstrayByWhatIsNotJson) {
  EXPECT_EQ(count_json_values(""), 1u);
  EXPECT_EQ(count_json_values("\"\\"), 1u);
  EXPECT_EQ(count_json_values(std::string(100, ',')), 101u);
}

}  // namespace
}  // namespace sidewatch
