#include "collectors/outgoing_access.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/crypto.h"
#include "base/gzip.h"
#include "config/literals.h"
#include "config/regular_file.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_pem_bytes = std::size_t{8} << 20;
constexpr std::array<std::string_view, 4> always_reserved = {"host", "content-length", "transfer-encoding", "expect"};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// A file that is missing at the start would let every attempt fail; one that is replaced later is read again.
void check_pem(config::Section& section, const config::Located<std::string>& path, const std::string& key) {
  if (path.value.empty()) return;
  const auto text = config::read_regular_file(path.value, max_pem_bytes);
  if (!text) {
    section.problem(path.mark, key + " " + path.value + ": " + text.error().what);
  } else if (text->find("-----BEGIN ") == std::string::npos) {
    section.problem(path.mark, key + " " + path.value + " is not a PEM file, it has no line -----BEGIN ...");
  }
}

void check_headers(config::Section& section, const OutgoingAccess& access, const std::vector<std::string_view>& reserved) {
  for (const auto& [name, secret] : access.headers) {
    const std::string plain = lower(name);
    if (!header_is_safe(name, "")) {
      section.problem("headers", "'" + name + "' cannot be the name of a header");
    } else if (std::ranges::find(always_reserved, plain) != always_reserved.end() ||
               std::ranges::find(reserved, plain) != reserved.end()) {
      section.problem("headers", "header '" + name + "' is set by sidewatch itself");
    } else if (plain == "authorization" && (access.basic_auth || !access.bearer_token.empty())) {
      section.problem("headers", "header '" + name + "' is filled by bearer_token or basic_auth already");
    } else if (!header_is_safe(name, secret.reveal())) {
      section.problem("headers", "the value of header '" + name + "' holds a control character");
    }
  }
}

}  // namespace

void declare(config::Section& section, OutgoingBasicAuth& auth) {
  section.required("username", auth.username, "user name of HTTP basic authentication");
  section.required("password", auth.password, "its password");
}

void declare(config::Section& section, OutgoingTls& tls) {
  section.optional("ca_file", tls.ca_file, "certificates (PEM) of the authorities to trust instead of the machine's");
  section.optional("cert_file", tls.cert_file, "client certificate (PEM)");
  section.optional("key_file", tls.key_file, "key of the client certificate, when it is not in cert_file");
  section.optional("server_name", tls.server_name,
                   "the name that the server's certificate must be for, where it is not the host of the URL");
  section.optional("insecure_skip_verify", tls.insecure_skip_verify, "trust any certificate: for trying things out only");
  if (section.describing()) return;
  check_pem(section, tls.ca_file, "ca_file");
  check_pem(section, tls.cert_file, "cert_file");
  check_pem(section, tls.key_file, "key_file");
}

void declare_access(config::Section& section, OutgoingAccess& access, const std::vector<std::string_view>& reserved) {
  section.optional("headers", access.headers,
                   "further headers of the request, as in {X-Team: ops}; their values are kept secret");
  section.section("basic_auth", access.basic_auth, "HTTP basic authentication");
  section.optional("bearer_token", access.bearer_token,
                   "sent as 'Authorization: Bearer ...'; \"${file:/run/secrets/token}\" is read again each time");
  section.section("tls", access.tls, "whom to trust, and who we are");
  section.optional("unix_socket", access.unix_socket,
                   "the path of a Unix socket to connect to; the URL's host is then only what the Host header says");
  section.optional("proxy_url", access.proxy_url, "HTTP proxy; without it none is used, whatever the environment says");
  section.keep_secret("proxy_url");
  section.optional("allow_link_local", access.allow_link_local,
                   "allow link-local addresses (169.254.0.0/16, fe80::/10), where clouds keep credentials");
  if (section.describing()) return;
  if (access.basic_auth && !access.bearer_token.empty()) {
    section.problem("bearer_token", "bearer_token and basic_auth fill the same header: give one of them");
  }
  if (!access.unix_socket.empty() && !access.unix_socket.starts_with('/')) {
    section.problem("unix_socket", "the path of a socket begins with /, as in /run/app.sock");
  }
  if (!access.proxy_url.value.empty()) {
    if (const auto parts = parse_http_url(access.proxy_url.value); !parts) {
      section.problem(access.proxy_url.mark, parts.error().what);
    }
  }
  check_headers(section, access, reserved);
}

