// Checks that connect: `tcp`, with a conversation if wanted, and `tls`, which is about the handshake and the
// certificate.
//
// A conversation is a list of steps: wait for a line that matches, send a line, begin TLS. What STARTTLS of the usual
// protocols takes is known (`starttls: smtp`), and is such a list too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/regex.h"
#include "collectors/probe/check.h"
#include "collectors/probe/connection.h"
#include "collectors/probe/tls_keys.h"
#include "config/section.h"

namespace sidewatch::probe {

struct ConversationStep {
  Regex expect;      // of a line, without its end; empty: none
  std::string send;  // a line, in which $1 and $name are what the last `expect` matched
  bool starttls = false;
  bool has_expect = false;
};
void declare(config::Section& section, ConversationStep& step);

struct TcpCheckConfig {
  config::Located<std::string> address;
  Place place;  // what it says
  Family family = Family::any;
  std::optional<std::string> starttls;  // smtp, imap ...
  std::vector<ConversationStep> query_response;
  std::optional<TlsKeys> tls;  // of a `tls` check: always
};
void declare(config::Section& section, TcpCheckConfig& config);

// The same for a `tls` check, whose keys of TLS stand beside the address.
struct TlsCheckConfig {
  TcpCheckConfig tcp;
};
void declare(config::Section& section, TlsCheckConfig& config);

std::string fingerprint_of(const TcpCheckConfig& config);
std::unique_ptr<Check> make_check(std::shared_ptr<const TcpCheckConfig> config);
std::vector<Metric> tcp_check_metrics();

// Moves the first whole line of what was read, without its end, into `line`; false where none is whole yet.
bool take_line(std::string& unread, std::string& line);

// Declares `allow_link_local`, and refuses what is written out as such an address under `key` without it.
void declare_link_local(config::Section& section, std::string_view key, Place& place);
// Refuses a host's name under `key` that is not ASCII.
void require_ascii(config::Section& section, std::string_view key, std::string_view host);
// Declares `ip_protocol`.
void declare_family(config::Section& section, Family& family);
// Declares `address`; `example` is shown where it is wrong.
void declare_place(config::Section& section, config::Located<std::string>& text, Place& place, int default_port,
                   const std::string& example);

}  // namespace sidewatch::probe
