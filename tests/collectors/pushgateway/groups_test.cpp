// What pushes make of groups, and what survives of them.
#include "collectors/pushgateway/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/pushgateway/saved_groups.h"

namespace sidewatch::pushgateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Replace = Groups::Replace;

ReadPage page(std::string_view text) {
  auto read = read_page(text, {});
  EXPECT_TRUE(read) << read.error().text();
  return read ? std::move(*read) : ReadPage{};
}

// Every sample of all groups as a line.
std::vector<std::string> lines(const Groups& groups) {
  std::vector<std::string> lines;
  for (const auto& [key, group] : groups.all()) {
    for (const auto& [name, family] : group.families) {
      for (const auto& sample : family.samples) {
        lines.push_back(sample.name + sample.labels.to_string() + " " + std::to_string(static_cast<int>(sample.value)));
      }
    }
  }
  return lines;
}

class GroupsTest : public testing::Test {
 protected:
  std::string push(const Labels& key, std::string_view text, Replace replace = Replace::all) {
    const auto refusal = groups.push(key, page(text), replace, now, to_wall(now, 1h));
    return refusal ? refusal->why : "";
  }
  Groups groups{GroupLimits{10min, 3, 6}};
  Time now = time_at_ms(100'000);
  const Labels backup{{"job", "backup"}};
  const Labels report{{"job", "report"}, {"instance", "a"}};
};

TEST_F(GroupsTest, PutReplacesTheGroupAndPostTheSameNames) {
  EXPECT_EQ(push(backup, "a 1\nb 2\n"), "");
  EXPECT_EQ(push(report, "a 3\n"), "");
  EXPECT_EQ(push(backup, "b{x=\"y\"} 5\nc 6\n", Replace::same_names), "");
  EXPECT_THAT(lines(groups), ElementsAre("a{instance=\"a\", job=\"report\"} 3", "a{job=\"backup\"} 1",
                                         "b{job=\"backup\", x=\"y\"} 5", "c{job=\"backup\"} 6"));
  EXPECT_EQ(push(backup, "d 7\n"), "");
  EXPECT_THAT(lines(groups), ElementsAre("a{instance=\"a\", job=\"report\"} 3", "d{job=\"backup\"} 7"));
  EXPECT_EQ(groups.series(), 2u);
}

TEST_F(GroupsTest, AnEmptyPutEmptiesTheGroupAndAnEmptyPostOnlyTellsTheTime) {
  push(backup, "a 1\n");
  now += 5s;
  push(backup, "", Replace::same_names);
  EXPECT_EQ(groups.series(), 1u);
  EXPECT_EQ(groups.all().at(backup).pushed_ms, 105'000 + 3'600'000);
  push(backup, "");
  EXPECT_EQ(groups.series(), 0u);
  EXPECT_TRUE(groups.all().contains(backup));
}

TEST_F(GroupsTest, TheLabelsOfTheGroupWin) {
  push(report, "a{job=\"other\", instance=\"b\", x=\"1\"} 3\n");
  EXPECT_THAT(lines(groups), ElementsAre("a{instance=\"a\", job=\"report\", x=\"1\"} 3"));
}

TEST_F(GroupsTest, AFamilyIsReplacedWithAllItsSeries) {
  const std::string_view histogram = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
  EXPECT_EQ(push(backup, histogram), "");
  EXPECT_EQ(push(backup, histogram, Replace::same_names), "");
  EXPECT_EQ(groups.series(), 3u);
  EXPECT_EQ(groups.all().at(backup).families.at("h").samples[1].type, MetricType::histogram);
}

TEST_F(GroupsTest, RefusesAnotherTypeThanAnotherGroupHas) {
  push(backup, "# TYPE a counter\na 1\n");
  EXPECT_THAT(push(report, "# TYPE a gauge\na 1\n"), HasSubstr(R"(a is a counter in the group {job="backup"}, and here a gauge)"));
  EXPECT_EQ(groups.all().at(report).failed_ms, 3'700'000) << "when it was refused";
  EXPECT_EQ(groups.all().at(report).pushed_ms, 0);
  EXPECT_EQ(push(backup, "# TYPE a gauge\na 1\n"), "") << "what it replaces does not contradict it";
  EXPECT_EQ(push(report, "# TYPE a gauge\na 1\n"), "");
}

TEST_F(GroupsTest, RefusesATypeThatAnotherFamilyOfTheGroupHas) {
  push(backup, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n");
  EXPECT_THAT(push(backup, "# TYPE h_count gauge\nh_count 2\n", Replace::same_names), HasSubstr("h_count is a histogram"));
}

TEST_F(GroupsTest, RefusesASeriesThatTheGroupsLabelsMakeTwice) {
  EXPECT_THAT(push(backup, "a{job=\"x\"} 1\na{job=\"y\"} 2\n"), HasSubstr(R"(a{job="backup"} stands there twice)"));
}

TEST_F(GroupsTest, RefusesASeriesThatAnotherGroupHas) {
  EXPECT_EQ(push(Labels{{"job", "report"}}, "a{instance=\"a\"} 1\n"), "");
  EXPECT_THAT(push(report, "a 2\n"), HasSubstr(R"(a{instance="a", job="report"} stands in the group {job="report"} already)"));
  EXPECT_EQ(push(report, "a{x=\"1\"} 2\n"), "");
  EXPECT_EQ(push(Labels{{"job", "report"}}, "b 1\n"), "");
  EXPECT_EQ(push(report, "a 2\n"), "") << "it went from the other one";
}

// A page of so many samples, each with a label of 1000 bytes.
std::string long_page(int samples, const std::string& name) {
  std::string text;
  for (int i = 0; i < samples; ++i) text += name + "{x=\"" + std::to_string(i) + std::string(1000, 'x') + "\"} 1\n";
  return text;
}

TEST_F(GroupsTest, HasRoomForSoMuchText) {
  Groups all{GroupLimits{0ms, 10, 10'000}};
  const auto push_to = [&](const Labels& key, const std::string& text) {
    return all.push(key, page(text), Replace::all, now, {});
  };
  const std::string half = long_page(7000, "a");
  EXPECT_FALSE(push_to(backup, half));
  EXPECT_FALSE(push_to(backup, half)) << "what it replaces makes room";
  const Labels other{{"job", "other"}};
  const auto refusal = push_to(other, long_page(9000, "b"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 429);
  const Labels third{{"job", "third"}};
  EXPECT_THAT(push_to(third, "# HELP h " + std::string(2000, 'h') + "\nh 1\n"), testing::Eq(std::nullopt));
  EXPECT_FALSE(all.all().contains(other)) << "what has no room makes no group";
  all.remove(backup);
  EXPECT_FALSE(push_to(other, half));
  Groups after{GroupLimits{0ms, 10, 10'000}};
  const std::string saved = save_groups(all);
  EXPECT_LE(saved.size(), max_saved_bytes(all.limits()));
  ASSERT_TRUE(restore_groups(saved, after, now, {}));
  EXPECT_EQ(after.series(), all.series());
}

TEST_F(GroupsTest, WhatStandsCanAlwaysBeReadAgain) {
  Groups all{GroupLimits{0ms, 10, 10'000}};
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "a{x=\"" + std::to_string(i) + std::string(1000, '\x01') + "\"} 1\n";
  const auto refusal = all.push(backup, page(text), Replace::all, now, {});
  ASSERT_TRUE(refusal) << "written as \\u0001 it is six times as long";
  EXPECT_EQ(refusal->status, 429);
}

TEST_F(GroupsTest, LeavesOutItsOwnTimes) {
  EXPECT_EQ(push(backup, "push_time_seconds 1\npush_failure_time_seconds 1\na 1\n"), "");
  EXPECT_THAT(lines(groups), ElementsAre("a{job=\"backup\"} 1"));
}

TEST_F(GroupsTest, ARefusedPushChangesNothing) {
  push(report, "# TYPE c counter\nc 1\n");
  push(backup, "a 1\nb 1\n");
  EXPECT_NE(push(backup, "d 1\n# TYPE c gauge\nc 1\n"), "");
  EXPECT_THAT(lines(groups), ElementsAre("c{instance=\"a\", job=\"report\"} 1", "a{job=\"backup\"} 1", "b{job=\"backup\"} 1"));
}

TEST_F(GroupsTest, HasRoomForSoManyGroupsAndSeries) {
  EXPECT_EQ(push(backup, "a 1\nb 1\nc 1\nd 1\ne 1\n"), "");
  EXPECT_EQ(groups.push(report, page("f 1\ng 1\n"), Replace::all, now, {})->status, 429);
  EXPECT_EQ(push(report, "f 1\n"), "");
  EXPECT_EQ(push(backup, "a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\na{x=\"4\"} 1\na{x=\"5\"} 1\n"), "") << "it takes the place of five";
  EXPECT_EQ(push(Labels{{"job", "third"}}, ""), "");
  const auto fourth = groups.push(Labels{{"job", "fourth"}}, page(""), Replace::all, now, {});
  ASSERT_TRUE(fourth);
  EXPECT_EQ(fourth->status, 429);
  EXPECT_EQ(groups.all().size(), 3u);
}

TEST_F(GroupsTest, RemovesAndForgets) {
  push(backup, "a 1\n");
  EXPECT_TRUE(groups.remove(backup));
  EXPECT_FALSE(groups.remove(backup));
  EXPECT_EQ(groups.series(), 0u);
  push(report, "a 1\n");
  groups.forget_old(now + 10min);
  EXPECT_EQ(groups.series(), 1u);
  groups.forget_old(now + 11min);
  EXPECT_EQ(groups.series(), 0u);
}

TEST_F(GroupsTest, KeepsForEverWithoutATtl) {
  Groups for_ever{GroupLimits{}};
  for_ever.push(backup, page("a 1\n"), Replace::all, now, {});
  for_ever.forget_old(now + 10000h);
  EXPECT_EQ(for_ever.series(), 1u);
}

TEST_F(GroupsTest, AreTheSameAfterTheyWereSaved) {
  push(backup, "# HELP a What it is.\n# TYPE a counter\na{x=\"\\\"\\n\xc3\xa4\"} 1\nb NaN\nc -Inf\n");
  push(report, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.5\n");
  groups.fail(report, now, to_wall(now, 0ms), true);
  Groups after{GroupLimits{}};
  ASSERT_TRUE(restore_groups(save_groups(groups), after, now + 1min, to_wall(now + 1min, 1h)));
  EXPECT_EQ(save_groups(after), save_groups(groups));
  const auto& family = after.all().at(backup).families.at("a");
  EXPECT_EQ(family.help, "What it is.");
  EXPECT_EQ(family.samples[0].type, MetricType::counter);
  EXPECT_EQ(after.all().at(backup).last, now) << "a ttl goes on";
  EXPECT_EQ(after.series(), 5u);
}

TEST_F(GroupsTest, OnlyTakeOverWhatThereIsRoomForAndWhatIsWhole) {
  push(backup, "a 1\nb 1\nc 1\n");
  push(report, "d 1\n");
  Groups small{GroupLimits{0ms, 1, 10}};
  ASSERT_TRUE(restore_groups(save_groups(groups), small, now, {}));
  EXPECT_EQ(small.all().size(), 1u);
  for (const char* text : {"", "{", "{}", "[]", "{\"version\": 2}"}) {
    Groups none{GroupLimits{}};
    EXPECT_FALSE(restore_groups(text, none, now, {})) << text;
  }
  Groups odd{GroupLimits{}};
  EXPECT_TRUE(restore_groups(R"({"version":1,"groups":[3,{"labels":{}},{"labels":{"job":"a"},"families":[{"name":"a","samples":[["a"],["a-b","gauge","1",{}],["a","gauge","x",{}],["a","gauge","1",{}]]}]}]})",
                             odd, now, {}));
  EXPECT_EQ(odd.series(), 1u);
}

}  // namespace
}  // namespace sidewatch::pushgateway
