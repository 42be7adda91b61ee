#include "alerting/outbox_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/crypto.h"

namespace sidewatch {
namespace {

constexpr std::int64_t room_per_ballast = 8;  // the disk has this many times the ballast free, then it is set aside
constexpr std::size_t mark_bytes = 128;

Error system_error(const std::string& what, const std::string& path) {
  return {what + ": " + std::strerror(errno), path};
}

std::string owner_problem(const struct stat& status, bool root_is_fine) {
  if (status.st_uid == geteuid() || (root_is_fine && status.st_uid == 0)) return {};
  return "belongs to user " + std::to_string(status.st_uid) + ", sidewatch runs as user " + std::to_string(geteuid());
}

std::string read_all(int fd, std::size_t most) {
  std::string text(most, '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::optional<std::int64_t> take_integer(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return value;
}

std::string seal(std::string_view text) { return to_hex(sha256(text)).substr(0, 16); }

}  // namespace

FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}

Result<void> prepare_directory(const std::string& directory) {
  struct stat status{};
  if (stat(directory.c_str(), &status) != 0) {
    std::error_code problem;
    std::filesystem::create_directories(directory, problem);
    if (problem) return Error{"cannot be created: " + problem.message(), directory};
    chmod(directory.c_str(), 0700);
    if (stat(directory.c_str(), &status) != 0) return system_error("cannot be read", directory);
  }
  if (!S_ISDIR(status.st_mode)) return Error{"is not a directory", directory};
  if (auto problem = owner_problem(status, true); !problem.empty()) return Error{std::move(problem), directory};
  return {};
}

Result<void> prepare_file(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    const FileHandle file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return system_error("cannot be created", path);
    return {};
  }
  if (S_ISDIR(status.st_mode)) return Error{"is a directory, where the outbox's database should be", path};
  if (S_ISLNK(status.st_mode)) return Error{"is a symbolic link, which is not followed here", path};
  if (!S_ISREG(status.st_mode)) return Error{"is not a regular file", path};
  if (auto problem = owner_problem(status, false); !problem.empty()) return Error{std::move(problem), path};
  if (access(path.c_str(), R_OK | W_OK) != 0) return system_error("cannot be written", path);
  return {};
}

Result<void> read_through(const std::string& path) {
  const FileHandle file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return {};
    return system_error("cannot be read", path);
  }
  std::string buffer(64 * 1024, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = pread(file.get(), buffer.data(), buffer.size(), at);
    if (got == 0) return {};
    if (got < 0 && errno != EINTR) return system_error("cannot be read", path);
    at += std::max<ssize_t>(got, 0);
  }
}

Result<FileHandle> lock_directory(const std::string& directory) {
  const std::string path = directory + "/lock";
  FileHandle file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    const std::string reason = errno == ELOOP ? "'lock' in it is a symbolic link" : std::strerror(errno);
    return Error{"the state directory cannot be written: " + reason, directory};
  }
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    std::string holder = read_all(file.get(), 32);
    holder = holder.substr(0, holder.find('\n'));
    return Error{"locked by pid " + (holder.empty() ? "?" : holder) + ": another sidewatch uses this state directory",
                 directory};
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file.get(), 0) != 0 || pwrite(file.get(), pid.data(), pid.size(), 0) < 0) {
    // On a full disk the lock holds all the same, only without a name.
  }
  return file;
}

void Ballast::restore() {
  if (present_ || bytes_ <= 0) return;
  struct stat status{};
  if (lstat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_blocks * 512 >= bytes_) {
    present_ = true;
    return;
  }
  struct statvfs disk{};
  const std::string directory = path_.substr(0, path_.rfind('/'));
  if (statvfs(directory.c_str(), &disk) != 0) return;
  const auto room = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
  if (room < bytes_ * room_per_ballast) return;
  const FileHandle file(open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return;
  present_ = posix_fallocate(file.get(), 0, bytes_) == 0;
  if (!present_) unlink(path_.c_str());
}

bool Ballast::free() {
  if (!present_) return false;
  present_ = false;
  return unlink(path_.c_str()) == 0;
}

Result<HighWater> HighWaterFile::read() const {
  const FileHandle file(open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return HighWater{};
  if (!file) return system_error("cannot be read", path_);
  const std::string text = read_all(file.get(), mark_bytes);
  if (text.empty()) return HighWater{};  // made, and then the process ended
  std::string_view rest = text;
  const auto commits = take_integer(rest);
  const auto last = commits ? take_integer(rest) : std::nullopt;
  const std::string_view sealed = std::string_view(text).substr(0, text.size() - rest.size());
  if (!last || rest.substr(0, rest.find('\n')) != seal(sealed)) return Error{"is damaged", path_};
  return HighWater{*commits, *last};
}

Result<void> HighWaterFile::write(const HighWater& mark) {
  if (!file_) {
    file_ = FileHandle(open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_) return system_error("cannot be written", path_);
  }
  std::string text = std::to_string(mark.commits) + " " + std::to_string(mark.last_number) + " ";
  text += seal(text) + "\n";
  text.resize(mark_bytes, ' ');
  const ssize_t written = pwrite(file_.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size())) return system_error("cannot be written", path_);
  if (fdatasync(file_.get()) != 0) return system_error("cannot be synced", path_);
  return {};
}

}  // namespace sidewatch
