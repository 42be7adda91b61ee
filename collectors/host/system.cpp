// HostSystem as it really is: the calls to the kernel behind it.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <time.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>

#include "collectors/host/btrfs_devices.h"
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

unsigned bits_set(const std::uint8_t* bytes, std::size_t count) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < count; ++i) bits += static_cast<unsigned>(std::popcount(bytes[i]));
  return bits;
}

std::string_view scope_v4(std::uint32_t address) {
  const bool link_local = (address & 0xffff0000u) == 0xa9fe0000u;  // 169.254.0.0/16
  if (address >> 24 == IN_LOOPBACKNET || link_local) return "link-local";
  const bool global = address != INADDR_ANY && address != INADDR_BROADCAST && !IN_MULTICAST(address);
  return global ? "global" : "";
}

std::string_view scope_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_LINKLOCAL(&address)) return "link-local";
  return IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_MULTICAST(&address) ? "" : "global";
}

// What an entry of getifaddrs(3) says of an IPv4 or IPv6 address; nothing of another kind.
std::optional<InterfaceAddress> address_of(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || entry.ifa_netmask == nullptr) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  InterfaceAddress address;
  const std::string_view name(entry.ifa_name);
  address.interface = name.substr(0, name.find(':'));  // "eth0:1" is a second address of eth0
  if (entry.ifa_addr->sa_family == AF_INET) {
    sockaddr_in here{};
    sockaddr_in mask{};
    std::memcpy(&here, entry.ifa_addr, sizeof here);
    std::memcpy(&mask, entry.ifa_netmask, sizeof mask);
    ::inet_ntop(AF_INET, &here.sin_addr, text.data(), text.size());
    address.prefix_bits = static_cast<unsigned>(std::popcount(mask.sin_addr.s_addr));
    address.scope = scope_v4(ntohl(here.sin_addr.s_addr));
  } else if (entry.ifa_addr->sa_family == AF_INET6) {
    sockaddr_in6 here{};
    sockaddr_in6 mask{};
    std::memcpy(&here, entry.ifa_addr, sizeof here);
    std::memcpy(&mask, entry.ifa_netmask, sizeof mask);
    ::inet_ntop(AF_INET6, &here.sin6_addr, text.data(), text.size());
    address.prefix_bits = bits_set(mask.sin6_addr.s6_addr, sizeof mask.sin6_addr.s6_addr);
    address.scope = scope_v6(here.sin6_addr);
  } else {
    return std::nullopt;
  }
  address.address = text.data();
  return address;
}

int read_addresses(std::vector<InterfaceAddress>& list) {
  list.clear();
  ifaddrs* entries = nullptr;
  if (::getifaddrs(&entries) != 0) return errno;
  for (const ifaddrs* entry = entries; entry != nullptr; entry = entry->ifa_next) {
    if (auto address = address_of(*entry)) list.push_back(std::move(*address));
  }
  ::freeifaddrs(entries);
  return 0;
}

}  // namespace

HostSystem HostSystem::real() {
  return {read_elapsed, read_wall, read_time_zone, read_uname, read_usage, read_kernel_clock, read_addresses,
          ask_btrfs};
}

}  // namespace sidewatch
