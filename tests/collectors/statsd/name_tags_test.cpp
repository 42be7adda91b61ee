#include "collectors/statsd/name_tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::statsd {
namespace {

constexpr TagStyles all{true, true, true};

std::string shown(const TaggedName& tagged) { return tagged.name + Labels(tagged.labels).to_string(); }

TEST(NameTags, StandBehindAHashACommaOrInBrackets) {
  EXPECT_EQ(shown(take_tags_off("orders#kind=web,paid=yes", all)), R"(orders{kind="web", paid="yes"})");
  EXPECT_EQ(shown(take_tags_off("orders,kind=web,paid=yes", all)), R"(orders{kind="web", paid="yes"})");
  EXPECT_EQ(shown(take_tags_off("orders[kind=web,paid=yes].total", all)), R"(orders.total{kind="web", paid="yes"})");
  EXPECT_EQ(shown(take_tags_off("orders", all)), "orders{}");
}

TEST(NameTags, AreReadInTheStylesThatAreAskedForOnly) {
  EXPECT_EQ(take_tags_off("a#b=c", {.influx = true, .signalfx = true}).name, "a#b=c");
  EXPECT_EQ(take_tags_off("a,b=c", {.librato = true, .signalfx = true}).name, "a,b=c");
  EXPECT_EQ(take_tags_off("a[b=c]", {.librato = true}).name, "a[b=c]");
}

TEST(NameTags, HaveNamesThatPrometheusTakesAndTheLastOfTwoCounts) {
  EXPECT_EQ(shown(take_tags_off("a#kind.of=x=y,b=1,b=2", all)), R"(a{b="2", kind_of="x=y"})");
}

TEST(NameTags, WithoutANameOrAValueAreLeftOutAndCounted) {
  const auto tagged = take_tags_off("a#,b,=c,d=,e=f", all);
  EXPECT_EQ(shown(tagged), R"(a{e="f"})");
  EXPECT_EQ(tagged.malformed, 4U);
}

TEST(NameTags, AreNoneBetweenHalfAPairOfBrackets) {
  for (const char* name : {"a[b=c", "a]b", "a]b=c["}) {
    const auto tagged = take_tags_off(name, all);
    EXPECT_EQ(tagged.name, name);
    EXPECT_TRUE(tagged.labels.empty());
    EXPECT_EQ(tagged.malformed, 1U);
  }
}

}  // namespace
}  // namespace sidewatch::statsd
