#include "collectors/probe/http_check_request.h"

#include <string>
#include <utility>

#include "config/regular_file.h"

namespace sidewatch::probe {
namespace {

constexpr std::size_t most_key_bytes = std::size_t{4} << 20;  // of a file with certificates or a key

// Its key, where a file with a secret is gone: asking without it would test something else.
std::string unreadable_secret(const HttpCheckConfig& config) {
  const auto unreadable = [](const config::Secret& secret) { return !secret.empty() && secret.reveal().empty(); };
  for (const auto& [name, value] : config.headers) {
    if (unreadable(value)) return "header '" + name + "'";
  }
  if (unreadable(config.bearer_token)) return "bearer_token";
  if (unreadable(config.password)) return "password";
  return unreadable(config.body) ? "body" : "";
}

OutgoingRequest first_request(const HttpCheckConfig& config) {
  OutgoingRequest request;
  request.method = config.method;
  request.url = config.url.value;
  for (const auto& [name, value] : config.headers) request.headers.push_back({name, value.reveal()});
  if (!config.bearer_token.empty()) {
    request.headers.push_back({"Authorization", "Bearer " + config.bearer_token.reveal()});
  }
  request.body = config.body.reveal();
  request.username = config.username;
  request.password = config.password.reveal();
  request.max_body_bytes = static_cast<std::size_t>(config.max_body.count);
  if (!config.expect.look_at_body()) request.too_long = OutgoingRequest::TooLong::cut;
  request.ca_file = config.tls.ca;
  request.certificate_file = config.tls.cert;
  request.key_file = config.tls.key;
  request.server_name = config.tls.server_name;
  request.insecure_skip_verify = config.tls.insecure_skip_verify;
  request.tls13_only = config.tls.tls13_only;
  request.allow_link_local = config.allow_link_local;
  request.proxy_url = config.proxy_url;
  request.family = config.family;
  request.unix_socket = config.unix_socket;
  request.fresh_connection = !config.keep_alive;
  return request;
}

void read_key(const std::string& path, std::optional<std::string>& text, std::optional<Trouble>& trouble) {
  if (path.empty() || trouble) return;
  auto content = config::read_regular_file(path, most_key_bytes);
  if (content) {
    text = *std::move(content);
  } else {
    trouble = Trouble{Reason::tls, "it was not asked: " + path + ": " + content.error().what};
  }
}

}  // namespace

Prepared prepare(const HttpCheckConfig& config) {
  Prepared prepared;
  if (const std::string secret = unreadable_secret(config); !secret.empty()) {
    prepared.trouble = Trouble{Reason::missing, "it was not asked: " + secret + " cannot be read now"};
    return prepared;
  }
  prepared.request = first_request(config);
  read_key(config.tls.ca, prepared.keys.ca, prepared.trouble);
  read_key(config.tls.cert, prepared.keys.certificate, prepared.trouble);
  read_key(config.tls.key.empty() ? config.tls.cert : config.tls.key, prepared.keys.key, prepared.trouble);
  return prepared;
}

bool may_read_files(const HttpCheckConfig& config) {
  const bool keys = !config.tls.ca.empty() || !config.tls.cert.empty();
  return keys || !config.headers.empty() || !config.bearer_token.empty() || !config.password.empty() ||
         !config.body.empty();
}

}  // namespace sidewatch::probe
