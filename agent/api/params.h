// The parameters of API requests, read as Prometheus 2.42 reads them and refused in its words.
//
// Whatever cannot be read is an ApiError (bad_data), thrown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/envelope.h"
#include "base/result.h"
#include "base/time.h"
#include "metrics/matcher.h"

namespace sidewatch {

// Instants beyond these are taken for these: far from both ends, so that no sum or difference of two overflows.
inline constexpr WallTime earliest_wall{Duration(-(std::int64_t{1} << 60))};
inline constexpr WallTime latest_wall{Duration(std::int64_t{1} << 60)};

// Seconds since 1970 with a fraction, or RFC 3339: 1435781430.781, 2015-07-01T20:10:30.781Z.
Result<WallTime> parse_api_time(std::string_view text);

// Seconds with a fraction, or a Prometheus duration: 15, 0.5, 1h30m.
Result<Duration> parse_api_duration(std::string_view text);

ApiError invalid_parameter(std::string_view name, std::string_view why);

// A time that must be there, and one that may be absent.
WallTime required_time(const HttpRequest& request, std::string_view name);
WallTime time_or(const HttpRequest& request, std::string_view name, WallTime otherwise);

// A whole number; absent when the parameter is.
std::optional<std::int64_t> number_param(const HttpRequest& request, std::string_view name);

using Matchers = std::vector<Matcher>;

// A series selector such as up{job="a"}, without offset or range. Error::what is complete: `1:3: parse error: ...`.
Result<Matchers> parse_selector(const std::string& text);

// Every match[], each of them known to parse and to exclude something; errors begin with `prefix`. The texts and not
// the matchers: a compiled pattern can be large, and so only one selector's patterns exist at a time.
std::vector<std::string> match_params(const HttpRequest& request, std::string_view prefix);

}  // namespace sidewatch
