// Each directory is opened below the one before it, so that nothing that was looked at can be replaced by a link.
#include "collectors/log/trusted_open.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>
#include <vector>

#include "collectors/log/refusal.h"

namespace sidewatch::log {
namespace {

constexpr int max_links = 40;  // as the kernel has it

class Directory {
 public:
  explicit Directory(int fd) : fd_(fd) {}
  Directory(const Directory&) = delete;
  ~Directory() { ::close(fd_); }
  int fd() const { return fd_; }
  void go_to(int fd) {
    ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// The names of a path, the next one at the end.
std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  std::reverse(names.begin(), names.end());
  return names;
}

// Links of processes (/proc/1/root) are the kernel's: they lead to what no path says.
bool is_of_processes(int directory) {
  struct statfs filesystem {};
  return ::fstatfs(directory, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
}

int open_root() { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }

std::optional<std::string> read_link(int directory, const std::string& name) {
  std::array<char, PATH_MAX> text{};
  const auto size = ::readlinkat(directory, name.c_str(), text.data(), text.size());
  if (size <= 0 || size == static_cast<ssize_t>(text.size())) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::optional<Error> why_not_any_followed(const std::string& path, const std::vector<uid_t>& owners_of_links, uid_t owner) {
  for (const auto owner_of_link : owners_of_links) {
    if (auto why = why_not_followed(path, owner_of_link, owner)) return why;
  }
  return std::nullopt;
}

}  // namespace

Result<int> open_trusted(const std::string& path) {
  std::vector<uid_t> owners_of_links;
  int links = 0;
  auto names = names_of(path);
  Directory at(open_root());
  while (!names.empty()) {
    const std::string name = std::move(names.back());
    names.pop_back();
    struct stat status {};
    if (::fstatat(at.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return why_unreadable(path, errno);
    const bool of_processes = S_ISLNK(status.st_mode) && is_of_processes(at.fd());
    if (S_ISLNK(status.st_mode) && !(of_processes && !names.empty())) {
      const auto target = read_link(at.fd(), name);
      if (!target || ++links > max_links) return why_unreadable(path, ELOOP);
      owners_of_links.push_back(status.st_uid);
      if (target->starts_with('/')) at.go_to(open_root());
      auto more = names_of(*target);
      names.insert(names.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      continue;
    }
    if (!names.empty()) {
      const int next = ::openat(at.fd(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | (of_processes ? 0 : O_NOFOLLOW));
      if (next < 0) return why_unreadable(path, errno);
      at.go_to(next);
      continue;
    }
    // What is named is looked at first, as opening alone would wake a pipe's writer or move a tape; what was opened is
    // looked at again, as names change.
    if (auto why = why_not_ordinary(path, status.st_mode)) return *why;
    if (auto why = why_not_any_followed(path, owners_of_links, status.st_uid)) return *why;
    const int file = ::openat(at.fd(), name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    if (file < 0) return why_unreadable(path, errno);
    std::optional<Error> why;
    if (::fstat(file, &status) != 0) why = why_unreadable(path, errno);
    if (!why) why = why_not_ordinary(path, status.st_mode);
    if (!why) why = why_not_any_followed(path, owners_of_links, status.st_uid);
    if (!why) return file;
    ::close(file);
    return *why;
  }
  return why_unreadable(path, EISDIR);
}

}  // namespace sidewatch::log
