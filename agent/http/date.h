// The Date header: made once a second, however many responses bear it.
#pragma once

#include <ctime>
#include <string>

#include "base/time.h"

namespace sidewatch {

class HttpDate {
 public:
  // RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". Valid until the next call.
  const std::string& at(WallTime wall);

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace sidewatch
