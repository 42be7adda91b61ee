// Numbers as people say them: "1.5 GiB", "93.2 %", "2h 5m", "12.5 MiB/s".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sidewatch {

// `unit` as OpenMetrics names it: bytes, seconds, ratio (0..1, said in percent), percent (0..100), celsius, hertz, volts,
// and each of them "per second" with "/s" behind; anything else is put behind the number as it is; empty: the number
// alone. Four significant digits. NaN is "no value".
std::string human_value(double value, std::string_view unit);

// The course of the values in one line of block characters, U+2581 to U+2588, lowest to highest of what is given; a
// gap (NaN) is a space. Empty where there are fewer than two values. At most the last `max_columns` are shown.
std::string sparkline(std::span<const double> values, std::size_t max_columns = 24);

}  // namespace sidewatch
