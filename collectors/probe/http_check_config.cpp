// How an HTTP check is written in the configuration, and what can be wrong with it; see http_check.h.

#include <string>

#include "collectors/probe/http_check.h"
#include "collectors/probe/tcp_check.h"

namespace sidewatch::probe {
namespace {

void check_url(config::Section& section, const HttpCheckConfig& config) {
  if (!section.has("url")) return;
  const auto parts = parse_http_url(config.url.value);
  if (!parts) return section.problem(config.url.mark, parts.error().what);
  require_ascii(section, "url", parts->host);
  if (parts->has_credentials) {
    section.problem(config.url.mark,
                    "a URL is shown in many places: write username and password under keys of their own");
  }
  if (parts->link_local && !config.allow_link_local) {
    section.problem(config.url.mark, "the host is link-local, which is refused unless allow_link_local is true");
  }
}

}  // namespace

void declare(config::Section& section, HttpCheckConfig& config) {
  section.required("url", config.url, "what is asked for, such as https://shop.example/health");
  section.optional("method", config.method, "GET, HEAD, POST or any other");
  section.optional("headers", config.headers, "headers of the request: {Accept: application/json}");
  section.optional("body", config.body, "of the request");
  section.optional("username", config.username, "for basic authentication");
  section.optional("password", config.password, "for basic authentication");
  section.optional("bearer_token", config.bearer_token, "sent as Authorization: Bearer");
  section.optional("follow_redirects", config.follow_redirects, "ask for where a redirect leads to");
  section.optional("max_redirects", config.max_redirects, "more of them are a failure", config::between(0, 50));
  section.optional("max_body", config.max_body,
                   "bytes of the answer that are read; a longer one is cut, and fails where expect looks at the body",
                   config::between(config::Bytes{1}, config::Bytes{16 << 20}));
  section.optional("keep_alive", config.keep_alive,
                   "use a connection again where the server keeps it; the phases then show no connecting");
  section.choice("ip_protocol", config.family,
                 {{"any", OutgoingRequest::Family::any},
                  {"ip4", OutgoingRequest::Family::ipv4},
                  {"ip6", OutgoingRequest::Family::ipv6}},
                 "the addresses of the host that are tried");
  section.optional("unix_socket", config.unix_socket, "a path to connect to, whatever host the URL names");
  section.optional("proxy_url", config.proxy_url, "a proxy, such as http://127.0.0.1:3128");
  section.optional("allow_link_local", config.allow_link_local,
                   "allow 169.254.0.0/16 and fe80::/10, where cloud machines keep their credentials");
  section.section("tls", config.tls, "for https");
  section.section("expect", config.expect, "what the answer has to be");
  if (section.describing()) return;
  check_url(section, config);
  if (const auto proxy = parse_http_url(config.proxy_url)) require_ascii(section, "proxy_url", proxy->host);
  if (config.username.empty() && !config.password.empty()) section.problem("password", "there is no username for it");
  if (!config.username.empty() && !config.bearer_token.empty()) {
    section.problem("bearer_token", "username and bearer_token exclude each other");
  }
  if (!config.unix_socket.empty() && config.unix_socket.front() != '/') {
    section.problem("unix_socket", "the path of a socket begins with a slash");
  }
  if (!header_is_safe(config.method, "")) section.problem("method", "'" + config.method + "' is not a method");
  for (const auto& [name, value] : config.headers) {
    if (!header_is_safe(name, value.reveal())) {
      section.problem("headers", "'" + name + "' is not a header that can be sent: it holds a control character");
    }
  }
}

std::string target_of(const HttpCheckConfig& config) { return url_without_secrets(config.url.value); }

std::string fingerprint_of(const HttpCheckConfig& config) {
  std::string text = config.url.value + '\n' + config.method + '\n' + config.body.reveal() + '\n' + config.username +
                     '\n' + config.password.reveal() + '\n' + config.bearer_token.reveal() + '\n' + config.unix_socket +
                     '\n' + config.proxy_url + '\n' + std::to_string(config.max_redirects) + '\n' +
                     std::to_string(config.max_body.count) + '\n' + std::to_string(static_cast<int>(config.family));
  for (const bool flag : {config.follow_redirects, config.keep_alive, config.allow_link_local})
    text += flag ? '1' : '0';
  for (const auto& [name, value] : config.headers) text += '\n' + name + ':' + value.reveal();
  return text + '\n' + config.tls.fingerprint() + '\n' + fingerprint_of(config.expect);
}

}  // namespace sidewatch::probe
