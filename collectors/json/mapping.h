// What of a JSON text becomes which sample: a pointer to one value or, with wildcards, to many.
//
// A number is a sample as it is, true is 1 and false 0; a text is one only where it is said what it means (`values`), or
// that it holds a number (`numeric_strings`). null is no sample, and no mistake.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "collectors/json/json_pointer.h"
#include "config/section.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch::json {

struct MetricMapping {
  config::Located<std::string> path;
  config::Located<std::string> name;
  MetricType type = MetricType::gauge;
  std::string help;
  std::map<std::string, std::string> labels;
  std::vector<std::string> keys;                  // the labels that get what the wildcards stood for
  std::map<std::string, std::string> labels_from;  // label -> pointer
  std::map<std::string, std::string> values;      // text -> number; "*" for every other text
  bool numeric_strings = false;
  double scale = 1;
  bool optional = false;  // that nothing is there is no mistake

  JsonPointer pointer;  // of `path`
  std::vector<std::pair<std::string, JsonPointer>> label_pointers;  // of `labels_from`
  std::map<std::string, double, std::less<>> numbers;  // of `values`
};
void declare(config::Section& section, MetricMapping& mapping);

struct MappedSample {
  std::size_t mapping = 0;
  Labels labels;
  double value = 0;
};

struct Mapped {
  std::vector<MappedSample> samples;
  std::size_t problems = 0;
  std::string first_problem;  // in words that stay the same while the text's shape does
  bool full = false;          // there would have been more than max_samples
};

Mapped map_json(const JsonValue& root, const std::vector<MetricMapping>& mappings, std::size_t max_samples);

}  // namespace sidewatch::json
