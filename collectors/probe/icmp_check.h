// A check that sends ICMP echo requests ("ping"), several for each run, and counts what comes back.
//
// The kernel's unprivileged ping socket is tried first (net.ipv4.ping_group_range says who may), then a raw one, which
// takes CAP_NET_RAW. With neither the check fails and says what to do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/probe/check.h"
#include "collectors/probe/connection.h"
#include "config/section.h"

namespace sidewatch::probe {

struct IcmpCheckConfig {
  config::Located<std::string> host;
  Place place;  // of `host`; a port means nothing
  Family family = Family::any;
  std::int64_t packets = 3;
  Duration spacing = std::chrono::milliseconds(200);
  std::int64_t payload = 56;
  double max_loss = 0;  // percent
};
void declare(config::Section& section, IcmpCheckConfig& config);
std::string fingerprint_of(const IcmpCheckConfig& config);

std::unique_ptr<Check> make_check(std::shared_ptr<const IcmpCheckConfig> config);
std::vector<Metric> icmp_check_metrics();

// An echo request of RFC 792 or RFC 4443. The kernel sets the checksum of the latter, and both of a ping socket.
std::string encode_echo(bool ipv6, std::uint16_t id, std::uint16_t sequence, std::string_view payload);

struct EchoReply {
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  std::string_view payload;
};
// What came on a socket; `raw_ipv4`: with the IP header in front. Absent for anything but a whole echo reply.
std::optional<EchoReply> decode_echo_reply(std::string_view bytes, bool ipv6, bool raw_ipv4);

}  // namespace sidewatch::probe
