#include "alerting/rate_limit.h"

#include <algorithm>
#include <chrono>

#include "config/section.h"

namespace sidewatch {

using namespace std::chrono_literals;

void declare(config::Section& section, RateLimit& limit) {
  section.optional("messages", limit.messages, "this many in the time `per`, also all at once",
                   config::Between<std::int64_t>{1, 1'000});
  section.optional("per", limit.per, "the time in which so many are sent at most", config::between(1s, 24h));
}

void RateBucket::take(Time now) {
  if (limit_) full_at_ = std::max(full_at_, now) + one();
}

void RateBucket::give_back() {
  if (limit_) full_at_ -= one();
}

void RateBucket::restore(Time full_at, Time now) {
  if (limit_) full_at_ = std::min(full_at, now + limit_->per);
}

}  // namespace sidewatch
