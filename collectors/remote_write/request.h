// A WriteRequest of Prometheus's remote write 1.0, read where it stands.
//
// Of each series it tells the newest sample and how many others came with it: what is of the past has no place in an agent
// that judges the present. Labels are taken apart only when somebody asks, for in a repeated request their bytes are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch::remote_write {

struct SentSeries {
  std::string_view message;                // its TimeSeries
  std::optional<std::string_view> labels;  // their bytes, where they stand together
  std::size_t samples = 0;
  std::size_t native_histograms = 0;
  double value = 0;             // the newest sample
  std::int64_t time_ms = 0;
  std::string_view exemplar;  // the last one's message; empty: there is none
};

struct SentExemplar {
  Labels labels;
  double value = 0;
  std::int64_t time_ms = 0;
};

struct SentMetadata {
  std::string_view name;  // of the family
  MetricType type = MetricType::untyped;
  std::string_view help;
  std::string_view unit;
};

// An Error is a sentence: the bytes are not such a request. What is shown before that stays shown.
Result<void> read_request(std::string_view body, const std::function<void(const SentSeries&)>& series,
                          const std::function<void(const SentMetadata&)>& metadata);

// With __name__. An Error says which rule the labels break: there must be a __name__, and names that are texts, sorted and
// without any twice. Of more than max_labels there are max_labels + 1.
inline constexpr std::size_t max_labels = 64;
Result<Labels> read_labels(std::string_view series_message);

// Absent where the bytes are none.
std::optional<SentExemplar> read_exemplar(std::string_view message);

bool is_stale_marker(double value);  // the NaN by which Prometheus says that a series has ended

}  // namespace sidewatch::remote_write
