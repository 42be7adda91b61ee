// One question to the C library for each user that was not met yet.
#include "collectors/process/user_names.h"

#include <pwd.h>

#include <array>

namespace sidewatch {

// getpwuid_r, as names also come from systemd (DynamicUser=) and directory services.
const std::string& UserNames::of(uid_t user) {
  if (const auto known = names_.find(user); known != names_.end()) return known->second;
  if (names_.size() >= max_users) names_.clear();
  std::array<char, 4096> buffer;  // a longer entry's name is its number
  passwd entry{};
  passwd* found = nullptr;
  const bool named = getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return names_.emplace(user, named ? entry.pw_name : std::to_string(user)).first->second;
}

}  // namespace sidewatch
