// How many deliveries a receiver is given in a time: a bucket of tokens, kept as the one moment at which it will be full.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace sidewatch {
namespace config {
class Section;
}

struct RateLimit {
  std::int64_t messages = 20;
  Duration per = std::chrono::minutes(1);
  bool operator==(const RateLimit&) const = default;
};
void declare(config::Section& section, RateLimit& limit);

class RateBucket {
 public:
  void set_limit(const std::optional<RateLimit>& limit) { limit_ = limit; }
  bool limited() const { return limit_.has_value(); }

  // From when there is room for one more; in the past while there is.
  Time room_at() const { return limit_ ? full_at_ - limit_->per + one() : Time::min(); }
  bool has_room(Time now) const { return room_at() <= now; }
  void take(Time now);
  void give_back();  // what was taken was not used

  Time full_at() const { return full_at_; }
  void restore(Time full_at, Time now);  // what an earlier process left; nothing longer than the limit's own time

 private:
  Duration one() const { return limit_->per / limit_->messages; }

  std::optional<RateLimit> limit_;
  Time full_at_ = time_at_ms(0);
};

}  // namespace sidewatch
