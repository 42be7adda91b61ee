// How a single value is written: durations, sizes, percentages, numbers, true and false.
//
// Pure functions from text to value, used by sections and by whoever reads such values inside a longer text (a
// threshold "> 90%"). They refuse everything that is nearly right (`5 GB`, `1h30`, `010`, `yes`) with a sentence that
// says how to write it; Error::what is that sentence and quotes the text. No locale takes part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "config/section.h"

namespace sidewatch::config {

// Whole numbers with the units y w d h m s ms, largest first, each at most once: "30s", "1h30m", "250ms", "7d"; "0".
// At most 100 years of 365 days.
Result<Duration> parse_duration(std::string_view text);

// One whole number and one unit of B, KB MB GB TB (1000), KiB MiB GiB TiB (1024): "512MiB"; "0".
Result<Bytes> parse_size(std::string_view text);

// "90%" is 90.0; 0 to 100.
Result<double> parse_percent(std::string_view text);

// Decimal, no leading zero, no digit separators.
Result<std::int64_t> parse_integer(std::string_view text);

// As JSON writes it: "-12.5e3"; neither NaN nor infinity.
Result<double> parse_number(std::string_view text);

// true or false, nothing else.
Result<bool> parse_boolean(std::string_view text);

// The shortest text that parses to the same value: "1h30m", "512MiB", "0.1".
std::string write_duration(Duration duration);
std::string write_size(Bytes bytes);
std::string write_number(double number);

}  // namespace sidewatch::config
