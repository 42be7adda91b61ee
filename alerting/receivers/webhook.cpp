#include "alerting/receivers/webhook.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/webhook_payload.h"
#include "base/crypto.h"
#include "base/http_client.h"
#include "config/regular_file.h"

namespace sidewatch {

struct BasicAuth {
  std::string username;
  config::Secret password;
};

struct WebhookTls {
  config::Located<std::string> ca_file;
  config::Located<std::string> cert_file;
  config::Located<std::string> key_file;
  bool insecure_skip_verify = false;
};

struct WebhookConfig {
  config::Located<std::string> url;
  std::map<std::string, config::Secret> headers;
  config::Secret bearer_token;
  std::optional<BasicAuth> basic_auth;
  config::Secret signing_secret;
  config::Secret previous_signing_secret;
  Duration timeout = std::chrono::seconds(10);
  WebhookTls tls;
  bool allow_link_local = false;
  config::Located<std::string> proxy_url;
  std::string external_url;
};

void declare(config::Section& s, BasicAuth& c) {
  s.required("username", c.username, "user name of HTTP basic authentication");
  s.required("password", c.password, "its password");
}

void declare(config::Section& s, WebhookTls& c) {
  s.optional("ca_file", c.ca_file, "certificates (PEM) of the authorities to trust instead of the machine's");
  s.optional("cert_file", c.cert_file, "client certificate (PEM)");
  s.optional("key_file", c.key_file, "key of the client certificate, when it is not in cert_file");
  s.optional("insecure_skip_verify", c.insecure_skip_verify, "trust any certificate: for trying things out only");
}

void declare(config::Section& s, WebhookConfig& c) {
  using namespace std::chrono_literals;
  s.required("url", c.url, "where messages are POSTed, http:// or https://; the path and what follows is kept secret");
  s.keep_secret("url");
  s.optional("headers", c.headers, "further headers of the request, as in {X-Team: ops}; their values are kept secret");
  s.optional("bearer_token", c.bearer_token, "sent as 'Authorization: Bearer ...'");
  s.section("basic_auth", c.basic_auth, "HTTP basic authentication");
  s.optional("signing_secret", c.signing_secret,
             "signs each request as Standard Webhooks do (HMAC-SHA256): any text, or whsec_ and base64; docs/alerts.md "
             "shows how to check it");
  s.optional("previous_signing_secret", c.previous_signing_secret,
             "the secret before it was changed: requests are signed with both until it is removed here");
  s.optional("timeout", c.timeout,
             "how long one attempt may take, the answer included; then it is tried again later",
             config::between(100ms, 60s));
  s.section("tls", c.tls, "whom to trust, and who we are");
  s.optional("allow_link_local", c.allow_link_local,
             "allow link-local addresses (169.254.0.0/16, fe80::/10), where clouds keep credentials");
  s.optional("proxy_url", c.proxy_url, "HTTP proxy; without it none is used, whatever the environment says");
  s.keep_secret("proxy_url");
  s.optional("external_url", c.external_url,
             "where people find this agent, such as http://host:9766; sent as externalURL in each message");
}

namespace {

using config::Secret;

constexpr std::string_view encoded_secret_prefix = "whsec_";

// Headers that only we set.
constexpr std::string_view reserved_headers[] = {
    "content-length",  "host",       "transfer-encoding", "expect",
    "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature"};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

bool is_reserved(const std::string& name) {
  return std::find(std::begin(reserved_headers), std::end(reserved_headers), lower(name)) != std::end(reserved_headers);
}

std::string signing_key(const std::string& secret) {
  if (!secret.starts_with(encoded_secret_prefix)) return secret;
  const auto decoded = from_base64(std::string_view(secret).substr(encoded_secret_prefix.size()));
  return decoded ? *decoded : "";
}

class Webhook final : public Receiver {
 public:
  Webhook(WebhookConfig config, ReceiverContext context) : config_(std::move(config)), context_(std::move(context)) {}

  Attempt send(const Notification& notification) override {
    OutgoingRequest request = request_for(notification);
    if (const std::string missing = add_secrets(request, notification); !missing.empty()) {
      return RetryLater{missing + " cannot be read now", std::nullopt, true, false};
    }
    return without_secrets(judge(client_.send(request), wall()), request);
  }

  void interrupt() override { client_.interrupt(); }

