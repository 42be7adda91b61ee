// Numbers and durations: the values of tokens, and how a value is spelled.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace sidewatch::promql {

// 10, 0x1F, 017 (octal), 1.5e3, .5, Inf, NaN.
Result<double> parse_number(std::string_view text);

// 1h30m; units y w d h m s ms, in this order, none twice. Zero is an error, more than 292 years too.
Result<Duration> parse_duration(std::string_view text);

// As Go prints a float: shortest digits that read back equal, an exponent from 1e+06 and below 1e-04.
std::string number_to_string(double value);

// The same, but never with an exponent: the label of count_values().
std::string number_without_exponent(double value);

// 90 s is "1m30s"; weeks and years only where they divide evenly.
std::string duration_to_string(Duration duration);

}  // namespace sidewatch::promql
