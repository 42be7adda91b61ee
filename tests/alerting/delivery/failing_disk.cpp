#include "tests/alerting/delivery/failing_disk.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

namespace sidewatch {

Faults faults;

}  // namespace sidewatch

namespace {

using sidewatch::faults;

bool is_ours(int fd) {
  if (!faults.watching) return false;
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  return std::string_view(path, static_cast<std::size_t>(length)).find("/outbox.") != std::string_view::npos;
}

// True when this write must fail; ends the process when it is its turn.
bool before_write(int fd, const void* data, std::size_t size, off_t offset) {
  if (!is_ours(fd)) return false;
  if (++faults.operations == faults.die_at) {
    syscall(SYS_pwrite64, fd, data, size / 2, offset);
    _exit(77);
  }
  if (faults.read_only) {
    errno = EROFS;
    return true;
  }
  struct stat status{};
  if (!faults.full || fstat(fd, &status) != 0 || offset + static_cast<off_t>(size) <= status.st_size) return false;
  errno = ENOSPC;
  return true;
}

int sync(int fd, long number) {
  if (is_ours(fd)) {
    if (++faults.operations == faults.die_at) _exit(77);
    const long after_the_first = faults.syncs++ - faults.first_bad_sync;
    if (faults.first_bad_sync >= 0 && after_the_first >= 0 && after_the_first < faults.bad_syncs) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(syscall(number, fd));
}

}  // namespace

extern "C" ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  if (before_write(fd, data, size, offset)) return -1;
  return syscall(SYS_pwrite64, fd, data, size, offset);
}
extern "C" ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return pwrite64(fd, data, size, offset);
}
extern "C" ssize_t write(int fd, const void* data, size_t size) {
  if (faults.watching && before_write(fd, data, size, lseek(fd, 0, SEEK_CUR))) return -1;
  return syscall(SYS_write, fd, data, size);
}
extern "C" ssize_t pread64(int fd, void* data, size_t size, off64_t offset) {
  if (faults.bad_reads && is_ours(fd)) {
    errno = EIO;
    return -1;
  }
  return syscall(SYS_pread64, fd, data, size, offset);
}
extern "C" ssize_t pread(int fd, void* data, size_t size, off_t offset) { return pread64(fd, data, size, offset); }
extern "C" int fdatasync(int fd) { return sync(fd, SYS_fdatasync); }
extern "C" int fsync(int fd) { return sync(fd, SYS_fsync); }
