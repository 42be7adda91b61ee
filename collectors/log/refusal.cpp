#include "collectors/log/refusal.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sidewatch::log {
namespace {

std::string user_name(uid_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> text{};
  ::getpwuid_r(user, &entry, text.data(), text.size(), &found);
  return found != nullptr ? found->pw_name : "user " + std::to_string(user);
}

std::string group_name(gid_t group) {
  ::group entry{};
  ::group* found = nullptr;
  std::array<char, 4096> text{};
  ::getgrgid_r(group, &entry, text.data(), text.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(group);
}

std::string octal(mode_t mode) {
  std::string text = "0000";
  for (std::size_t i = 0; i < 4; ++i) text[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7U));
  return text;
}

bool may(const std::string& path, int mode) { return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; }

// "... belongs to root:adm (mode 0750); the agent, which runs as sidewatch, needs to be in the group adm"
std::string whose(const std::string& path, mode_t group_bits) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "";
  const auto group = group_name(status.st_gid);
  std::string text = " It belongs to " + user_name(status.st_uid) + ":" + group + " (mode " + octal(status.st_mode & 07777U) +
                     "), the agent runs as " + user_name(::geteuid()) + ": ";
  if ((status.st_mode & group_bits) == group_bits) {
    return text + "put that user into the group " + group + " (with systemd: SupplementaryGroups=" + group + ")";
  }
  return text + "give it the right, for example with setfacl";
}

// The first directory on the way that may not be passed; empty when there is none.
std::string closed_directory(const std::string& path) {
  for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const auto directory = path.substr(0, slash);
    if (!may(directory, X_OK) && errno == EACCES) return directory;
  }
  return "";
}

}  // namespace

Error why_unreadable(const std::string& path, int error_number) {
  if (error_number == ELOOP) return {"its symbolic links go in a circle, or it was replaced by one just now", path};
  if (error_number != EACCES && error_number != EPERM) {
    return {"cannot be read: " + std::generic_category().message(error_number), path};
  }
  const auto directory = closed_directory(path);
  if (directory.empty()) return {"no right to read this file." + whose(path, S_IRGRP), path};
  return {"no right to pass the directory " + directory + "." + whose(directory, S_IXGRP), path};
}

Error why_not_listed(const std::string& directory, int error_number) {
  if (error_number != EACCES && error_number != EPERM) {
    return {"cannot be listed: " + std::generic_category().message(error_number), directory};
  }
  const auto above = closed_directory(directory);
  if (!above.empty()) return {"no right to pass the directory " + above + "." + whose(above, S_IXGRP), directory};
  return {"no right to list this directory." + whose(directory, S_IRGRP | S_IXGRP), directory};
}

std::optional<Error> why_not_ordinary(const std::string& path, mode_t mode) {
  if (S_ISREG(mode)) return std::nullopt;
  if (S_ISDIR(mode)) return Error{"is a directory; to read the files in it write " + path + "/*.log", path};
  if (S_ISFIFO(mode)) return Error{"is a named pipe, not a file: reading it would take lines away from who reads it", path};
  if (S_ISSOCK(mode)) return Error{"is a socket, not a file", path};
  return Error{"is a device (in a container often the standard output), not a file", path};
}

std::optional<Error> why_not_followed(const std::string& path, uid_t owner_of_link, uid_t owner_of_file) {
  if (owner_of_link == 0 || owner_of_link == ::geteuid() || owner_of_link == owner_of_file) return std::nullopt;
  return Error{"is a symbolic link that " + user_name(owner_of_link) + " made to a file of " + user_name(owner_of_file) +
                   ": not followed. Name the file itself",
               path};
}

}  // namespace sidewatch::log
