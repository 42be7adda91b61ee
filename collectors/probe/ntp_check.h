// A check that asks a time server (NTP, RFC 5905) for the time, and tells how far this machine's clock is from it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collectors/probe/check.h"
#include "collectors/probe/connection.h"
#include "config/section.h"

namespace sidewatch::probe {

struct NtpCheckConfig {
  config::Located<std::string> server;
  Place place;
  Family family = Family::any;
  Duration max_offset = std::chrono::milliseconds(500);
  std::int64_t max_stratum = 15;
};
void declare(config::Section& section, NtpCheckConfig& config);
std::string fingerprint_of(const NtpCheckConfig& config);

std::unique_ptr<Check> make_check(std::shared_ptr<const NtpCheckConfig> config);
std::vector<Metric> ntp_check_metrics();

struct NtpAnswer {
  int leap = 0;     // 0 nothing, 1 or 2 a leap second ahead, 3 the server's clock is not set
  int stratum = 0;  // 0: a kiss of death, and `reference` says which
  std::string reference;  // four characters, where the stratum is 0 or 1
  double root_delay = 0;
  double root_dispersion = 0;
  double offset = 0;  // seconds that the server's clock is ahead of this machine's
  double delay = 0;   // of the round trip, without the server's own time
};

// `sent` and `arrived` are seconds since 1970 by this machine's clock. The request has a random number in the place of
// its time, as chrony does: it tells a stranger nothing, and only the server can repeat it.
std::string encode_ntp_request(std::uint64_t cookie);
Result<NtpAnswer> decode_ntp_answer(std::string_view bytes, std::uint64_t cookie, double sent, double arrived);

}  // namespace sidewatch::probe
