#include "collectors/database/deadline.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace sidewatch::database {

Duration Deadline::left() const {
  return std::max(Duration(0), std::chrono::ceil<Duration>(at_ - std::chrono::steady_clock::now()));
}

short await(int socket, short events, const Deadline& deadline) {
  pollfd one{socket, events, 0};
  while (true) {
    const auto left = deadline.left();
    if (left == Duration(0)) return 0;
    const int ready = poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return one.revents;
    if (ready < 0 && errno != EINTR) return 0;
  }
}

}  // namespace sidewatch::database