 private:
  WallTime wall() const {
    if (context_.wall) return context_.wall();
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }

  OutgoingRequest request_for(const Notification& notification) const {
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.url.value;
    request.body = webhook_payload(notification, config_.external_url);
    request.timeout = config_.timeout;
    request.connect_timeout = config_.timeout;
    request.too_long = OutgoingRequest::TooLong::cut;  // the status decides
    request.ca_file = config_.tls.ca_file.value;
    request.certificate_file = config_.tls.cert_file.value;
    request.key_file = config_.tls.key_file.value;
    request.insecure_skip_verify = config_.tls.insecure_skip_verify;
    request.allow_link_local = config_.allow_link_local;
    request.proxy_url = config_.proxy_url.value;
    request.headers = {{"Idempotency-Key", notification.id}};
    return request;
  }

  // The name of the secret that cannot be read; empty when all is well.
  std::string add_secrets(OutgoingRequest& request, const Notification& notification) {
    bool has_content_type = false;
    for (const auto& [name, secret] : config_.headers) {
      const std::string value = secret.reveal();
      if (value.empty() && !secret.empty()) return "header '" + name + "'";
      has_content_type = has_content_type || lower(name) == "content-type";
      if (header_is_safe(name, value)) {
        request.headers.push_back({name, value});
      } else if (context_.log) {
        context_.log(Level::warning, "webhook " + url_without_secrets(config_.url.value) + ": header '" + name +
                                         "' holds a control character and is left out");
      }
    }
    if (!has_content_type) request.headers.push_back({"Content-Type", "application/json"});
    if (!config_.bearer_token.empty()) {
      const std::string token = config_.bearer_token.reveal();
      if (token.empty()) return "bearer_token";
      request.headers.push_back({"Authorization", "Bearer " + token});
    }
    if (config_.basic_auth) {
      request.username = config_.basic_auth->username;
      request.password = config_.basic_auth->password.reveal();
      if (request.password.empty() && !config_.basic_auth->password.empty()) return "basic_auth.password";
    }
    return sign(request, notification);
  }

  std::string sign(OutgoingRequest& request, const Notification& notification) const {
    if (config_.signing_secret.empty()) return "";
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall()).time_since_epoch().count();
    const std::string timestamp = std::to_string(seconds);
    const std::string content = notification.id + "." + timestamp + "." + request.body;
    std::string signatures;
    for (const Secret* secret : {&config_.signing_secret, &config_.previous_signing_secret}) {
      if (secret->empty()) continue;
      const std::string key = signing_key(secret->reveal());
      if (key.empty() && secret == &config_.signing_secret) return "signing_secret";
      if (key.empty()) continue;  // the old one may be gone already
      signatures += (signatures.empty() ? "v1," : " v1,") + to_base64(hmac_sha256(key, content));
    }
    request.headers.push_back({"webhook-id", notification.id});
    request.headers.push_back({"webhook-timestamp", timestamp});
    request.headers.push_back({"webhook-signature", signatures});
    return "";
  }

  // An answer may quote what it was sent.
  static Attempt without_secrets(Attempt attempt, const OutgoingRequest& request) {
    std::vector<std::string> secrets = {request.password};
    // A URL without user and path is its own public form.
    if (!url_without_secrets(request.url).starts_with(request.url)) secrets.push_back(request.url);
    if (const auto path = request.url.find('/', request.url.find("://") + 3); path != std::string::npos) {
      secrets.push_back(request.url.substr(path));
    }
    for (const auto& [name, value] : request.headers) {
      if (name == "Idempotency-Key" || name == "Content-Type" || name == "webhook-id" || name == "webhook-timestamp") {
        continue;
      }
      secrets.push_back(value.starts_with("Bearer ") ? value.substr(7) : value);
    }
    std::string* why = nullptr;
    if (auto* later = std::get_if<RetryLater>(&attempt)) why = &later->why;
    if (auto* rejected = std::get_if<Rejected>(&attempt)) why = &rejected->why;
    constexpr std::size_t shortest_secret = 4;
    constexpr std::string_view hidden = "<...>";
    for (const auto& secret : secrets) {
      if (why == nullptr || secret.size() < shortest_secret) continue;
      for (std::size_t at = why->find(secret); at != std::string::npos; at = why->find(secret, at + hidden.size())) {
        why->replace(at, secret.size(), hidden);
      }
    }
    return attempt;
  }

