// A check that asks a name server, and looks at what it answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/regex.h"
#include "collectors/probe/check.h"
#include "collectors/probe/connection.h"
#include "collectors/probe/dns_message.h"
#include "config/section.h"

namespace sidewatch::probe {

struct ExpectedDns {
  config::Located<std::string> rcode{"NOERROR", {}};
  int rcode_number = 0;
  std::vector<Regex> answers_match;
  std::vector<Regex> answers_not_match;
  std::int64_t min_answers = 0;
  bool min_answers_given = false;
};
void declare(config::Section& section, ExpectedDns& expected);

struct DnsCheckConfig {
  config::Located<std::string> query_name;
  config::Located<std::string> query_type{"A", {}};
  std::uint16_t type = 1;
  std::optional<config::Located<std::string>> server;
  std::optional<Place> place;  // what `server` says; none: the first of /etc/resolv.conf
  Family family = Family::any;
  bool tcp = false;
  bool recursion = true;
  ExpectedDns expect;
};
void declare(config::Section& section, DnsCheckConfig& config);
std::string fingerprint_of(const DnsCheckConfig& config);

std::unique_ptr<Check> make_check(std::shared_ptr<const DnsCheckConfig> config);
std::vector<Metric> dns_check_metrics();

// Notes in `verdict` what a name server's answer says, and the first thing in it that is not as expected.
void judge_dns_answer(const DnsCheckConfig& config, const DnsMessage& message, Verdict& verdict);

// The first `nameserver` of a resolv.conf.
std::optional<std::string> first_name_server(std::string_view resolv_conf);

}  // namespace sidewatch::probe
