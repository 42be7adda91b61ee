// HostSystem as it really is: the calls to the kernel behind it.
#include <sys/statvfs.h>
#include <time.h>

#include <cerrno>

#include "collectors/host/part.h"

namespace sidewatch {
namespace {

double read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double read_elapsed() { return read_clock(CLOCK_MONOTONIC); }
double read_wall() { return read_clock(CLOCK_REALTIME); }

void read_time_zone(TimeZone& zone) {
  const time_t now = ::time(nullptr);
  tm parts{};
  if (::localtime_r(&now, &parts) == nullptr) return;
  zone.name = parts.tm_zone;
  zone.offset_seconds = static_cast<double>(parts.tm_gmtoff);
}

bool read_uname(utsname& name) { return ::uname(&name) == 0; }

int read_usage(const char* path, FilesystemUsage& usage) {
  struct statvfs stat{};
  while (::statvfs(path, &stat) != 0) {
    if (errno != EINTR) return errno;
  }
  const auto block = static_cast<double>(stat.f_frsize != 0 ? stat.f_frsize : stat.f_bsize);
  usage.size_bytes = static_cast<double>(stat.f_blocks) * block;
  usage.free_bytes = static_cast<double>(stat.f_bfree) * block;
  usage.available_bytes = static_cast<double>(stat.f_bavail) * block;
  usage.files = static_cast<double>(stat.f_files);
  usage.files_free = static_cast<double>(stat.f_ffree);
  return 0;
}

int read_kernel_clock(ClockReading& clock) {
  clock.time = {};  // modes 0: only ask
  clock.state = ::adjtimex(&clock.time);
  return clock.state < 0 ? errno : 0;
}

}  // namespace

HostSystem HostSystem::real() { return {read_elapsed, read_wall, read_time_zone, read_uname, read_usage, read_kernel_clock}; }

}  // namespace sidewatch
