#include "collectors/container/cgroup_text.h"

#include <algorithm>

#include "collectors/proc_file.h"

namespace sidewatch::container {
namespace {

// v1 says "no limit" with the largest number of whole pages: 2^63 less 4 KiB or 64 KiB, and 2^64 less 1 before 3.19. No
// machine has a quarter of that.
constexpr std::uint64_t kUnlimitedFrom = std::uint64_t{1} << 62;

bool is_device(std::string_view text) {
  const auto colon = text.find(':');
  return colon != std::string_view::npos && parse_u64(text.substr(0, colon)) && parse_u64(text.substr(colon + 1));
}

std::optional<std::uint64_t> total_of(std::string_view line) {
  for (auto field = next_field(line); !field.empty(); field = next_field(line)) {
    if (field.starts_with("total=")) return parse_u64(field.substr(6));
  }
  return std::nullopt;
}

}  // namespace

Limit tighter(Limit a, Limit b) {
  if (a.state == LimitState::unknown || b.state == LimitState::unknown) return {};
  if (a.state == LimitState::unlimited) return b;
  if (b.state == LimitState::unlimited) return a;
  return a.value <= b.value ? a : b;
}

MaybeNumber number_of(Limit limit) {
  switch (limit.state) {
    case LimitState::unknown: return std::nullopt;
    case LimitState::unlimited: return 0;
    case LimitState::limited: return limit.value;
  }
  return std::nullopt;
}

Limit v1_limit(std::optional<std::uint64_t> value) {
  if (!value) return {};
  return *value >= kUnlimitedFrom ? no_limit : limited_to(static_cast<double>(*value));
}

Limit parse_limit(std::string_view text) {
  const auto line = first_line(text);
  return line == "max" || line == "-1" ? no_limit : v1_limit(parse_u64(line));
}

std::optional<std::uint64_t> parse_count(std::string_view text) { return parse_u64(first_line(text)); }

Quota parse_cpu_max(std::string_view text) {
  auto line = first_line(text);
  const auto quota = next_field(line);
  const auto period = parse_u64(next_field(line));
  if (!period || *period == 0) return {};
  if (quota == "max") return {LimitState::unlimited, 0, *period};
  const auto microseconds = parse_u64(quota);
  if (!microseconds || *microseconds == 0) return {};
  return {LimitState::limited, *microseconds, *period};
}

Quota parse_cfs_quota(std::string_view quota, std::string_view period) {
  const auto length = parse_count(period);
  if (!length || *length == 0) return {};
  if (first_line(quota) == "-1") return {LimitState::unlimited, 0, *length};
  const auto microseconds = parse_count(quota);
  if (!microseconds || *microseconds == 0) return {};
  return {LimitState::limited, *microseconds, *length};
}

Quota tighter(Quota a, Quota b) {
  if (a.state == LimitState::unknown || b.state == LimitState::unknown) return {};
  if (a.state == LimitState::unlimited) return b;
  if (b.state == LimitState::unlimited) return a;
  return a.cores() <= b.cores() ? a : b;
}

std::uint64_t shares_of_weight(std::uint64_t weight) {
  weight = std::clamp<std::uint64_t>(weight, 1, 10'000);
  return 2 + (weight - 1) * 262'142 / 9'999;
}

void parse_keyed(std::string_view text, std::span<const std::string_view> keys,
                 std::span<std::optional<std::uint64_t>> values) {
  std::fill(values.begin(), values.end(), std::nullopt);
  std::string_view line;
  while (next_line(text, line)) {
    const auto key = next_field(line);
    const auto found = std::find(keys.begin(), keys.end(), key);
    if (found == keys.end()) continue;
    values[static_cast<std::size_t>(found - keys.begin())] = parse_u64(next_field(line));
  }
}

Stalls parse_pressure(std::string_view text) {
  Stalls stalls;
  std::string_view line;
  while (next_line(text, line)) {
    const auto which = next_field(line);
    if (which == "some") stalls.some_us = total_of(line);
    if (which == "full") stalls.full_us = total_of(line);
  }
  return stalls;
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0". Some kernels name devices without numbers on the same line
// before the one that the numbers are of.
bool next_device_io(std::string_view& rest, DeviceIo& io) {
  std::string_view line;
  while (next_line(rest, line)) {
    io = {};
    for (auto field = next_field(line); !field.empty(); field = next_field(line)) {
      const auto equals = field.find('=');
      if (equals == std::string_view::npos) {
        io = {};
        io.device = field;
        continue;
      }
      const auto key = field.substr(0, equals);
      const auto number = parse_u64(field.substr(equals + 1));
      if (key == "rbytes") io.read_bytes = number;
      if (key == "wbytes") io.write_bytes = number;
      if (key == "rios") io.reads = number;
      if (key == "wios") io.writes = number;
    }
    if (is_device(io.device) && io.read_bytes && io.write_bytes && io.reads && io.writes) return true;
  }
  return false;
}

bool next_blkio_line(std::string_view& rest, BlkioLine& out) {
  std::string_view line;
  while (next_line(rest, line)) {
    out.device = next_field(line);
    out.operation = next_field(line);
    const auto value = parse_u64(next_field(line));
    if (!is_device(out.device) || !value) continue;
    out.value = *value;
    return true;
  }
  return false;
}

}  // namespace sidewatch::container
