#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <system_error>
#include <vector>

#include "base/program.h"

namespace sidewatch::exec {

Result<Identity> identity_of(const std::string& user) {
  std::vector<char> text(std::size_t{16} << 10);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr) {
    return Error{"there is no user '" + user + "' on this machine" + (error != 0 ? ": " + std::generic_category().message(error) : ""), ""};
  }
  Identity identity{entry.pw_uid, entry.pw_gid, {}};
  if (::geteuid() != 0 && ::geteuid() != identity.user) {
    return Error{"the agent does not run as root and so cannot become the user '" + user +
                     "': take the key user away, or have it run by sudo",
                 ""};
  }
  if (::geteuid() != 0) identity.group = ::getegid();  // it is the agent's own user, and a service may have another group
  int count = 256;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), identity.group, identity.groups.data(), &count) < 0) count = 256;
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

}  // namespace sidewatch::exec
