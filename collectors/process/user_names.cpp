// One question to the C library for each user that was not met within the last minute.
#include "collectors/process/user_names.h"

#include <pwd.h>

#include <array>

namespace sidewatch {
namespace {

// getpwuid_r, as names also come from systemd (DynamicUser=) and directory services.
std::optional<std::string> ask_user_database(uid_t user) {
  std::array<char, 4096> buffer;  // a longer entry's name is its number
  passwd entry{};
  passwd* found = nullptr;
  const bool named = getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return named ? std::optional<std::string>(entry.pw_name) : std::nullopt;
}

}  // namespace

UserNames::UserNames() : UserNames(ask_user_database) {}

const std::string& UserNames::of(uid_t user, Moment now) {
  const auto known = names_.find(user);
  if (known != names_.end() && now - known->second.asked_at < remembered_for) return known->second.name;
  if (known == names_.end() && names_.size() >= max_users) names_.clear();
  auto& entry = names_[user];
  entry = {lookup_(user).value_or(std::to_string(user)), now};
  return entry.name;
}

}  // namespace sidewatch