  const WebhookConfig config_;
  const ReceiverContext context_;
  HttpClient client_;
};

void check_url(config::Section& entry, const config::Located<std::string>& url, std::string_view what,
               bool allow_link_local) {
  if (!url.expanded && url.value.starts_with('$')) {
    return entry.problem(url.mark, std::string(what) + ": a variable is written ${NAME} here");
  }
  const auto parts = parse_http_url(url.value);
  if (!parts) {
    entry.problem(url.mark, std::string(what) + ": " + parts.error().what);
  } else if (parts->link_local && !allow_link_local) {
    entry.problem(url.mark, std::string(what) + " is a link-local address, where machines keep their credentials; "
                                                "if it is meant, set allow_link_local: true");
  }
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

void check(config::Section& entry, const WebhookConfig& c) {
  check_pem(entry, c.tls.ca_file, "ca_file");
  check_pem(entry, c.tls.cert_file, "cert_file");
  check_pem(entry, c.tls.key_file, "key_file");
  if (!c.url.mark.file.empty()) check_url(entry, c.url, "url", c.allow_link_local);
  if (!c.proxy_url.value.empty()) check_url(entry, c.proxy_url, "proxy_url", c.allow_link_local);
  if (c.basic_auth && !c.bearer_token.empty()) {
    entry.problem("webhook", "has both bearer_token and basic_auth, which fill the same header");
  }
  if (c.signing_secret.empty() && !c.previous_signing_secret.empty()) {
    entry.problem("webhook", "has previous_signing_secret without signing_secret");
  }
  for (const Secret* secret : {&c.signing_secret, &c.previous_signing_secret}) {
    if (secret->reveal().starts_with(encoded_secret_prefix) && signing_key(secret->reveal()).empty()) {
      entry.problem("webhook", "has a signing secret that begins with whsec_ and does not go on in base64");
    }
  }
  for (const auto& [name, secret] : c.headers) {
    if (!header_is_safe(name, "")) {
      entry.problem("webhook", "'" + name + "' cannot be the name of a header");
    } else if (is_reserved(name)) {
      entry.problem("webhook", "header '" + name + "' is set by sidewatch itself");
    } else if (lower(name) == "authorization" && (c.basic_auth || !c.bearer_token.empty())) {
      entry.problem("webhook", "header '" + name + "' is filled by bearer_token or basic_auth already");
    } else if (!header_is_safe(name, secret.reveal())) {
      entry.problem("webhook", "the value of header '" + name + "' holds a control character");
    }
  }
}

// Tells configurations apart without giving anything away: keyed with what only this process knows.
std::string fingerprint_of(const WebhookConfig& c) {
  static const std::string key = random_bytes(32);
  std::string all = "webhook";
  const auto add = [&all](const std::string& part) { all += "\n" + std::to_string(part.size()) + ":" + part; };
  for (const auto& [name, secret] : c.headers) {
    add(name);
    add(secret.reveal());
  }
  add(c.url.value);
  add(c.bearer_token.reveal());
  add(c.basic_auth ? c.basic_auth->username : "");
  add(c.basic_auth ? c.basic_auth->password.reveal() : "");
  add(c.signing_secret.reveal());
  add(c.previous_signing_secret.reveal());
  add(std::to_string(c.timeout.count()));
  add(c.tls.ca_file.value);
  add(c.tls.cert_file.value);
  add(c.tls.key_file.value);
  add(c.tls.insecure_skip_verify ? "insecure" : "");
  add(c.allow_link_local ? "link-local" : "");
  add(c.proxy_url.value);
  add(c.external_url);
  return to_hex(hmac_sha256(key, all));
}

}  // namespace

std::optional<ReceiverPlan> configure_webhook(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<WebhookConfig> config;
  entry.section("webhook", config, "POSTs each message to a URL, in Alertmanager's webhook format");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "webhook " + url_without_secrets(config->url.value) +
                     (config->tls.insecure_skip_verify ? " (any certificate is trusted)" : "");
  if (config->tls.insecure_skip_verify) {
    plan.warning = "tls.insecure_skip_verify is true: whoever stands between can read and change its messages";
  }
  plan.fingerprint = fingerprint_of(*config);
  plan.make = [config = *config, context] { return std::make_unique<Webhook>(config, context); };
  return plan;
}

}  // namespace sidewatch
