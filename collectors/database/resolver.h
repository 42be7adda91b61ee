// The addresses of a host name, within a deadline: getaddrinfo waits for as long as the machine's name servers are
// silent, and client libraries call it before their own timeouts begin.
//
// Used by one thread. What is still being looked up when patience ends is left to a thread of its own (base/errand.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/errand.h"
#include "base/time.h"
#include "collectors/database/failure.h"

namespace sidewatch::database {

class Resolver {
 public:
  static constexpr std::size_t most_addresses = 8;  // of one name

  // Sets `addresses` ("192.0.2.1", "2001:db8::1") in the order in which they are to be tried. An address is its own.
  std::optional<Failure> resolve(const std::string& host, Duration patience, std::vector<std::string>& addresses);

 private:
  static constexpr std::size_t most_left_behind = 4;
  ErrandRunner runner_{most_left_behind};
};

}  // namespace sidewatch::database
