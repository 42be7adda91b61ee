// The names of users by number, as the machine's user database tells them, asked again after a minute for each number.
//
// They are those of where the agent stands: with another machine's or container's procfs only the numbers are sure.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sidewatch {

class UserNames {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  using Lookup = std::function<std::optional<std::string>(uid_t user)>;
  static constexpr std::size_t max_users = 4096;  // remembered; beyond, all are forgotten and asked for anew
  static constexpr std::chrono::seconds remembered_for{60};  // a number may be given to another user

  UserNames();  // asks the machine's user database
  explicit UserNames(Lookup lookup) : lookup_(std::move(lookup)) {}

  // The number where nobody knows a name. Valid until the next call.
  const std::string& of(uid_t user, Moment now);

 private:
  struct Known {
    std::string name;
    Moment asked_at;
  };
  Lookup lookup_;
  std::map<uid_t, Known> names_;
};

}  // namespace sidewatch
