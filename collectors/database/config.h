// What the configuration says of a database, whatever the engine: how the instance is called, how long things may take,
// how its connection is secured, and what else it is asked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "config/section.h"
#include "metrics/labels.h"

namespace sidewatch::database {

struct InstanceConfig {
  config::Located<std::string> name;  // the label `instance` of all its series
  std::optional<Duration> interval;
  Duration timeout = std::chrono::seconds(2);  // of the connection, and of each query
  std::map<std::string, std::string> labels;

  Labels series_labels() const;  // instance and `labels`
};

// Declares name, interval, timeout and labels. Every engine's own `declare` begins with it.
void declare_instance(config::Section& section, InstanceConfig& instance);

enum class TlsMode {
  off,
  require,      // encrypted, whoever the other side is
  verify_ca,    // and its certificate is signed by `ca`
  verify_full,  // and is for the host that was asked for
};

struct TlsConfig {
  TlsMode mode = TlsMode::verify_full;  // when the section `tls` is there
  std::string ca;    // a file in PEM; empty: the system's
  std::string cert;  // the client's, with `key`
  std::string key;
  std::string server_name;  // that the certificate has to be for; empty: the host
};
void declare(config::Section& section, TlsConfig& tls);

// Everything of `instance` and `tls` that a reload must notice, for CollectorPlan::fingerprint.
std::string fingerprint_of(const InstanceConfig& instance);
std::string fingerprint_of(const std::optional<TlsConfig>& tls);

// Reports instances of one engine that have one name.
void check_names(config::Section& collectors, std::string_view engine, const std::vector<const InstanceConfig*>& all);

// "127.0.0.1:6379", "[::1]:6379", "db.example" (with `default_port`), "unix:/run/redis.sock" or "/run/redis.sock".
struct Address {
  std::string host;    // a name or an address without brackets; empty for a socket
  int port = 0;
  std::string socket;  // a path
  std::string text() const;  // as people write it
};
std::optional<Address> parse_address(std::string_view text, int default_port);

}  // namespace sidewatch::database
