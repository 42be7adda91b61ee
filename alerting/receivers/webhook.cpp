#include "alerting/receivers/webhook.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/service_url.h"
#include "alerting/receivers/webhook_payload.h"
#include "base/crypto.h"
#include "base/http_client.h"

namespace sidewatch {

struct BasicAuth {
  std::string username;
  config::Secret password;
};

struct WebhookConfig {
  config::Located<std::string> url;
  std::map<std::string, config::Secret> headers;
  config::Secret bearer_token;
  std::optional<BasicAuth> basic_auth;
  config::Secret signing_secret;
  config::Secret previous_signing_secret;
  HttpReceiverSettings http;
  std::string external_url;
};

void declare(config::Section& s, BasicAuth& c) {
  s.required("username", c.username, "user name of HTTP basic authentication");
  s.required("password", c.password, "its password");
}

void declare(config::Section& s, WebhookConfig& c) {
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
  declare_http(s, c.http);
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

class Webhook final : public HttpReceiver {
 public:
  Webhook(WebhookConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.url.value;
    const std::string& url = config_.external_url.empty() ? context().external_url : config_.external_url;
    request.body = webhook_payload(delivery, {url, context().host});
    if (const std::string missing = add_secrets(request, delivery.id); !missing.empty()) return Error{missing, ""};
    return request;
  }

  std::vector<std::string> public_headers() const override { return {"webhook-id", "webhook-timestamp"}; }

 private:
  // The name of the secret that cannot be read; empty when all is well.
  std::string add_secrets(OutgoingRequest& request, const std::string& id) {
    bool has_content_type = false;
    for (const auto& [name, secret] : config_.headers) {
      const std::string value = secret.reveal();
      if (value.empty() && !secret.empty()) return "header '" + name + "'";
      has_content_type = has_content_type || lower(name) == "content-type";
      if (header_is_safe(name, value)) {
        request.headers.push_back({name, value});
      } else if (context().log) {
        context().log(Level::warning, "webhook " + url_without_secrets(config_.url.value) + ": header '" + name +
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
    return sign(request, id);
  }

  std::string sign(OutgoingRequest& request, const std::string& id) const {
    if (config_.signing_secret.empty()) return "";
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall()).time_since_epoch().count();
    const std::string timestamp = std::to_string(seconds);
    const std::string content = id + "." + timestamp + "." + request.body;
    std::string signatures;
    for (const Secret* secret : {&config_.signing_secret, &config_.previous_signing_secret}) {
      if (secret->empty()) continue;
      const std::string key = signing_key(secret->reveal());
      if (key.empty() && secret == &config_.signing_secret) return "signing_secret";
      if (key.empty()) continue;  // the old one may be gone already
      signatures += (signatures.empty() ? "v1," : " v1,") + to_base64(hmac_sha256(key, content));
    }
    request.headers.push_back({"webhook-id", id});
    request.headers.push_back({"webhook-timestamp", timestamp});
    request.headers.push_back({"webhook-signature", signatures});
    return "";
  }

  const WebhookConfig config_;
};

void check(config::Section& entry, const WebhookConfig& c) {
  check_http(entry, c.http);
  if (!c.url.mark.file.empty()) {
    check_receiver_url(entry, c.url, "url", c.http.allow_link_local);
    check_no_chat_service(entry, c.url, "url");
  }
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

std::string fingerprint_of(const WebhookConfig& c) {
  Fingerprint print("webhook");
  for (const auto& [name, secret] : c.headers) print.add(name).add(secret);
  print.add(c.url.value).add(c.bearer_token);
  print.add(c.basic_auth ? c.basic_auth->username : "").add(c.basic_auth ? c.basic_auth->password.reveal() : "");
  print.add(c.signing_secret).add(c.previous_signing_secret).add(c.http).add(c.external_url);
  return print.text();
}

}  // namespace

std::optional<ReceiverPlan> configure_webhook(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<WebhookConfig> config;
  entry.section("webhook", config, "POSTs each message to a URL, in Alertmanager's webhook format");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "webhook " + url_without_secrets(config->url.value) +
                     (config->http.tls.insecure_skip_verify ? " (any certificate is trusted)" : "");
  plan.takes_groups = true;
  plan.warning = http_warning(config->http);
  plan.fingerprint = fingerprint_of(*config);
  plan.make = [config = *config, context] { return std::make_unique<Webhook>(config, context); };
  return plan;
}

}  // namespace sidewatch
