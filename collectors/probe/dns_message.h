// Questions to name servers and what they answer, as bytes: RFC 1035, and RFC 3596 (AAAA), 2782 (SRV), 8659 (CAA).
//
// Reading never leaves the bytes that were given, follows a compressed name only backwards (so that no loop can keep
// it), and takes no more records than a message can hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sidewatch::probe {

struct DnsQuestion {
  std::string name;  // "shop.example", "." for the root
  std::uint16_t type = 1;
  bool recursion = true;
};

struct DnsRecord {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string text;           // of its data, as a zone file has it: "10 mail.example."
  std::uint32_t serial = 0;   // of an SOA
};

struct DnsMessage {
  std::uint16_t id = 0;
  bool is_answer = false;
  bool truncated = false;
  int rcode = 0;
  std::optional<DnsQuestion> question;
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> authorities;
  std::vector<DnsRecord> additionals;
};

// An Error where the name cannot be asked for: a label of more than 63 bytes, more than 255 in all, an empty label.
Result<std::string> encode_dns_question(std::uint16_t id, const DnsQuestion& question);
Result<DnsMessage> decode_dns_message(std::string_view bytes);

std::optional<std::uint16_t> dns_type_of(std::string_view name);  // "MX"
std::string dns_type_name(std::uint16_t type);                    // "MX", "TYPE99"
std::optional<int> dns_rcode_of(std::string_view name);           // "NXDOMAIN"
std::string dns_rcode_name(int rcode);                            // "NXDOMAIN", "RCODE20"

bool same_dns_name(std::string_view one, std::string_view other);  // without regard to case and a last dot

}  // namespace sidewatch::probe
