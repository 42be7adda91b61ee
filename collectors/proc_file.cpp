// Implementation of proc_file.h. Every read runs to the end of the file, over short reads and EINTR; of a short file
// the end is known without asking for it, for asking costs as much as half the read.
#include "collectors/proc_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

namespace sidewatch {
namespace {

constexpr std::size_t kFirstBytes = 4096;
constexpr std::string_view kBlanks = " \t";

int open_retrying(int directory, const char* name, int flags) {
  int fd = -1;
  do {
    fd = ::openat(directory, name, flags | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

void close_quietly(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

template <class T>
std::optional<T> parse_integer(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The header of one entry as the kernel writes it (getdents64(2)); the name follows, ended by a NUL.
struct EntryHeader {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
};
constexpr std::size_t kEntryNameOffset = 19;

}  // namespace

FileStatus file_status(int error_number) {
  switch (error_number) {
    case 0: return FileStatus::ok;
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO: return FileStatus::gone;
    case EACCES:
    case EPERM: return FileStatus::permission;
    default: return FileStatus::failed;
  }
}

// --- ReadBuffer ----------------------------------------------------------------------------------------------------

bool ReadBuffer::grow() {
  const std::size_t wanted = capacity_ == 0 ? kFirstBytes : capacity_ * 2;
  if (wanted > kMaxBytes) return false;
  auto larger = std::make_unique<char[]>(wanted);
  if (capacity_ > 0) std::memcpy(larger.get(), bytes_.get(), capacity_);
  bytes_ = std::move(larger);
  capacity_ = wanted;
  return true;
}

FileText ReadBuffer::fill_from(int fd, std::size_t whole_below) {
  std::size_t used = 0;
  for (;;) {
    if (used == capacity_ && !grow()) return {{}, EFBIG};
    const ssize_t got = ::pread(fd, bytes_.get() + used, capacity_ - used, static_cast<off_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {{}, errno};
    if (got == 0) return {{bytes_.get(), used}, 0};
    used += static_cast<std::size_t>(got);
    if (used < whole_below) return {{bytes_.get(), used}, 0};
  }
}

// --- ProcDir -------------------------------------------------------------------------------------------------------

ProcDir::ProcDir(std::string path) : path_(std::move(path)), reopens_(true) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  const int fd = open_retrying(AT_FDCWD, path_.c_str(), O_RDONLY | O_DIRECTORY);
  fd_ = fd < 0 ? -1 : fd;
  error_number_ = fd < 0 ? -fd : 0;
}

ProcDir::ProcDir(const ProcDir& parent, std::string_view name)
    : path_(parent.path_ + "/" + std::string(name)) {
  const int fd = parent.open_under(path_.c_str() + parent.path_.size() + 1, O_RDONLY | O_DIRECTORY);
  fd_ = fd < 0 ? -1 : fd;
  error_number_ = fd < 0 ? -fd : 0;
}

ProcDir::ProcDir(ProcDir&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      error_number_(std::exchange(other.error_number_, ENOENT)),
      reopens_(std::exchange(other.reopens_, false)) {}

ProcDir& ProcDir::operator=(ProcDir&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(fd_);
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  error_number_ = std::exchange(other.error_number_, ENOENT);
  reopens_ = std::exchange(other.reopens_, false);
  return *this;
}

ProcDir::~ProcDir() { close_quietly(fd_); }

int ProcDir::open_under(const char* name, int flags) const {
  if (fd_ < 0 && reopens_) {
    const int fd = open_retrying(AT_FDCWD, path_.c_str(), O_RDONLY | O_DIRECTORY);
    if (fd >= 0) fd_ = fd;
    error_number_ = fd < 0 ? -fd : 0;
  }
  return fd_ < 0 ? -error_number_ : open_retrying(fd_, name, flags);
}

FileText ProcDir::read(const char* name, ReadBuffer& buffer) const {
  int fd = open_under(name, O_RDONLY);
  if (fd < 0) return {{}, -fd};
  const FileText text = buffer.fill_from(fd);
  close_quietly(fd);
  return text;
}

int ProcDir::list(const char* name, ReadBuffer& buffer, const std::function<void(std::string_view)>& visit) const {
  const auto visit_name = [&](std::string_view entry, std::uint64_t) { visit(entry); };
  return list_inodes(name, buffer, std::ref(visit_name));
}

int ProcDir::list_inodes(const char* name, ReadBuffer& buffer,
                         const std::function<void(std::string_view, std::uint64_t)>& visit) const {
  int fd = open_under(name, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return -fd;
  if (buffer.capacity_ == 0) buffer.grow();
  long got = 0;
  int error_number = 0;
  while ((got = ::syscall(SYS_getdents64, fd, buffer.bytes_.get(), buffer.capacity_)) > 0) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      EntryHeader header{};
      std::memcpy(&header, buffer.bytes_.get() + at, kEntryNameOffset);
      const std::string_view entry(buffer.bytes_.get() + at + kEntryNameOffset);
      if (entry != "." && entry != "..") visit(entry, header.inode);
      at += header.length;
    }
  }
  if (got < 0) error_number = errno;
  close_quietly(fd);
  return error_number;
}

int ProcDir::read_link(const char* name, std::string& target) const {
  if (fd_ < 0) return error_number_;
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlinkat(fd_, name, text.data(), text.size());
  if (length < 0) return errno;
  target.assign(text.data(), static_cast<std::size_t>(length));
  return 0;
}

Error ProcDir::error(std::string_view name, int error_number) const {
  return {std::generic_category().message(error_number), path_ + (path_ == "/" ? "" : "/") + std::string(name)};
}

// --- ProcFile ------------------------------------------------------------------------------------------------------

ProcFile::ProcFile(const ProcDir& directory, std::string name, Keep keep, Lines lines)
    : directory_(&directory), name_(std::move(name)), keep_(keep), lines_(lines) {}

ProcFile::ProcFile(ProcFile&& other) noexcept
    : directory_(other.directory_), name_(std::move(other.name_)), keep_(other.keep_),
      lines_(other.lines_), fd_(std::exchange(other.fd_, -1)) {}

ProcFile& ProcFile::operator=(ProcFile&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(fd_);
  directory_ = other.directory_;
  name_ = std::move(other.name_);
  keep_ = other.keep_;
  lines_ = other.lines_;
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

ProcFile::~ProcFile() { close_quietly(fd_); }

FileText ProcFile::read(ReadBuffer& buffer) {
  if (fd_ < 0) {
    const int fd = directory_->open_under(name_.c_str(), O_RDONLY);
    if (fd < 0) return {{}, -fd};
    fd_ = fd;
  }
  const FileText text = buffer.fill_from(fd_, lines_ == Lines::short_ones ? kLongLine : 0);
  if (!text || keep_ == Keep::closed) close_quietly(fd_);
  return text;
}

bool ProcFile::unchanged() const {
  if (fd_ < 0) return false;
  pollfd file{fd_, POLLPRI | POLLOUT, 0};
  if (::poll(&file, 1, 0) < 0) return false;
  // An ordinary file has no announcements to make and is always ready to be written to.
  return (file.revents & (POLLPRI | POLLERR | POLLHUP | POLLNVAL | POLLOUT)) == 0;
}

// --- Parsing -------------------------------------------------------------------------------------------------------

bool next_line(std::string_view& rest, std::string_view& line) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

std::string_view first_line(std::string_view text) {
  std::string_view line;
  next_line(text, line);
  return line;
}

std::string_view next_field(std::string_view& rest) {
  const auto start = rest.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  const auto end = std::min(rest.find_first_of(kBlanks, start), rest.size());
  const auto field = rest.substr(start, end - start);
  rest.remove_prefix(end);
  return field;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto start = text.find_first_not_of(kSpace);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

std::optional<std::uint64_t> parse_u64(std::string_view text) { return parse_integer<std::uint64_t>(text, 10); }
std::optional<std::int64_t> parse_i64(std::string_view text) { return parse_integer<std::int64_t>(text, 10); }

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  return parse_integer<std::uint64_t>(text, 16);
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace sidewatch
