// A point in time until which somebody waits for a socket, and the waiting.
#pragma once

#include <chrono>

#include "base/time.h"

namespace sidewatch::database {

class Deadline {
 public:
  explicit Deadline(Duration patience) : at_(std::chrono::steady_clock::now() + patience) {}
  Duration left() const;  // 0 when it is over

 private:
  std::chrono::steady_clock::time_point at_;
};

// Waits with poll() until `socket` has one of `events` (or an error): those that came, 0 when none did in time.
short await(int socket, short events, const Deadline& deadline);

}  // namespace sidewatch::database
