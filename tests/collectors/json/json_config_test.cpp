// What may be written below `json`, and what is said of mistakes.
#include <gtest/gtest.h>

#include "tests/collectors/json/json_under_test.h"

namespace sidewatch {
namespace {

void tells(const std::string& metrics, std::string_view what) {
  const std::string problems = read_mappings(metrics).second;
  EXPECT_NE(problems.find(what), std::string::npos) << metrics << " tells: " << problems;
}

TEST(JsonConfig, TellsMistakesInMappings) {
  tells("[]", "say which values become metrics");
  tells("[{path: mem/heap, name: x}]", "a JSON pointer begins with /");
  tells("[{path: '/a~2', name: x}]", "a ~ is written ~0, and a / in a name ~1");
  tells("[{path: /a, name: a-b}]", "'a-b' is not the name of a metric");
  tells("[{path: /a, name: sidewatch_x}]", "the agent speaks about itself");
  tells("[{path: '/*', name: x}]", "needs a label to be told apart by");
  tells("[{path: /a, name: x, keys: [k]}]", "there are more labels here than wildcards");
  tells("[{path: /a, name: x, labels_from: {l: '/*/n'}}]", "has more wildcards (*) than path");
  tells("[{path: /a, name: x, labels: {instance: y}}]", "is the name that stands behind name:");
  tells("[{path: /a, name: x, values: {UP: one}}]", "'one' is not a number");
  tells("[{path: '/*/*/*/*/*', name: x, keys: [a]}]", "more than 4 wildcards");
}

TEST(JsonConfig, TellsMistakesInSources) {
  const auto problems = [](const std::string& keys) {
    return read_json_config("json: [{metrics: [{path: /a, name: a}], " + keys + "}]\n").second;
  };
  EXPECT_EQ(problems("name: a, url: \"http://a/\""), "");
  EXPECT_NE(problems("name: a, url: a").find("a URL starts with http:// or https:// here"), std::string::npos);
  EXPECT_NE(problems("name: a, url: \"http://a/\", interval: 1s, timeout: 2s").find("longer than interval"), std::string::npos);
}

}  // namespace
}  // namespace sidewatch
