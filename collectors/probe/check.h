// The seam between what is checked and how checks are led: a Check runs once, within its time, and hands back a
// Verdict.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http_transfers.h"
#include "collectors/probe/background.h"
#include "collectors/probe/event_loop.h"
#include "collectors/probe/names.h"
#include "collectors/probe/task.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch::probe {

// Why a check failed: the values of the label `reason` of probe_failure_info.
enum class Reason {
  resolve,          // the name has no address, or no name server answers
  connect,          // no connection: refused, no route, no such socket
  address_refused,  // link-local
  timeout,          // not done in time
  tls,              // the handshake failed
  certificate,      // one that does not hold, or is over, or begins later
  disconnected,     // the connection ended too early
  protocol,         // the other side speaks something else, or nonsense
  status,           // of the HTTP answer, or the DNS response code
  header,
  body,
  redirect,         // too many, or to where none may lead
  too_large,
  too_slow,         // it answered, but later than is allowed
  answer,           // the other side answered something else than is expected
  lost,             // packets
  missing,          // a file, a unit
  permission,       // of the agent
  age,
  size,
  content,          // of a file
  state,            // of a unit
  offset,           // of a clock
  internal,         // the machine has no memory or socket for it
  not_run,          // no failure: it did not take place, because other checks keep all threads that it needs
};
std::string_view to_string(Reason reason);

struct Trouble {
  Reason reason = Reason::internal;
  std::string text;  // a sentence: the same for the same trouble where possible, without a secret
};

struct Fact {
  const Metric* metric = nullptr;
  double value = 0;
  Labels labels = {};    // beside those of the check
  bool foreign = false;  // what the target says makes the labels: how many of these it may have is bounded
  bool detail = false;   // told only where `details` asks for it
};

struct Verdict {
  std::optional<Trouble> trouble;  // none: all is as expected
  std::vector<Fact> facts;

  void add(const Metric& metric, double value, Labels labels = {}) {
    facts.push_back({&metric, value, std::move(labels)});
  }
  void add_detail(const Metric& metric, double value, Labels labels = {}) {
    facts.push_back({&metric, value, std::move(labels), false, true});
  }
  // A detail where it can only be 0.
  void add_where(bool it_means_something, const Metric& metric, double value, Labels labels = {}) {
    facts.push_back({&metric, value, std::move(labels), false, !it_means_something});
  }
  void add_foreign(const Metric& metric, double value, Labels labels) {
    facts.push_back({&metric, value, std::move(labels), true, false});
  }
  // The first trouble is the one that is told.
  void fail(Reason reason, std::string text) {
    if (!trouble) trouble = Trouble{reason, std::move(text)};
  }
};

// What checks lean on.
struct Surroundings {
  EventLoop& loop;
  HttpTransfers& http;
  Background& background;
  Names& names;
};

class Check {
 public:
  virtual ~Check() = default;

  // Not begun again before it has ended. It is over soon after `until` at the latest.
  virtual Task<Verdict> run(Surroundings& surroundings, TimePoint until) = 0;

  // How many series with labels that its target makes stand at most, together with those that history remembers.
  virtual std::size_t most_foreign_series() const { return 100; }
};

inline double seconds_since(TimePoint begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}
inline Duration left_until(TimePoint until) {
  return std::max(Duration(1), std::chrono::ceil<Duration>(until - steady_clock::now()));
}

// Metrics that checks of several kinds write.
inline constexpr Metric dns_lookup_time_metric{"probe_dns_lookup_time_seconds", MetricType::gauge, "seconds",
                                               "Time that resolving the name took."};
inline constexpr Metric ip_protocol_metric{"probe_ip_protocol", MetricType::gauge, "",
                                           "The IP version that was used: 4 or 6."};
inline constexpr Metric failed_due_to_regex_metric{"probe_failed_due_to_regex", MetricType::gauge, "",
                                                   "1 when the check failed because of a regular expression."};
inline constexpr Metric ssl_earliest_expiry_metric{
    "probe_ssl_earliest_cert_expiry", MetricType::gauge, "",
    "When the first of the certificates that were sent expires, in seconds since 1970."};
inline constexpr Metric ssl_chain_expiry_metric{
    "probe_ssl_last_chain_expiry_timestamp_seconds", MetricType::gauge, "",
    "When the chain of certificates that was verified expires, in seconds since 1970."};
inline constexpr Metric ssl_chain_info_metric{"probe_ssl_last_chain_info", MetricType::gauge, "",
                                              "The other side's certificate, as labels; 1."};
inline constexpr Metric tls_version_info_metric{"probe_tls_version_info", MetricType::gauge, "",
                                                "The TLS version that was agreed on, as a label; 1."};
inline constexpr Metric tls_cipher_info_metric{"probe_tls_cipher_info", MetricType::gauge, "",
                                               "The cipher suite that was agreed on, as a label; 1."};

// When the first of the certificates ends, in seconds since 1970.
void add_expiry(Verdict& verdict, std::int64_t expiry);
// The ssl and tls metrics.
void add_tls_facts(Verdict& verdict, const TlsPeer& peer);

}  // namespace sidewatch::probe
