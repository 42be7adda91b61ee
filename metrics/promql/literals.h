// The values of number and duration tokens.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace sidewatch::promql {

// 10, 0x1F, 017 (octal), 1.5e3, .5, Inf, NaN.
Result<double> parse_number(std::string_view text);

// 1h30m; units y w d h m s ms, in this order, none twice. Zero is an error, more than 292 years too.
Result<Duration> parse_duration(std::string_view text);

}  // namespace sidewatch::promql
