#include "collectors/database/sqlite/look.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace sidewatch::database::sqlite {
namespace {

// In the database file.
constexpr off_t pending_byte = 0x40000000;
constexpr off_t reserved_byte = pending_byte + 1;
constexpr off_t shared_first = pending_byte + 2;
constexpr off_t shared_size = 510;
// In -shm.
constexpr off_t write_byte = 120;
constexpr off_t checkpoint_byte = 121;
constexpr off_t first_reader_byte = 123;
constexpr off_t in_use_byte = 128;  // everybody who has it open holds a shared lock there

// How SQLite's own readers wait, and no longer than ours do.
constexpr std::array<int, 10> waits_ms{1, 2, 5, 10, 15, 20, 25, 25, 25, 50};

enum class Lock { shared, exclusive };

// Who stands in the way of such a lock on these bytes: 0 is nobody, negative somebody who is not seen from here. Locks
// of this process do not count.
pid_t in_the_way(int fd, Lock wanted, off_t from, off_t size = 1) {
  struct flock lock = {};
  lock.l_type = wanted == Lock::shared ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = from;
  lock.l_len = size;
  if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid > 0 ? lock.l_pid : -1;
}

bool keeps_readers_out(int file) {
  return in_the_way(file, Lock::shared, pending_byte) != 0 ||
         in_the_way(file, Lock::shared, shared_first, shared_size) != 0;
}

std::string read_beginning(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t count = pread(fd, bytes.data(), size, 0);
  bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return bytes;
}

double unix_time(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Failure failure_of(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return {FailureKind::missing, "there is no file " + path, false};
    case EACCES:
    case EPERM:
      return {FailureKind::denied,
              path + " may not be read: the agent's user needs to be allowed to read the file and to enter its "
                     "directories",
              false};
    default: return {FailureKind::other, path + ": " + std::generic_category().message(error), false};
  }
}

// Whether this process has the file open: then closing it would take the locks of who did so.
bool is_open_here(dev_t device, ino_t inode) {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    struct stat status = {};
    if (entry->d_name[0] == '.' || fstatat(dirfd(directory), entry->d_name, &status, 0) != 0) continue;
    found = found || (status.st_dev == device && status.st_ino == inode);
  }
  closedir(directory);
  return found;
}

