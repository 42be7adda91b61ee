#include "collectors/probe/config.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/crypto.h"
#include "collectors/probe/probe.h"
#include "collectors/probe/standing.h"
#include "collectors/probe/windows.h"
#include "config/literals.h"
#include "metrics/text.h"

namespace sidewatch {
namespace probe {
namespace {

using namespace std::chrono_literals;

// One kind of check, seen from an entry of the configuration. A new kind is one more line below.
struct Kind {
  std::string_view key;
  bool (*is_there)(const CheckConfig& config);
  std::string (*target)(const CheckConfig& config);
  std::string (*fingerprint)(const CheckConfig& config);
  std::unique_ptr<Check> (*make)(const CheckConfig& config);
};

const Kind kinds[] = {
    {"http", [](const CheckConfig& c) { return c.http != nullptr; },
     [](const CheckConfig& c) { return target_of(*c.http); },
     [](const CheckConfig& c) { return fingerprint_of(*c.http); },
     [](const CheckConfig& c) { return make_check(c.http); }},
    {"tcp", [](const CheckConfig& c) { return c.tcp != nullptr; },
     [](const CheckConfig& c) { return c.tcp->place.text(); },
     [](const CheckConfig& c) { return fingerprint_of(*c.tcp); },
     [](const CheckConfig& c) { return make_check(c.tcp); }},
    {"tls", [](const CheckConfig& c) { return c.tls != nullptr; },
     [](const CheckConfig& c) { return c.tls->tcp.place.text(); },
     [](const CheckConfig& c) { return fingerprint_of(c.tls->tcp); },
     [](const CheckConfig& c) { return make_check(std::shared_ptr<const TcpCheckConfig>(c.tls, &c.tls->tcp)); }},
    {"dns", [](const CheckConfig& c) { return c.dns != nullptr; },
     [](const CheckConfig& c) { return c.dns->query_name.value; },
     [](const CheckConfig& c) { return fingerprint_of(*c.dns); },
     [](const CheckConfig& c) { return make_check(c.dns); }},
    {"icmp", [](const CheckConfig& c) { return c.icmp != nullptr; },
     [](const CheckConfig& c) { return c.icmp->host.value; },
     [](const CheckConfig& c) { return fingerprint_of(*c.icmp); },
     [](const CheckConfig& c) { return make_check(c.icmp); }},
    {"file", [](const CheckConfig& c) { return c.file != nullptr; },
     [](const CheckConfig& c) { return c.file->path.value; },
     [](const CheckConfig& c) { return fingerprint_of(*c.file); },
     [](const CheckConfig& c) { return make_check(c.file); }},
    {"certificate", [](const CheckConfig& c) { return c.certificate != nullptr; },
     [](const CheckConfig& c) { return target_of(*c.certificate); },
     [](const CheckConfig& c) { return fingerprint_of(*c.certificate); },
     [](const CheckConfig& c) { return make_check(c.certificate); }},
    {"systemd", [](const CheckConfig& c) { return c.systemd != nullptr; },
     [](const CheckConfig& c) { return c.systemd->unit.value; },
     [](const CheckConfig& c) { return fingerprint_of(*c.systemd); },
     [](const CheckConfig& c) { return make_check(c.systemd); }},
    {"ntp", [](const CheckConfig& c) { return c.ntp != nullptr; },
     [](const CheckConfig& c) { return c.ntp->place.text(); },
     [](const CheckConfig& c) { return fingerprint_of(*c.ntp); },
     [](const CheckConfig& c) { return make_check(c.ntp); }},
};

const Kind* kind_of(const CheckConfig& config) {
  const auto* const found = std::find_if(std::begin(kinds), std::end(kinds),
                                         [&](const Kind& kind) { return kind.is_there(config); });
  return found == std::end(kinds) ? nullptr : found;
}

std::string kind_names() {
  std::string names;
  for (const auto& kind : kinds) {
    if (!names.empty()) names += &kind == std::end(kinds) - 1 ? " or " : ", ";
    names += kind.key;
  }
  return names;
}

void check_labels(config::Section& section, const CheckConfig& config) {
  for (const auto& [name, value] : config.labels) {
    if (!is_legal_label_name(name)) section.problem("labels", "'" + name + "' is not the name of a label");
    if (name == "probe" || name == "kind" || name == "target") {
      section.problem("labels", "the label '" + name + "' is written by the agent: choose another name");
    }
  }
}

std::string entry_fingerprint(const CheckConfig& config) {
  std::string text = config.name.value + '\n' + std::to_string(config.interval.count()) + '\n' +
                     std::to_string(config.timeout.count());
  for (const auto& [name, value] : config.labels) text += '\n' + name + '=' + value;
  text += config.details ? "\n+" : "\n-";
  for (const bool has : config.windows.has) text += has ? '+' : '-';
  return text + '\n' + std::string(config.kind()) + '\n' + kind_of(config)->fingerprint(config) + '\x1e';
}

template <class T>
void declare_kind(config::Section& section, std::string_view key, std::shared_ptr<const T>& out, std::string_view help) {
  std::optional<T> read;
  section.section(key, read, help);
  if (read) out = std::make_shared<const T>(*std::move(read));
}

void declare_windows(config::Section& section, WindowSet& windows) {
  std::vector<config::Located<std::string>> names;
  for (std::size_t i = 0; i < window_kinds.size(); ++i) {
    if (windows.has[i]) names.push_back({std::string(window_kinds[i].name), {}});
  }
  section.optional("windows", names,
                   "the times over which the share of runs that succeeded, and the quantiles of how long they took, are "
                   "told: 1h, 24h, 7d (7d without quantiles); [] for none");
  if (section.describing()) return;
  windows.has.fill(false);
  for (const auto& name : names) {
    const auto found = std::find_if(window_kinds.begin(), window_kinds.end(),
                                    [&](const WindowKind& kind) { return kind.name == name.value; });
    if (found == window_kinds.end()) {
      section.problem(name.mark, "'" + name.value + "' is not a window that is counted: write 1h, 24h or 7d");
    } else {
      windows.has[static_cast<std::size_t>(found - window_kinds.begin())] = true;
    }
  }
}

std::string watches(const std::vector<CheckConfig>& checks) {
  constexpr std::size_t most_shown = 5;
  std::string text =
      std::to_string(checks.size()) + (checks.size() == 1 ? " check from outside: " : " checks from outside: ");
  for (std::size_t i = 0; i < std::min(checks.size(), most_shown); ++i) {
    text += (i == 0 ? "" : ", ") + checks[i].name.value + " (" + std::string(checks[i].kind()) + " " +
            checks[i].target() + ", every " + config::write_duration(checks[i].interval) + ")";
  }
  return text + (checks.size() > most_shown ? ", ..." : "") + "; results collected";
}

}  // namespace

std::size_t CheckConfig::identity() const {
  return std::hash<std::string>{}(name.value + '\n' + std::string(kind()) + '\n' + target());
}

std::string_view CheckConfig::kind() const {
  const auto* const kind = kind_of(*this);
  return kind == nullptr ? "" : kind->key;
}

std::string CheckConfig::target() const {
  const auto* const kind = kind_of(*this);
  return kind == nullptr ? "" : kind->target(*this);
}

Labels CheckConfig::series_labels() const {
  std::vector<Label> all;
  for (const auto& [key, value] : labels) all.push_back({key, value});
  return Labels(std::move(all)).with("probe", name.value).with("kind", kind()).with("target", target());
}

void declare(config::Section& section, CheckConfig& config) {
  section.required("name", config.name, "what you call it: the label probe of all its series");
  section.optional("interval", config.interval, "how often it runs", config::between(1s, 24h));
  section.optional("timeout", config.timeout, "how long one run may take, all in all, no longer than interval; 5s or the interval when absent",
                   config::between(10ms, 5min));
  section.optional("labels", config.labels, "more labels of its series, such as {team: shop}");
  declare_windows(section, config.windows);
  section.optional("details", config.details,
                   "tell everything that blackbox_exporter tells as well, such as HTTP version, length and redirects");
  declare_kind(section, "http", config.http, "ask for a URL");
  declare_kind(section, "tcp", config.tcp, "connect to a port, and talk if wanted");
  declare_kind(section, "tls", config.tls, "connect with TLS, and look at the certificate");
  declare_kind(section, "dns", config.dns, "ask a name server");
  declare_kind(section, "icmp", config.icmp, "send pings");
  declare_kind(section, "file", config.file, "look whether a file is there, how old, how large, and what is in it");
  declare_kind(section, "certificate", config.certificate, "read certificates from files, and look when they end");
  declare_kind(section, "systemd", config.systemd, "ask systemd for the state of a unit");
  declare_kind(section, "ntp", config.ntp, "ask a time server, and hold this machine's clock against it");
  if (section.describing()) return;
  if (section.has("name") && config.name.value.empty()) section.problem("name", "a check needs a name");
  check_labels(section, config);
  if (!section.has("timeout")) config.timeout = std::min(config.timeout, config.interval);
  if (config.timeout > config.interval) {
    section.problem("timeout", "this timeout is longer than the interval of " + config::write_duration(config.interval) +
                                   ": the next run would be due before this one is given up");
  }
  std::vector<std::string_view> given;
  for (const auto& kind : kinds) {
    if (section.has(kind.key)) given.push_back(kind.key);
  }
  if (given.empty()) section.problem(section.mark(), "what is to be checked? Give one of " + kind_names());
  if (given.size() > 1) {
    section.problem(given[1],
                    "a check has one kind, this one has '" + std::string(given[0]) + "' already: make it two checks");
  }
}

std::unique_ptr<Check> make_check(const CheckConfig& config) { return kind_of(config)->make(config); }

void declare(config::Section& section, ProbeLimits& limits) {
  section.optional("checks_at_once", limits.checks_at_once,
                   "so many checks run at the same time; others that are due wait for their turn",
                   config::between(1, 2000));
}

}  // namespace probe

void configure_probe(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  const auto config = std::make_shared<probe::ProbeConfig>();
  auto& checks = config->checks;
  collectors.list("probe", checks,
                  "checks from outside, under blackbox_exporter's metric names; one entry for each, of one kind");
  collectors.section("probe_limits", config->limits, "what holds for all the checks of probe together");
  std::set<std::string> names;
  std::erase_if(checks, [](const probe::CheckConfig& check) { return check.kind().empty(); });
  for (const auto& check : checks) {
    if (!names.insert(check.name.value).second && check.name.mark.line != 0) {
      collectors.problem(check.name.mark, "there is already a check named '" + check.name.value + "'");
    }
  }
  if (checks.empty()) return;
  checks.shrink_to_fit();
  CollectorPlan plan;
  plan.name = "probe";
  plan.listens = true;
  plan.watches = probe::watches(checks);
  std::string fingerprints = std::to_string(config->limits.checks_at_once) + '\n';
  for (auto& check : checks) {
    const auto fingerprint = probe::entry_fingerprint(check);
    check.edition = std::hash<std::string>{}(fingerprint);
    fingerprints += fingerprint;
  }
  plan.fingerprint = to_hex(sha256(fingerprints));
  plan.make = [config](const CollectorContext& context) {
    return probe::make_probe_collector(config, context.catalog, context.bequests);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> probe_metric_groups() {
  using namespace probe;
  auto metrics = standing_metrics();
  const auto add = [&](const std::vector<Metric>& more) { metrics.insert(metrics.end(), more.begin(), more.end()); };
  add({dns_lookup_time_metric, ip_protocol_metric, failed_due_to_regex_metric, ssl_earliest_expiry_metric,
       ssl_chain_expiry_metric, ssl_chain_info_metric, tls_version_info_metric, tls_cipher_info_metric});
  add(http_check_metrics());
  add(tcp_check_metrics());
  add(dns_check_metrics());
  add(icmp_check_metrics());
  add(file_check_metrics());
  add(certificate_check_metrics());
  add(systemd_check_metrics());
  add(ntp_check_metrics());
  add(probe_collector_metrics());
  return {{"probe", "Checks from outside, as blackbox_exporter names them.", std::move(metrics)}};
}

}  // namespace sidewatch