std::optional<UrlParts> check_url(config::Section& section, const config::Located<std::string>& url,
                                  const OutgoingAccess& access) {
  if (!url.expanded && url.value.starts_with('$')) {
    section.problem(url.mark, "a variable is written ${NAME} here");
    return std::nullopt;
  }
  const auto parts = parse_http_url(url.value);
  if (!parts) {
    section.problem(url.mark, parts.error().what);
    return std::nullopt;
  }
  if (parts->has_credentials) {
    section.problem(url.mark, "user name and password do not belong into the URL, write them under basic_auth:");
    return std::nullopt;
  }
  if (parts->link_local && !access.allow_link_local && access.unix_socket.empty()) {
    section.problem(url.mark, "this is a link-local address, where machines keep their credentials; if it is meant, set "
                              "allow_link_local: true");
    return std::nullopt;
  }
  return *parts;
}

Duration timeout_within(std::optional<Duration> given, Duration interval) {
  const Duration wanted = given.value_or(std::chrono::seconds(5));
  return interval > Duration(0) ? std::min(wanted, interval - interval / 20) : wanted;
}

std::string add_access(OutgoingRequest& request, const OutgoingAccess& access) {
  request.ca_file = access.tls.ca_file.value;
  request.certificate_file = access.tls.cert_file.value;
  request.key_file = access.tls.key_file.value;
  request.server_name = access.tls.server_name;
  request.insecure_skip_verify = access.tls.insecure_skip_verify;
  request.unix_socket = access.unix_socket;
  request.allow_link_local = access.allow_link_local;
  request.proxy_url = access.proxy_url.value;
  for (const auto& [name, secret] : access.headers) {
    const std::string value = secret.reveal();
    if (value.empty() && !secret.empty()) return "header '" + name + "'";
    request.headers.push_back({name, value});
  }
  if (!access.bearer_token.empty()) {
    const std::string token = access.bearer_token.reveal();
    if (token.empty()) return "bearer_token";
    request.headers.push_back({"Authorization", "Bearer " + token});
  }
  if (access.basic_auth) {
    request.username = access.basic_auth->username;
    request.password = access.basic_auth->password.reveal();
    if (request.password.empty() && !access.basic_auth->password.empty()) return "basic_auth.password";
  }
  return "";
}

std::string fingerprint_of(const OutgoingAccess& access) {
  static const std::string key = random_bytes(32);
  std::string all;
  const auto add = [&all](const std::string& part) { all += "\n" + std::to_string(part.size()) + ":" + part; };
  for (const auto& [name, secret] : access.headers) {
    add(name);
    add(secret.reveal());
  }
  add(access.bearer_token.reveal());
  add(access.basic_auth ? access.basic_auth->username + "\n" + access.basic_auth->password.reveal() : "-");
  add(access.tls.ca_file.value);
  add(access.tls.cert_file.value);
  add(access.tls.key_file.value);
  add(access.tls.server_name);
  add(access.unix_socket);
  add(access.proxy_url.value);
  all += access.tls.insecure_skip_verify ? "i" : "-";
  all += access.allow_link_local ? "l" : "-";
  return to_hex(hmac_sha256(key, all));
}

std::string words_for(const HttpError& error, const OutgoingRequest& request) {
  switch (error.kind) {
    case HttpFailure::connect:
      return request.unix_socket.empty()
                 ? "cannot be connected to: nothing listens there, or something stands between"
                 : "the socket " + request.unix_socket + " cannot be connected to: nobody listens, or it is not allowed";
    case HttpFailure::timeout:
      return "gave no whole answer within the timeout of " + config::write_duration(request.timeout);
    case HttpFailure::resolve: return "the host's name has no address";
    case HttpFailure::too_large:
      return "the answer is larger than " + config::write_size({request.max_body_bytes}) + " (body_size_limit)";
    case HttpFailure::network: return "the connection broke, or what answers does not speak HTTP";
    case HttpFailure::interrupted: return "interrupted";
    case HttpFailure::bad_request:
    case HttpFailure::address_refused:
    case HttpFailure::tls: break;
  }
  const std::string place = url_without_secrets(request.url) + ": ";
  return error.what.starts_with(place) ? error.what.substr(place.size()) : error.what;
}

Result<std::string> body_of(OutgoingResponse&& response, std::size_t max_bytes) {
  const std::string encoding = lower(std::string(response.header("Content-Encoding")));
  if (encoding.empty() || encoding == "identity") return std::move(response.body);
  if (encoding != "gzip" && encoding != "x-gzip") {
    return Error{"the answer is packed as '" + encoding.substr(0, 20) + "', which was not asked for", ""};
  }
  auto unpacked = gzip_decompress(response.body, max_bytes);
  if (!unpacked) return Error{"the answer cannot be unpacked: " + unpacked.error().what, ""};
  return unpacked;
}

}  // namespace sidewatch
