// The texts of a cgroup's files as values: pure functions, for cgroup v2 and v1.
//
// Nothing is trusted: a text that is cut off or strange gives nothing or fewer values, never a wrong one. Formats: the
// kernel's Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/{memory,cpuacct,blkio-controller,pids}.rst, scheduler/
// sched-bwc.rst and accounting/psi.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sidewatch::container {

using MaybeNumber = std::optional<double>;
inline MaybeNumber number(std::optional<std::uint64_t> value) {
  return value ? MaybeNumber(static_cast<double>(*value)) : std::nullopt;
}

// A limit is one of three things, and "we do not know" must never be taken for "there is none".
enum class LimitState : std::uint8_t { unknown, unlimited, limited };

struct Limit {
  LimitState state = LimitState::unknown;
  double value = 0;  // of a limited one
  bool operator==(const Limit&) const = default;
};
inline Limit limited_to(double value) { return {LimitState::limited, value}; }
inline constexpr Limit no_limit{LimitState::unlimited, 0};

// Of two limits that both hold: the smaller. Unknown when either is, since the unknown one may be smaller still.
Limit tighter(Limit a, Limit b);

// The number of a limit as cAdvisor writes it: 0 without one; nothing when it is unknown.
MaybeNumber number_of(Limit limit);

// A number of cgroup v1 that is a limit, or (from 2^62 on) says that there is none; unknown when it is missing.
Limit v1_limit(std::optional<std::uint64_t> value);

// "max", "-1" and v1's numbers near 2^63, which the kernel rounds to pages, are no limit; anything else is bytes or
// tasks.
Limit parse_limit(std::string_view text);

// The number that is the file's first line.
std::optional<std::uint64_t> parse_count(std::string_view text);

// A CPU quota: so many microseconds per period, or none.
struct Quota {
  LimitState state = LimitState::unknown;
  std::uint64_t quota_us = 0;
  std::uint64_t period_us = 0;
  double cores() const { return static_cast<double>(quota_us) / static_cast<double>(period_us); }
};
Quota parse_cpu_max(std::string_view text);                                  // v2: "50000 100000" or "max 100000"
Quota parse_cfs_quota(std::string_view quota, std::string_view period);  // v1: cpu.cfs_quota_us, cpu.cfs_period_us
Quota tighter(Quota a, Quota b);

// Weight 1 to 10000 (v2) as shares 2 to 262144 (v1), by the formula by which container runtimes turn one into the
// other.
std::uint64_t shares_of_weight(std::uint64_t weight);

// Lines of "key value": the value of each of `keys` goes to the place of the same index in `values`; what is not there
// stays empty.
void parse_keyed(std::string_view text, std::span<const std::string_view> keys,
                 std::span<std::optional<std::uint64_t>> values);

// Microseconds of the "some" or "full" line of a *.pressure file.
struct Stalls {
  std::optional<std::uint64_t> some_us;
  std::optional<std::uint64_t> full_us;
};
Stalls parse_pressure(std::string_view text);

// What one device did. The text points into the file's.
struct DeviceIo {
  std::string_view device;  // "8:0"
  std::optional<std::uint64_t> reads;
  std::optional<std::uint64_t> writes;
  std::optional<std::uint64_t> read_bytes;
  std::optional<std::uint64_t> write_bytes;
};
// Takes the next device off the front of io.stat. False at the end.
bool next_device_io(std::string_view& rest, DeviceIo& io);

// One line of v1's blkio files: "8:0 Read 4096".
struct BlkioLine {
  std::string_view device;
  std::string_view operation;
  std::uint64_t value = 0;
};
// Takes the next line about a device off the front; the sum at the end is none. False at the end.
bool next_blkio_line(std::string_view& rest, BlkioLine& line);

}  // namespace sidewatch::container
