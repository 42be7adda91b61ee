// What the key `probe` of the configuration says: one entry for each check.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/probe/check.h"
#include "collectors/probe/dns_check.h"
#include "collectors/probe/file_check.h"
#include "collectors/probe/http_check.h"
#include "collectors/probe/icmp_check.h"
#include "collectors/probe/ntp_check.h"
#include "collectors/probe/systemd_check.h"
#include "collectors/probe/tcp_check.h"
#include "collectors/probe/windows.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace probe {

struct CheckConfig {
  config::Located<std::string> name;  // the label `probe`
  Duration interval = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(5);
  std::map<std::string, std::string> labels;
  WindowSet windows;
  bool details = false;

  // Exactly one.
  std::shared_ptr<const HttpCheckConfig> http;
  std::shared_ptr<const TcpCheckConfig> tcp;
  std::shared_ptr<const TlsCheckConfig> tls;
  std::shared_ptr<const DnsCheckConfig> dns;
  std::shared_ptr<const IcmpCheckConfig> icmp;
  std::shared_ptr<const FileCheckConfig> file;
  std::shared_ptr<const CertificateCheckConfig> certificate;
  std::shared_ptr<const SystemdCheckConfig> systemd;
  std::shared_ptr<const NtpCheckConfig> ntp;

  // Of which what has been counted survives a reload: its name, its kind and its target.
  std::size_t identity() const;
  std::size_t edition = 0;  // another one when anything about it was changed

  std::string_view kind() const;
  std::string target() const;  // for people and the label `target`, without a secret
  Labels series_labels() const;
};
void declare(config::Section& section, CheckConfig& config);

std::unique_ptr<Check> make_check(const CheckConfig& config);

// What holds for all checks together.
struct ProbeLimits {
  std::int64_t checks_at_once = 128;
};
void declare(config::Section& section, ProbeLimits& limits);

// One copy of it is enough: it may be long.
struct ProbeConfig {
  std::vector<CheckConfig> checks;
  ProbeLimits limits;
};

}  // namespace probe

// Declares `probe` and plans one collector for all of its entries.
void configure_probe(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> probe_metric_groups();

}  // namespace sidewatch
