// When to try again: exponential backoff with full jitter, and what the other side asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/time.h"

namespace sidewatch {

// Uniform in [0, 1).
using RandomUnit = std::function<double()>;

struct RetryPolicy {
  Duration first = std::chrono::seconds(1);
  Duration longest = std::chrono::minutes(5);
  Duration longest_asked = std::chrono::hours(1);  // cap of what the other side may ask for (Retry-After)
};

// The wait after `failures` (>= 1) failed attempts in a row: uniform between `first` and
// min(longest, first * 2^failures), or, when the other side asked for a time, that time (at most longest_asked) and up to
// `first` more, so that not all come back at once.
Duration retry_delay(const RetryPolicy& policy, std::int64_t failures, std::optional<Duration> asked,
                     const RandomUnit& random);

}  // namespace sidewatch
