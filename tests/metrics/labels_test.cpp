#include "metrics/labels.h"

#include <gtest/gtest.h>

#include <string>

namespace sidewatch {
namespace {

TEST(Labels, AreSortedByNameWhateverTheOrderGiven) {
  EXPECT_EQ((Labels{{"b", "2"}, {"a", "1"}, {"c", "3"}}).to_string(), "{a=\"1\", b=\"2\", c=\"3\"}");
  EXPECT_EQ(Labels{}.to_string(), "{}");
}

TEST(Labels, OfTwoWithOneNameTheLaterWins) {
  EXPECT_EQ((Labels{{"a", "1"}, {"b", "x"}, {"a", "2"}, {"a", "3"}}), (Labels{{"a", "3"}, {"b", "x"}}));
}

TEST(Labels, AnEmptyValueIsAnAbsentLabel) {
  EXPECT_TRUE((Labels{{"a", ""}}).empty());
  EXPECT_TRUE((Labels{{"a", "1"}, {"a", ""}}).empty());
  EXPECT_EQ((Labels{{"a", "1"}}).get("b"), "");
}

TEST(Labels, WithSetsReplacesAndRemoves) {
  const Labels labels{{"b", "2"}};
  EXPECT_EQ(labels.with("a", "1"), (Labels{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(labels.with("b", "3"), (Labels{{"b", "3"}}));
  EXPECT_EQ(labels.with("b", ""), Labels{});
  EXPECT_EQ(labels.without("b"), Labels{});
  EXPECT_EQ(labels.without("x"), labels);
}

TEST(Labels, OrElseFillsInWhatIsMissing) {
  EXPECT_EQ((Labels{{"a", "mine"}, {"c", "3"}}).or_else({{"a", "theirs"}, {"b", "2"}}),
            (Labels{{"a", "mine"}, {"b", "2"}, {"c", "3"}}));
}

TEST(Labels, EqualSetsHashEqualAndSwappedTextsDoNot) {
  EXPECT_EQ((Labels{{"a", "1"}, {"b", "2"}}).hash(), (Labels{{"b", "2"}, {"a", "1"}}).hash());
  EXPECT_NE((Labels{{"a", "b"}}).hash(), (Labels{{"b", "a"}}).hash());
  EXPECT_NE((Labels{{"a", "1"}, {"b", "2"}}).hash(), (Labels{{"a", "2"}, {"b", "1"}}).hash());
}

TEST(Labels, TextEscapesWhatAQuotedValueMayNotContain) {
  EXPECT_EQ((Labels{{"a", "x\"y\\z\n"}}).to_string(), "{a=\"x\\\"y\\\\z\\n\"}");
}

}  // namespace
}  // namespace sidewatch
