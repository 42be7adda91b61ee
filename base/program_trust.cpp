#include "base/program_trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

namespace sidewatch::exec {
namespace {

bool is_ours(uid_t owner, const std::optional<Identity>& as) {
  return owner == 0 || owner == ::geteuid() || (as && owner == as->user);
}

// Who may write to a directory on the way, links included, may put another program in the place of the one that is named.
// Groups are let be: /usr/local belongs to one on many machines. In a directory such as /tmp each has its own.
std::optional<Error> why_way_not_trusted(const std::string& path, const std::optional<Identity>& as) {
  constexpr int most_links = 40;
  int links = 0;
  std::vector<std::filesystem::path> names;  // that are still to come, the next one at the end
  const auto push = [&names](const std::filesystem::path& more) {
    const std::vector<std::filesystem::path> in_order(more.begin(), more.end());
    names.insert(names.end(), in_order.rbegin(), in_order.rend());
  };
  std::filesystem::path at;
  for (push(path); !names.empty();) {
    const auto above = at;
    at /= names.back();
    names.pop_back();
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0) return std::nullopt;  // running it will say why
    const bool is_link = S_ISLNK(status.st_mode);
    if (!is_link && !S_ISDIR(status.st_mode)) continue;
    const std::string it = (is_link ? "the symbolic link " : "the directory ") + at.string();
    if (!is_ours(status.st_uid, as)) {
      return Error{"is not run, as " + it + " belongs to another user (number " + std::to_string(status.st_uid) + ")", path};
    }
    if (!is_link && (status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
      return Error{"is not run, as " + it + " can be written to by everybody: chmod o-w " + at.string(), path};
    }
    if (!is_link) continue;
    std::error_code error;
    push(std::filesystem::read_symlink(at, error));
    if (error || ++links > most_links) return std::nullopt;
    at = above;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Error> why_not_trusted(const std::string& path, const std::optional<Identity>& as) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Error{"cannot be run: " + std::generic_category().message(errno), path};
  if (!S_ISREG(status.st_mode)) return Error{"is not a program but a directory or a device", path};
  if (!is_ours(status.st_uid, as)) {
    return Error{"is not run, as it belongs to another user (number " + std::to_string(status.st_uid) +
                     "): it must belong to root or to whom it runs as",
                 path};
  }
  const bool group_is_ours = status.st_gid == 0 || status.st_gid == ::getegid() || (as && status.st_gid == as->group);
  if ((status.st_mode & S_IWOTH) != 0 || ((status.st_mode & S_IWGRP) != 0 && !group_is_ours)) {
    return Error{"is not run, as others may write to it: chmod go-w " + path, path};
  }
  return why_way_not_trusted(path, as);
}

}  // namespace sidewatch::exec
