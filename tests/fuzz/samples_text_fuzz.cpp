// Any bytes as a file of samples, as a series and as the values of one.
//
// Beside not crashing it must hold that what was read is in order, and that a series as it is written is read as the
// same series again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/openmetrics_reader.h"
#include "metrics/series_notation.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_samples(std::string_view text) {
  const auto read = read_openmetrics(text, {.untimed_at = {}, .max_series = 1000, .max_samples = 10'000});
  if (!read) return require(!read.error().what.empty() && !read.error().where.empty());
  for (const auto& series : read->series) {
    require(!series.points.empty());
    for (std::size_t i = 1; i < series.points.size(); ++i) require(series.points[i - 1].time < series.points[i].time);
    require(read->oldest <= series.points.front().time && series.points.back().time <= read->newest);
  }
}

void check_labels(std::string_view text) {
  const auto labels = parse_series_labels(text);
  if (!labels) return require(!labels.error().what.empty() && !labels.error().where.empty());
  const auto again = parse_series_labels(series_to_string(*labels));
  require(again && *again == *labels);
}

void check_values(std::string_view text) {
  const auto values = parse_series_values(text);
  if (!values) return require(!values.error().what.empty() && !values.error().where.empty());
  require(values->size() <= max_notation_values);
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::check_samples(text);
  sidewatch::check_labels(text);
  sidewatch::check_values(text);
  return 0;
}
