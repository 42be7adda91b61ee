#include "base/retry.h"

#include <algorithm>

namespace sidewatch {

Duration retry_delay(const RetryPolicy& policy, std::int64_t failures, std::optional<Duration> asked,
                     const RandomUnit& random) {
  const auto part_of = [&](Duration whole) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(whole.count()) * random()));
  };
  if (asked) return std::clamp(*asked, Duration(0), policy.longest_asked) + part_of(policy.first);
  constexpr std::int64_t most_doublings = 30;
  const std::int64_t factor = std::int64_t{1} << std::clamp<std::int64_t>(failures, 1, most_doublings);
  const Duration longest = policy.longest / factor < policy.first ? policy.longest : policy.first * factor;
  return policy.first + part_of(std::max(longest - policy.first, Duration(0)));
}

}  // namespace sidewatch
