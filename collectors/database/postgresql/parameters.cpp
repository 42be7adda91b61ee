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

// "a,,b" is three; an empty text is none.
std::vector<std::string> listed(const std::string& text) {
  std::vector<std::string> all;
  if (text.empty()) return all;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
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

bool Place::has_a_name() const {
  return address.empty() && !host.empty() && !host.starts_with('/') && !host.starts_with('@');
}

std::vector<Place> places_in(const Parameters& parameters) {
  const auto hosts = listed(value_of(parameters, "host"));
  const auto addresses = listed(value_of(parameters, "hostaddr"));
  const auto ports = listed(value_of(parameters, "port"));
  const std::size_t count = std::max({hosts.size(), addresses.size(), std::size_t{1}});
  for (const auto* list : {&hosts, &addresses}) {
    if (!list->empty() && list->size() != count) return {};
  }
  if (ports.size() > 1 && ports.size() != count) return {};
  std::vector<Place> places(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!hosts.empty()) places[i].host = hosts[i];
    if (!addresses.empty()) places[i].address = addresses[i];
    if (!ports.empty()) places[i].port = ports.size() == 1 ? ports[0] : ports[i];
  }
  return places;
}

Parameters at_place(Parameters parameters, const Place& place, const std::string& server_name) {
  const auto set = [&](const char* key, const std::string& text) {
    if (text.empty()) {
      parameters.erase(key);
    } else {
      parameters[key] = text;
    }
  };
  set("host", server_name.empty() || place.address.empty() ? place.host : server_name);
  set("hostaddr", place.address);
  set("port", place.port);
  return parameters;
}

std::vector<std::string> rounds_of(const Parameters& parameters) {
  const std::string wanted = value_of(parameters, "target_session_attrs");
  if (wanted == "prefer-standby") return {"standby", "any"};
  if (wanted == "read-write") return {"primary"};
  if (wanted == "read-only") return {"standby"};
  return {wanted.empty() ? "any" : wanted};
}

std::string place_of(const Parameters& parameters) {
  std::string host = value_of(parameters, "host");
  if (host.empty()) host = value_of(parameters, "hostaddr");
  const std::string port = value_of(parameters, "port");
  if (host.empty()) host = "the local socket";
  return port.empty() ? host : host + ":" + port;
}

}  // namespace sidewatch::database::postgresql
