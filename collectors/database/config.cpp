#include "collectors/database/config.h"

#include <charconv>
#include <set>
#include <utility>

#include "metrics/text.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;

std::optional<int> parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535) return std::nullopt;
  return port;
}

}  // namespace

Labels InstanceConfig::series_labels() const {
  std::vector<Label> all;
  for (const auto& [key, value] : labels) all.push_back({key, value});
  return Labels(std::move(all)).with("instance", name.value);
}

void declare_instance(config::Section& section, InstanceConfig& instance) {
  section.required("name", instance.name, "what you call it: the label instance of all its series, such as main");
  section.optional("interval", instance.interval, "how often it is asked; agent.interval when absent",
                   config::between(500ms, 1h));
  section.optional("timeout", instance.timeout,
                   "how long connecting may take, and the answer to each query; the server is told to stop at a query "
                   "that takes longer",
                   config::between(100ms, 60s));
  section.optional("labels", instance.labels, "more labels of its series, such as {cluster: shop}");
  if (section.describing()) return;
  if (section.has("name") && instance.name.value.empty()) section.problem("name", "a database needs a name");
  for (const auto& [name, value] : instance.labels) {
    if (!is_legal_label_name(name)) section.problem("labels", "'" + name + "' is not the name of a label");
    if (name == "instance") section.problem("labels", "the label 'instance' is the name of the database: write name:");
  }
}

void declare(config::Section& section, TlsConfig& tls) {
  section.choice("mode", tls.mode,
                 {{"off", TlsMode::off},
                  {"require", TlsMode::require},
                  {"verify-ca", TlsMode::verify_ca},
                  {"verify-full", TlsMode::verify_full}},
                 "off; require: encrypted, whoever the other side is; verify-ca: its certificate must be signed by an "
                 "authority that is trusted; verify-full: and be for the host that was asked for");
  section.optional("ca", tls.ca, "the certificates (PEM) of the authorities that are trusted; the system's when absent");
  section.optional("cert", tls.cert, "the certificate (PEM) that the agent shows");
  section.optional("key", tls.key, "the private key (PEM) of cert");
  section.optional("server_name", tls.server_name,
                   "the name that the server's certificate must be for, where it is not the host's");
  if (section.describing()) return;
  if (tls.cert.empty() != tls.key.empty()) {
    section.problem(tls.cert.empty() ? "key" : "cert", "cert and key belong together: give both or none");
  }
}

std::string fingerprint_of(const InstanceConfig& instance) {
  std::string text = instance.name.value + '\n' + std::to_string(instance.timeout.count());
  for (const auto& [name, value] : instance.labels) text += '\n' + name + '=' + value;
  return text;
}

std::string fingerprint_of(const std::optional<TlsConfig>& tls) {
  if (!tls) return "\nno tls";
  return '\n' + std::to_string(static_cast<int>(tls->mode)) + '\t' + tls->ca + '\t' + tls->cert + '\t' + tls->key + '\t' +
         tls->server_name;
}

void check_names(config::Section& collectors, std::string_view engine, const std::vector<const InstanceConfig*>& all) {
  std::set<std::string> names;
  for (const auto* instance : all) {
    const auto& [name, mark] = std::pair(instance->name.value, instance->name.mark);
    if (mark.line == 0 || name.empty()) continue;  // said already
    if (!names.insert(name).second) {
      collectors.problem(mark, "there is already a " + std::string(engine) + " named '" + name + "'");
    }
  }
}

std::string Address::text() const {
  if (!socket.empty()) return socket;
  const bool bare = host.find(':') == std::string::npos;
  return (bare ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Address> parse_address(std::string_view text, int default_port) {
  Address address;
  if (text.starts_with("unix:")) text.remove_prefix(5);
  if (text.starts_with('/')) {
    address.socket = text;
    return address;
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    address.host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return std::nullopt;
  } else {
    const auto colon = text.find(':');
    if (colon != text.rfind(':')) {
      address.host = text;  // an IPv6 address without brackets has no port
    } else {
      address.host = text.substr(0, colon);
      if (colon != std::string_view::npos) port = text.substr(colon + 1);
      if (colon != std::string_view::npos && port.empty()) return std::nullopt;
    }
  }
  if (address.host.empty()) return std::nullopt;
  const auto number = port.empty() ? std::optional(default_port) : parse_port(port);
  if (!number) return std::nullopt;
  address.port = *number;
  return address;
}

}  // namespace sidewatch::database
