// Samples as the API writes them in JSON: times as seconds, values as texts, the labels of a series as an object.
//
// On the hot path of a range query: everything goes into one growing text, and that text has a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// 1435781430.781; whole seconds have no fraction.
void append_json_time(std::string& out, WallTime time);

// "0.25", quotes included; NaN, +Inf, -Inf; an exponent from 1e+21 on and below 1e-06, as Prometheus writes samples.
void append_json_value(std::string& out, double value);

// {"__name__":"up","job":"a"}
void append_json_labels(std::string& out, const Labels& labels);

// {"resultType":"vector","result":[...]} of a value at `at`. Throws ApiError when it would be longer than `max_bytes`.
struct ResultShape {
  WallTime at;          // of the instants
  Duration wall_step;   // from the store's timeline to wall time
  std::size_t max_bytes;
};
void append_json_result(std::string& out, const promql::Value& value, const ResultShape& shape);

}  // namespace sidewatch
