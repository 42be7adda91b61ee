// What the key `probe` of the configuration says: one entry for each check.
#pragma once

#include <map>
#include <memory>
#include <optional>
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
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace probe {

struct CheckConfig {
  config::Located<std::string> name;  // the label `probe`
  Duration interval = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(5);
  std::map<std::string, std::string> labels;

  // Exactly one.
  std::optional<HttpCheckConfig> http;
  std::optional<TcpCheckConfig> tcp;
  std::optional<TlsCheckConfig> tls;
  std::optional<DnsCheckConfig> dns;
  std::optional<IcmpCheckConfig> icmp;
  std::optional<FileCheckConfig> file;
  std::optional<CertificateCheckConfig> certificate;
  std::optional<SystemdCheckConfig> systemd;
  std::optional<NtpCheckConfig> ntp;

  std::string_view kind() const;
  std::string target() const;  // for people and the label `target`, without a secret
  Labels series_labels() const;
};
void declare(config::Section& section, CheckConfig& config);

std::unique_ptr<Check> make_check(const CheckConfig& config);

}  // namespace probe

// Declares `probe` and plans one collector for all of its entries.
void configure_probe(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> probe_metric_groups();

}  // namespace sidewatch
