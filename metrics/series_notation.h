// The notation in which tests write series: `up{job="a"}` and the values `1 2 _ stale 5+1x3`.
//
// It is Prometheus's series description (promql/parser, generated_parser.y), of which the two halves are read apart,
// because the files that use it keep them apart. What the notation expands to is bounded: a repetition is one word, but
// may stand for any number of values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"

namespace sidewatch {

inline constexpr std::size_t max_notation_values = 1'000'000;  // of one series

// One step of a series: absent for `_`, the stale marker for `stale`.
using NotatedValue = std::optional<double>;

// `up{job="a"}`, `{__name__="up", job="a"}`, `up`, `{}`; "" is the same as `{}`. The name becomes the label __name__.
// Error::where is "line:column" in `text`, 1-based, columns in characters.
Result<Labels> parse_series_labels(std::string_view text);

// Words between white space, each one or more steps:
//
//     1  -2.5  1e3  NaN  Inf  -Inf    that value
//     _      _x3                      no sample; three steps without one
//     stale                           the series ends
//     1x3                             1 1 1 1: the value, and three more of it
//     1+2x3  5-1x2                    1 3 5 7; 5 4 3
Result<std::vector<NotatedValue>> parse_series_values(std::string_view text);

// As the notation and the language write it: `up{job="a"}`; `{}` when there is no label at all.
std::string series_to_string(const Labels& labels);

}  // namespace sidewatch
