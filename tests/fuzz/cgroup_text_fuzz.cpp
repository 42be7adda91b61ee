// Any bytes as any of the files that cgroups and /proc/PID tell about a container.
//
// Beside not crashing it must hold that what was understood makes sense: a limited quota has a period, a device a
// number, a path begins with a slash, and a limit that was read is none that is said to be unknown.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/container/cgroup_place.h"
#include "collectors/container/cgroup_search.h"
#include "collectors/container/cgroup_text.h"
#include "collectors/container/config.h"
#include "collectors/container/network.h"

namespace sidewatch::container {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_limits(std::string_view text) {
  const Limit limit = parse_limit(text);
  require(limit.state != LimitState::limited || (limit.value >= 0 && limit.value < 4.7e18));
  require(number_of(limit).has_value() == (limit.state != LimitState::unknown));
  for (const Quota& quota : {parse_cpu_max(text), parse_cfs_quota(text, text), parse_cfs_quota("50000\n", text)}) {
    require(quota.state == LimitState::unknown || quota.period_us > 0);
    require(quota.state != LimitState::limited || quota.cores() > 0);
  }
  for (const auto& quantity : {parse_memory_quantity(text), parse_cpu_quantity(text)}) {
    require(!quantity || *quantity > 0);
  }
}

void check_devices(std::string_view text) {
  std::string_view rest = text;
  DeviceIo io;
  while (next_device_io(rest, io)) require(!io.device.empty() && io.reads && io.writes && io.read_bytes);
  rest = text;
  BlkioLine line;
  while (next_blkio_line(rest, line)) require(!line.device.empty());
  rest = text;
  std::string_view name;
  InterfaceCounts counts{};
  while (next_interface(rest, name, counts)) require(!name.empty());
}

void check_keys(std::string_view text) {
  constexpr std::array<std::string_view, 3> keys{"anon", "file", "oom_kill"};
  std::array<std::optional<std::uint64_t>, 3> values;
  parse_keyed(text, keys, values);
  const Stalls stalls = parse_pressure(text);
  require(!stalls.some_us || text.find("some") != std::string_view::npos);
  require(!parse_count(text) || text.find('\n') != std::string_view::npos);
}

// The text up to the first NUL as mounts, the rest as memberships.
void check_places(std::string_view text) {
  const auto end = std::min(text.find('\0'), text.size());
  const auto mounts = parse_mounts(text.substr(0, end), "/proc/1/root");
  const auto members = parse_memberships(text.substr(std::min(end + 1, text.size())));
  for (const auto& mount : mounts) require(mount.directory.starts_with("/proc/1/root"));
  for (const auto& member : members) {
    require(member.path.starts_with('/') && without_way_up(member.path).starts_with('/'));
  }
  const Place place = locate(mounts, members);
  for (const auto& hierarchy : place.controllers) {
    require(!hierarchy || hierarchy->path.empty() || hierarchy->path.starts_with('/'));
  }
  require(place.empty() == place.id.empty());
}

}  // namespace
}  // namespace sidewatch::container

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::container::check_limits(text);
  sidewatch::container::check_devices(text);
  sidewatch::container::check_keys(text);
  sidewatch::container::check_places(text);
  return 0;
}
