// Which group a path names.
#include "collectors/pushgateway/group_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::pushgateway {
namespace {

using Segments = std::vector<std::string>;

Labels key(const Segments& segments) {
  const auto read = read_group_key(segments);
  EXPECT_TRUE(read) << read.error().text();
  return read ? *read : Labels();
}

TEST(GroupKey, IsTheJobAndTheLabels) {
  EXPECT_EQ(key({"job", "backup"}), (Labels{{"job", "backup"}}));
  EXPECT_EQ(key({"job", "backup", "instance", "db/1"}), (Labels{{"job", "backup"}, {"instance", "db/1"}}));
  EXPECT_EQ(key({"job", "backup", ""}), (Labels{{"job", "backup"}})) << "a slash at the end";
  EXPECT_EQ(key({"job", "backup", "instance", ""}), (Labels{{"job", "backup"}})) << "an empty value is none";
}

TEST(GroupKey, TakesTheJobOfItsPlaceAndTheLastOfTwo) {
  EXPECT_EQ(key({"job", "a", "job", "b", "x", "1", "x", "2"}), (Labels{{"job", "a"}, {"x", "2"}}));
}

TEST(GroupKey, DecodesBase64OfUrls) {
  EXPECT_EQ(key({"job@base64", "L3Zhci90bXA", "path@base64", "L3Zhci90bXA="}), (Labels{{"job", "/var/tmp"}, {"path", "/var/tmp"}}));
  EXPECT_EQ(key({"job", "a", "x@base64", "Pz8_Pj4-"}), (Labels{{"job", "a"}, {"x", std::string(3, '?') + ">>>"}}));
  EXPECT_EQ(key({"job", "a", "x@base64", "="}), (Labels{{"job", "a"}}));
}

TEST(GroupKey, SaysWhatIsWrongWithAPath) {
  using testing::HasSubstr;
  const auto why = [](const Segments& segments) {
    const auto read = read_group_key(segments);
    EXPECT_FALSE(read);
    return read ? "" : read.error().text();
  };
  for (const Segments& segments : {Segments{}, {""}, {"job"}, {"jobs", "a"}, {"instance", "a"}}) {
    EXPECT_EQ(why(segments), "a push goes to /metrics/job/JOB{/LABEL/VALUE}");
  }
  EXPECT_THAT(why({"job", ""}), HasSubstr("the job needs a name"));
  EXPECT_THAT(why({"job@base64", "="}), HasSubstr("the job needs a name"));
  EXPECT_THAT(why({"job", "a", "instance"}), HasSubstr("each label needs a value"));
  EXPECT_THAT(why({"job", "a", "x", "1", ""}), HasSubstr("each label needs a value"));
  EXPECT_THAT(why({"job", "a", "x-y", "1"}), HasSubstr("a label whose name is none"));
  EXPECT_THAT(why({"job", "a", "__name__", "1"}), HasSubstr("a label whose name is none"));
  EXPECT_THAT(why({"job", "a", "x@base64", "!!"}), HasSubstr("the value of the path's label x is not base64"));
  EXPECT_THAT(why({"job", "\xFF\xFE"}), HasSubstr("the value of the path's label job is not UTF-8"));
  EXPECT_THAT(why({"job", "a", "x@base64", "_w"}), HasSubstr("the value of the path's label x is not UTF-8"));
  EXPECT_THAT(why({"job@base64", "a"}), HasSubstr("the value of the path's label job is not base64"));
}

}  // namespace
}  // namespace sidewatch::pushgateway
