#include "collectors/database/postgresql/parameters.h"

#include <algorithm>
#include <utility>

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_lock_wait = 500ms;

std::string value_of(const Parameters& parameters, const char* key) {
  const auto found = parameters.find(key);
  return found == parameters.end() ? "" : found->second;
}

bool is_this_machine(const std::string& host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" ||
         host.starts_with("127.") || host == "::1";
}

std::string sslmode_of(TlsMode mode) {
  switch (mode) {
    case TlsMode::off: return "disable";
    case TlsMode::require: return "require";
    case TlsMode::verify_ca: return "verify-ca";
    case TlsMode::verify_full: return "verify-full";
  }
  return "verify-full";
}

void set_tls(Parameters& parameters, const TlsConfig& tls) {
  parameters["sslmode"] = sslmode_of(tls.mode);
  if (!tls.ca.empty()) parameters["sslrootcert"] = tls.ca;
  if (!tls.cert.empty()) parameters["sslcert"] = tls.cert;
  if (!tls.key.empty()) parameters["sslkey"] = tls.key;
  const bool verifies = tls.mode == TlsMode::verify_ca || tls.mode == TlsMode::verify_full;
  if (tls.ca.empty() && verifies && parameters.count("sslrootcert") == 0) {
    parameters["sslrootcert"] = "/etc/ssl/certs/ca-certificates.crt";
  }
}

std::string in_ms(Duration duration) { return std::to_string(duration.count()); }

// Behind what the dsn has, as the last word counts.
std::string session_options(Duration timeout) {
  return "-c statement_timeout=" + in_ms(statement_timeout(timeout)) +
         " -c lock_timeout=" + in_ms(std::min(longest_lock_wait, timeout / 2)) +
         " -c idle_in_transaction_session_timeout=" + in_ms(std::max<Duration>(2 * timeout, 10s)) +
         " -c default_transaction_read_only=on -c jit=off";
}

}  // namespace

Duration statement_timeout(Duration timeout) { return std::max<Duration>(timeout * 9 / 10, 50ms); }

Parameters joined(Parameters dsn, const std::string& password, const std::optional<TlsConfig>& tls, Duration timeout) {
  Parameters all = std::move(dsn);
  if (!password.empty()) all["password"] = password;
  all.try_emplace("application_name", "sidewatch");
  all.try_emplace("gssencmode", "disable");
  all["client_encoding"] = "UTF8";
  if (tls) {
    set_tls(all, *tls);
  } else {
    all.try_emplace("sslmode", is_this_machine(value_of(all, "host")) ? "disable" : "prefer");
  }
  std::string& options = all["options"];
  options += (options.empty() ? "" : " ") + session_options(timeout);
  all.erase("connect_timeout");  // libpq leaves it to whoever polls, and we have our own
  return all;
}

std::vector<std::string> names_to_resolve(const Parameters& parameters) {
  const std::string host = value_of(parameters, "host");
  const bool no_name = host.empty() || host.starts_with('/') || host.starts_with('@');
  if (no_name || !value_of(parameters, "hostaddr").empty()) return {};
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= host.size();) {
    const auto end = std::min(host.find(',', at), host.size());
    names.push_back(host.substr(at, end - at));
    at = end + 1;
  }
  if (names.size() > 1) return {};  // a list of servers is libpq's business
  return names;
}

void set_addresses(Parameters& parameters, const std::vector<std::string>& addresses, const std::string& server_name) {
  const std::string host = server_name.empty() ? value_of(parameters, "host") : server_name;
  const std::string port = value_of(parameters, "port");
  std::string hosts;
  std::string list;
  std::string ports;
  for (const auto& address : addresses) {
    const char* const comma = list.empty() ? "" : ",";
    hosts += comma + host;
    ports += comma + port;
    list += comma + address;
  }
  parameters["host"] = hosts;
  parameters["hostaddr"] = list;
  if (!port.empty()) parameters["port"] = ports;
}

std::string place_of(const Parameters& parameters) {
  std::string host = value_of(parameters, "host");
  if (host.empty()) host = value_of(parameters, "hostaddr");
  const std::string port = value_of(parameters, "port");
  if (host.empty()) host = "the local socket";
  return port.empty() ? host : host + ":" + port;
}

}  // namespace sidewatch::database::postgresql
