// What of a JSON text becomes which sample.
#include "collectors/json/mapping.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/collectors/json/json_under_test.h"

namespace sidewatch::json {
namespace {

struct Outcome {
  std::string samples;
  std::string problem;
  bool full = false;
};

Outcome map(const std::string& metrics, const std::string& text, std::size_t max_samples = 100) {
  const auto [read, problems] = read_mappings(metrics);
  EXPECT_EQ(problems, "");
  const auto root = JsonValue::parse(text);
  EXPECT_TRUE(root);
  const auto mapped = map_json(*root, read.sources.at(0).metrics, max_samples);
  Outcome outcome;
  for (const auto& sample : mapped.samples) {
    const auto& name = read.sources[0].metrics[sample.mapping].name.value;
    std::string number = std::to_string(sample.value);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    outcome.samples += name + (sample.labels.empty() ? "" : sample.labels.to_string()) + "=" + number + " ";
  }
  outcome.problem = mapped.first_problem;
  outcome.full = mapped.full;
  return outcome;
}

TEST(JsonMapping, TakesNumbersTruthsAndWhatTextsMean) {
  const auto outcome = map(
      "[{path: /mem/heap, name: heap, labels: {area: old}}, {path: /on, name: on}, {path: /status, name: ok, values: {UP: 1, DOWN: 0}},"
      " {path: /load, name: load, numeric_strings: true}, {path: /ms, name: seconds, scale: 0.001}, {path: /none, name: none}]",
      R"({"mem":{"heap":12.5},"on":true,"status":"DOWN","load":"0.75","ms":250,"none":null})");
  EXPECT_EQ(outcome.samples, "heap{area=\"old\"}=12.5 on=1 ok=0 load=0.75 seconds=0.25 ");
  EXPECT_EQ(outcome.problem, "");
}

TEST(JsonMapping, WildcardsStandForMembersAndItems) {
  EXPECT_EQ(map("[{path: /pools/*/used, name: used, keys: [pool]}]", R"({"pools":{"a":{"used":1},"b":{"used":2},"c":{}}})").samples,
            R"(used{pool="a"}=1 used{pool="b"}=2 )");
  EXPECT_EQ(map("[{path: /*/*, name: x, keys: [row, column]}]", "[[1,2],[3]]").samples,
            R"(x{column="0", row="0"}=1 x{column="1", row="0"}=2 x{column="0", row="1"}=3 )");
}

TEST(JsonMapping, LabelsMayStandBesideTheValue) {
  EXPECT_EQ(map("[{path: /measurements/*/value, name: m, labels_from: {statistic: /measurements/*/statistic, app: /name}}]",
                R"({"name":"shop","measurements":[{"statistic":"COUNT","value":3},{"statistic":"MAX","value":4}]})")
                .samples,
            R"(m{app="shop", statistic="COUNT"}=3 m{app="shop", statistic="MAX"}=4 )");
}

TEST(JsonMapping, LabelsOfManyMembersTakeNoLongerForEachOfThem) {
  constexpr int members = 60'000;  // which took minutes when each was searched for from the front
  std::string text;
  for (int i = 0; i < members; ++i) {
    const std::string n = std::to_string(i);
    text += (i == 0 ? "{\"k" : ",\"k") + n + "\":{\"v\":" + n + ",\"n\":\"name" + n + "\"}";
  }
  text += ",\"shop\":\"s\"}";
  const auto began = std::chrono::steady_clock::now();
  const auto read = read_mappings("[{path: '/*/v', name: v, labels_from: {n: '/*/n', shop: /shop}}]").first;
  const auto root = JsonValue::parse(text, {.max_bytes = text.size()});
  ASSERT_TRUE(root);
  const auto mapped = map_json(*root, read.sources.at(0).metrics, members);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
  ASSERT_EQ(mapped.samples.size(), static_cast<std::size_t>(members));
  EXPECT_EQ(mapped.samples.back().labels.to_string(), R"({n="name59999", shop="s"})");
}

TEST(JsonMapping, ReadsPointersAsTheRfcHasThem) {
  const std::string text = R"({"":0,"a/b":1,"m~n":8,"foo":["bar",5],"01":7})";
  EXPECT_EQ(map("[{path: '/', name: a}, {path: '/a~1b', name: b}, {path: '/m~0n', name: c}, {path: /foo/1, name: d}, {path: /01, name: e}]", text).samples,
            "a=0 b=1 c=8 d=5 e=7 ");
  EXPECT_EQ(map("[{path: /foo/01, name: d}]", text).problem, "there is nothing at /foo/01");
  EXPECT_EQ(map("[{path: /foo/-, name: d}]", text).problem, "there is nothing at /foo/-");
  EXPECT_EQ(map("[{path: '', name: whole}]", "42").samples, "whole=42 ");
}

TEST(JsonMapping, TellsWhatIsMissingOrNoNumber) {
  EXPECT_EQ(map("[{path: /a/b, name: x}]", "{}").problem, "there is nothing at /a/b");
  EXPECT_EQ(map("[{path: /a/b, name: x, optional: true}]", "{}").problem, "");
  EXPECT_EQ(map("[{path: /a, name: x}]", R"({"a":{}})").problem, "at /a stands an object, not a number");
  EXPECT_EQ(map("[{path: /a, name: x}]", R"({"a":"5"})").problem,
            "at /a stands the text '5': say what it means with values:, or numeric_strings: true when it holds a number");
  EXPECT_EQ(map("[{path: /a, name: x, values: {UP: 1}}]", R"({"a":"ODD"})").problem,
            "at /a stands the text 'ODD', which values: does not know");
  EXPECT_EQ(map("[{path: /a, name: x, values: {UP: 1, '*': -1}}]", R"({"a":"ODD"})").samples, "x=-1 ");
}

TEST(JsonMapping, StopsAtTheMostSamples) {
  const auto outcome = map("[{path: /*, name: x, keys: [i]}]", "[1,2,3]", 2);
  EXPECT_TRUE(outcome.full);
  EXPECT_EQ(outcome.samples, R"(x{i="0"}=1 x{i="1"}=2 )");
}

}  // namespace
}  // namespace sidewatch::json
