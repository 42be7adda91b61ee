// The names of users by number, as the machine's user database tells them, asked once for each number.
//
// They are those of where the agent stands: with another machine's or container's procfs only the numbers are sure.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>

namespace sidewatch {

class UserNames {
 public:
  static constexpr std::size_t max_users = 4096;  // remembered; beyond, all are forgotten and asked for anew

  // The number where nobody knows a name. Valid until the next call.
  const std::string& of(uid_t user);

 private:
  std::map<uid_t, std::string> names_;
};

}  // namespace sidewatch
