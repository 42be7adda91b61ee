// A configuration below `json`, read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collectors/json/config.h"
#include "config/document.h"

namespace sidewatch {

struct JsonUnderTest {
  std::vector<json::JsonConfig> sources;
};
inline void declare(config::Section& section, JsonUnderTest& read) { section.list("json", read.sources, "sources"); }

inline std::pair<JsonUnderTest, std::string> read_json_config(const std::string& yaml) {
  config::Problems problems;
  auto document = config::Document::parse("f", yaml, [](const auto&) { return std::nullopt; }, problems);
  JsonUnderTest read;
  document.read(read);
  return {std::move(read), problems.text()};
}

// One source whose metrics are `metrics`, a YAML list in one line.
inline std::pair<JsonUnderTest, std::string> read_mappings(const std::string& metrics) {
  return read_json_config("json: [{name: app, url: \"http://a/\", metrics: " + metrics + "}]\n");
}

}  // namespace sidewatch