void look_at_journal(Look& look) {
  struct stat status = {};
  const std::string path = look.path + "-journal";
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  look.journal_bytes = static_cast<std::uint64_t>(status.st_size);
  if (status.st_size == 0 || look.writer != 0) return;
  const Descriptor journal(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (journal.get() < 0) return;
  const std::string first = read_beginning(journal.get(), 1);
  // One that was ended is removed, cut to nothing or begins with zeros. Its writer may have taken the lock since, or
  // ended it just now: look again.
  const bool filled = !first.empty() && first[0] != '\0';
  const bool written = in_the_way(look.file->get(), Lock::shared, reserved_byte) != 0;
  struct stat again = {};
  const bool there = stat(path.c_str(), &again) == 0 && again.st_ino == status.st_ino && again.st_size > 0;
  if (filled && !written && there) look.readable = Readable::half_done;
}

void look_at_locks(Look& look) {
  const int file = look.file->get();
  std::chrono::milliseconds waited{0};
  bool kept_out = keeps_readers_out(file);
  for (const int wait : waits_ms) {
    if (!kept_out) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    waited += std::chrono::milliseconds(wait);
    kept_out = keeps_readers_out(file);
  }
  look.reader_wait_seconds = std::chrono::duration<double>(waited).count();
  look.readable = kept_out ? Readable::locked : Readable::yes;
  look.writer_waits = in_the_way(file, Lock::shared, pending_byte) != 0;
  look.writer = in_the_way(file, Lock::shared, reserved_byte);
  if (look.writer == 0 && kept_out) look.writer = in_the_way(file, Lock::shared, shared_first, shared_size);
  look.readers = !kept_out && in_the_way(file, Lock::exclusive, shared_first, shared_size) != 0;
}

void look_at_log(Look& look) {
  struct stat status = {};
  const std::string path = look.path + "-wal";
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  look.wal_bytes = static_cast<std::uint64_t>(status.st_size);
  look.changed_at = std::max(look.changed_at, unix_time(status.st_mtim));
  const Descriptor log(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  look.log_allowed = log.get() >= 0;
  if (look.log_allowed) look.log = parse_wal_header(read_beginning(log.get(), wal_header_bytes));
}

void look_at_index(Look& look) {
  const int fd = look.shared_memory->get();
  look.wal_in_use = in_the_way(fd, Lock::exclusive, in_use_byte) != 0;
  if (!look.wal_in_use) return;
  constexpr int attempts = 5;  // it may be written at this moment
  for (int i = 0; i < attempts && !look.index; ++i) look.index = parse_wal_index(read_beginning(fd, wal_index_bytes));
  look.writer = in_the_way(fd, Lock::shared, write_byte);
  look.checkpointing = in_the_way(fd, Lock::shared, checkpoint_byte) != 0;
  for (std::size_t i = 0; i < read_marks; ++i) {
    look.slots[i] = in_the_way(fd, Lock::exclusive, first_reader_byte + static_cast<off_t>(i)) != 0;
  }
}

void look_at_filesystem(Look& look) {
  struct statvfs status = {};
  if (fstatvfs(look.file->get(), &status) != 0) return;
  look.filesystem_bytes = static_cast<double>(status.f_blocks) * static_cast<double>(status.f_frsize);
  look.filesystem_available_bytes = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
}

}  // namespace

bool writer_waits_for_readers(int file) { return in_the_way(file, Lock::shared, pending_byte) != 0; }

std::shared_ptr<Descriptor> WatchedFile::open_again(Kept& kept, const std::string& path, const Identity& identity) {
  if (kept.identity == identity) {
    if (auto open = kept.descriptor.lock()) return open;
  }
  // Without O_NONBLOCK a pipe that took the file's place would hang.
  auto opened = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (opened->get() < 0) return nullptr;
  kept = {identity, opened};
  return opened;
}

std::optional<Failure> WatchedFile::open(Look& look) {
  std::array<char, PATH_MAX> resolved{};
  struct stat status = {};
  if (realpath(path_.c_str(), resolved.data()) == nullptr) return failure_of(errno, path_);
  look.path = resolved.data();
  if (stat(look.path.c_str(), &status) != 0) return failure_of(errno, path_);
  if (!S_ISREG(status.st_mode)) return Failure{FailureKind::malformed, path_ + " is not a regular file", false};
  const Identity identity{status.st_dev, status.st_ino};
  const bool kept = identity == file_.identity && !file_.descriptor.expired();
  if (!kept && identity != not_ours_) {
    if (is_open_here(identity.device, identity.inode)) {
      return Failure{FailureKind::denied, path_ + " is in use by the agent itself, whose locks would be lost", false};
    }
    not_ours_ = identity;
  }
  look.file = open_again(file_, look.path, identity);
  if (look.file == nullptr) return failure_of(errno, path_);
  look.inode = status.st_ino;
  look.bytes = static_cast<std::uint64_t>(status.st_size);
  look.changed_at = unix_time(status.st_mtim);
  return std::nullopt;
}

Look WatchedFile::look() {
  Look look;
  look.failure = open(look);
  if (look.failure) return look;
  look_at_filesystem(look);
  look_at_locks(look);
  look_at_journal(look);
  if (look.bytes == 0) {
    look.readable = Readable::empty;
    return look;
  }
  const auto header = parse_header(read_beginning(look.file->get(), header_bytes));
  if (!header) {
    look.failure = {FailureKind::malformed, path_ + " is not an SQLite database, or it is encrypted", false};
    return look;
  }
  look.header = *header;
  if (!header->wal) return look;
  look_at_log(look);
  const std::string index = look.path + "-shm";
  struct stat status = {};
  if (stat(index.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    look.shared_memory = open_again(shared_memory_, index, {status.st_dev, status.st_ino});
  }
  const bool there = look.wal_bytes && access(index.c_str(), F_OK) == 0;
  if (look.shared_memory) look_at_index(look);
  if (look.readable != Readable::yes) return look;
  if (there && (!look.shared_memory || !look.log_allowed)) look.readable = Readable::denied;
  if (!there || (look.shared_memory && !look.wal_in_use)) look.readable = Readable::unused;
  return look;
}

}  // namespace sidewatch::database::sqlite
