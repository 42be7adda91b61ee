// Reads samples from a file: OpenMetrics 1.0 text with timestamps, as `promtool tsdb dump-openmetrics` writes it and
// `promtool tsdb create-blocks-from openmetrics` reads it, or a page of the Prometheus text format.
//
// Which of the two it is, the end says: an OpenMetrics file ends with a line `# EOF`, and its timestamps are seconds; a
// page without that line is Prometheus text, whose timestamps are whole milliseconds. What only OpenMetrics has
// (fractions in timestamps, `# UNIT`, exemplars) is refused where the `# EOF` is missing: the file was cut off. A series
// may have any number of samples in any order. Metadata and exemplars are checked in their form and left out.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/point.h"

namespace sidewatch {

struct TimedSeries {
  Labels labels;              // with __name__
  std::vector<Point> points;  // rising in time; never empty
};

struct SamplesRead {
  std::vector<TimedSeries> series;  // in the order of their first sample
  bool timed = false;               // the samples had timestamps; either all of them have or none
  Time oldest;                      // of all samples
  Time newest;
};

struct SamplesReadOptions {
  Time untimed_at;                        // the time of every sample in a file without timestamps
  std::size_t max_series = 100'000;
  std::size_t max_samples = 10'000'000;
};

// Error::what is a sentence, Error::where is "line:column", 1-based, columns in characters. Two samples of one series
// for the same time are an error unless they are the same.
Result<SamplesRead> read_openmetrics(std::string_view text, const SamplesReadOptions& options);

}  // namespace sidewatch
