#include "alerting/receivers/http_receiver.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alerting/receivers/hidden_text.h"
#include "alerting/receivers/http_outcome.h"
#include "base/crypto.h"
#include "config/regular_file.h"

namespace sidewatch {

void declare(config::Section& s, HttpReceiverTls& c) {
  s.optional("ca_file", c.ca_file, "certificates (PEM) of the authorities to trust instead of the machine's");
  s.optional("cert_file", c.cert_file, "client certificate (PEM)");
  s.optional("key_file", c.key_file, "key of the client certificate, when it is not in cert_file");
  s.optional("insecure_skip_verify", c.insecure_skip_verify, "trust any certificate: for trying things out only");
}

void declare_http(config::Section& s, HttpReceiverSettings& c) {
  using namespace std::chrono_literals;
  s.optional("timeout", c.timeout,
             "how long one attempt may take, the answer included; then it is tried again later",
             config::between(100ms, 60s));
  s.section("tls", c.tls, "whom to trust, and who we are");
  s.optional("allow_link_local", c.allow_link_local,
             "allow link-local addresses (169.254.0.0/16, fe80::/10), where clouds keep credentials");
  s.optional("proxy_url", c.proxy_url, "HTTP proxy; without it none is used, whatever the environment says");
  s.keep_secret("proxy_url");
}

namespace {

constexpr std::string_view hidden = "<...>";
constexpr std::size_t shown_answer_bytes = 4096;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// A file that is missing at the start would let every attempt fail; one that is replaced later is read again.
void check_pem(config::Section& entry, const config::Located<std::string>& path, std::string_view key) {
  if (path.value.empty()) return;
  constexpr std::size_t max_pem_bytes = std::size_t{8} << 20;
  const auto text = config::read_regular_file(path.value, max_pem_bytes);
  if (!text) {
    entry.problem(path.mark, std::string(key) + " " + path.value + ": " + text.error().what);
  } else if (text->find("-----BEGIN ") == std::string::npos) {
    entry.problem(path.mark, std::string(key) + " " + path.value + " is not a PEM file, it has no line -----BEGIN ...");
  }
}

Attempt without(Attempt attempt, const std::vector<std::string>& secrets) {
  if (auto* later = std::get_if<RetryLater>(&attempt)) later->why = hide(std::move(later->why), secrets);
  if (auto* rejected = std::get_if<Rejected>(&attempt)) rejected->why = hide(std::move(rejected->why), secrets);
  return attempt;
}

HttpResult without_secrets(HttpResult result, const std::vector<std::string>& secrets) {
  if (auto* answer = std::get_if<OutgoingResponse>(&result)) answer->body = hide(std::move(answer->body), secrets);
  return result;
}

std::string shown(const HttpResult& result) {
  if (const auto* error = std::get_if<HttpError>(&result)) return error->what;
  const auto& answer = std::get<OutgoingResponse>(result);
  return "HTTP " + std::to_string(answer.status) + "\n\n" + answer.body.substr(0, shown_answer_bytes);
}

}  // namespace

void check_receiver_url(config::Section& entry, const config::Located<std::string>& url, std::string_view key,
                        bool allow_link_local) {
  const std::string what(key);
  if (!url.expanded && url.value.starts_with('$')) {
    return entry.problem(url.mark, what + ": a variable is written ${NAME} here");
  }
  const auto parts = parse_http_url(url.value);
  if (!parts) {
    entry.problem(url.mark, what + ": " + parts.error().what);
  } else if (parts->link_local && !allow_link_local) {
    entry.problem(url.mark, what + " is a link-local address, where machines keep their credentials; if it is meant, "
                                   "set allow_link_local: true");
  }
}

void check_http(config::Section& entry, const HttpReceiverSettings& c) {
  check_pem(entry, c.tls.ca_file, "ca_file");
  check_pem(entry, c.tls.cert_file, "cert_file");
  check_pem(entry, c.tls.key_file, "key_file");
  if (!c.proxy_url.value.empty()) check_receiver_url(entry, c.proxy_url, "proxy_url", c.allow_link_local);
}

std::string http_warning(const HttpReceiverSettings& settings) {
  if (!settings.tls.insecure_skip_verify) return "";
  return "tls.insecure_skip_verify is true: whoever stands between can read and change its messages";
}

Fingerprint::Fingerprint(std::string_view kind) : all_(kind) {}

Fingerprint& Fingerprint::add(std::string_view part) {
  all_ += "\n" + std::to_string(part.size()) + ":";
  all_ += part;
  return *this;
}

Fingerprint& Fingerprint::add(const HttpReceiverSettings& c) {
  add(std::to_string(c.timeout.count())).add(c.tls.ca_file.value).add(c.tls.cert_file.value).add(c.tls.key_file.value);
  add(c.tls.insecure_skip_verify ? "insecure" : "").add(c.allow_link_local ? "link-local" : "");
  return add(c.proxy_url.value);
}

std::string Fingerprint::text() const {
  static const std::string key = random_bytes(32);
  return to_hex(hmac_sha256(key, all_));
}

Result<std::string> reveal(const config::Secret& secret, std::string_view key) {
  std::string text = secret.reveal();
  if (text.empty() && !secret.empty()) return Error{std::string(key), ""};
  return text;
}

Attempt HttpReceiver::send(const Delivery& delivery) {
  auto request = request_for(delivery);
  if (!request) return RetryLater{request.error().what + " cannot be read now", std::nullopt, true, false};
  request->headers.insert(request->headers.begin(), {"Idempotency-Key", delivery.id});
  request->timeout = settings_.timeout;
  request->connect_timeout = settings_.timeout;
  request->too_long = OutgoingRequest::TooLong::cut;  // the status decides
  request->ca_file = settings_.tls.ca_file.value;
  request->certificate_file = settings_.tls.cert_file.value;
  request->key_file = settings_.tls.key_file.value;
  request->insecure_skip_verify = settings_.tls.insecure_skip_verify;
  request->allow_link_local = settings_.allow_link_local;
  request->proxy_url = settings_.proxy_url.value;

  const HttpResult result = client_.send(*request);
  const auto secrets = secrets_of(*request);
  if (context_.trace) context_.trace(shown(*request), hide(sidewatch::shown(result), secrets));
  Attempt attempt = judge(without_secrets(result, secrets), wall());  // it quotes a beginning, which may end in one
  if (const auto* answer = std::get_if<OutgoingResponse>(&result)) attempt = judge_answer(*answer, std::move(attempt));
  return without(std::move(attempt), secrets);
}

WallTime HttpReceiver::wall() const {
  if (context_.wall) return context_.wall();
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

bool HttpReceiver::is_public(const std::string& header) const {
  const std::string name = lower(header);
  const auto more = public_headers();
  return name == "idempotency-key" || name == "content-type" || std::find(more.begin(), more.end(), name) != more.end();
}

// An answer may quote what it was sent.
std::vector<std::string> HttpReceiver::secrets_of(const OutgoingRequest& request) const {
  std::vector<std::string> secrets = secrets_in_body();
  secrets.push_back(request.password);
  // A URL without user and path is its own public form.
  if (!url_without_secrets(request.url).starts_with(request.url)) secrets.push_back(request.url);
  if (const auto path = request.url.find('/', request.url.find("://") + 3); path != std::string::npos) {
    secrets.push_back(request.url.substr(path));
    const auto query = request.url.find('?', path);  // an answer may quote the one without the other
    if (query != std::string::npos) {
      secrets.push_back(request.url.substr(path, query - path));
      secrets.push_back(request.url.substr(query + 1));
    }
  }
  for (const auto& [name, value] : request.headers) {
    if (is_public(name)) continue;
    const auto space = value.find(' ');  // "Bearer ...", "GenieKey ...": the word before is known anyway
    secrets.push_back(lower(name) == "authorization" && space != std::string::npos ? value.substr(space + 1) : value);
  }
  return secrets;
}

std::string HttpReceiver::shown(const OutgoingRequest& request) const {
  std::string text = request.method + " " + url_without_secrets(request.url) + "\n";
  for (const auto& [name, value] : request.headers) {
    text += name + ": " + (is_public(name) ? value : std::string(hidden)) + "\n";
  }
  return text + "\n" + hide(request.body, secrets_of(request));
}

}  // namespace sidewatch
