#include "base/kept_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sidewatch {
namespace {

class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  const int fd_;
};

Error failure(std::string_view what, const std::string& path) {
  return {std::string(what) + ": " + std::strerror(errno), path};
}

bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0;
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Result<std::optional<std::string>> read_kept_file(const std::string& path, std::size_t max_bytes) {
  const OpenFile file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file) return failure("cannot be read", path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Error{"is not a regular file", path};
  std::string text;
  for (std::string step(64 * 1024, '\0');;) {
    const ssize_t got = ::read(file.get(), step.data(), step.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot be read", path);
    if (got == 0) return std::optional<std::string>(std::move(text));
    text.append(step, 0, static_cast<std::size_t>(got));
    if (text.size() > max_bytes) return Error{"is larger than it can be", path};
  }
}

Result<void> write_kept_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());
  {
    const OpenFile file(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file || !write_whole(file.get(), text)) return failure("cannot be written", beside);
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) return failure("cannot be written", path);
  const OpenFile directory(directory_of(path), O_RDONLY | O_DIRECTORY);
  if (!directory || ::fsync(directory.get()) != 0) return failure("its directory cannot be written", path);
  return {};
}

}  // namespace sidewatch
