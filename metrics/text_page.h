// A page of the Prometheus text format (0.0.4), read as one that somebody left in a file: whole or not at all.
//
// Refuses timestamps (what stands in a file has the time at which it is read), a name that is given two types, a series
// that is given twice, and a last line without an end, which is a page that is still being written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch {

struct PageSample {
  std::string name;
  Labels labels;
  double value = 0;
  MetricType type = MetricType::untyped;  // of the family: x_bucket of a histogram x is of type histogram
  std::string help;
};

// Error::what is a sentence, Error::where is "line:column", 1-based, columns in characters.
Result<std::vector<PageSample>> read_text_page(std::string_view text, std::size_t max_samples);

}  // namespace sidewatch
