#include "alerting/receivers/custom.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "alerting/receivers/hidden_text.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/json_template.h"
#include "base/regex.h"

namespace sidewatch {

struct CustomConfig {
  std::string method = "POST";
  config::Located<std::string> url;
  std::map<std::string, config::Secret> headers;
  std::string username;
  config::Secret password;
  config::Located<std::string> body;
  JsonTemplate parsed;
  std::vector<std::string> secrets;  // what ${...} put into the body
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, CustomConfig& c) {
  s.required("url", c.url, "where requests go, http:// or https://; the path and what follows is kept secret");
  s.keep_secret("url");
  s.choice("method", c.method, {{"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}}, "of the request");
  s.optional("headers", c.headers,
             "further headers, as in {Authorization: \"Bearer ...\"}; their values are kept secret");
  s.optional("username", c.username, "HTTP basic authentication");
  s.optional("password", c.password, "its password");
  s.required("body", c.body,
             "JSON, in a block (|), whose texts are templates: $title, $status, $labels.NAME, $value and others "
             "(docs/receivers.md)");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

constexpr std::string_view headers_of_ours[] = {"content-length", "host", "transfer-encoding", "expect",
                                                "idempotency-key"};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

class Custom final : public HttpReceiver {
 public:
  Custom(CustomConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    OutgoingRequest request;
    request.method = config_.method;
    request.url = config_.url.value;
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    request.body = config_.parsed.render(delivery.first(), message, context().host);
    bool has_content_type = false;
    for (const auto& [name, secret] : config_.headers) {
      const auto value = reveal(secret, "header '" + name + "'");
      if (!value) return value.error();
      has_content_type = has_content_type || lower(name) == "content-type";
      request.headers.push_back({name, *value});
    }
    if (!has_content_type) request.headers.push_back({"Content-Type", "application/json"});
    const auto password = reveal(config_.password, "password");
    if (!password) return password.error();
    request.username = config_.username;
    request.password = *password;
    return request;
  }

  std::vector<std::string> secrets_in_body() const override { return config_.secrets; }

 private:
  const CustomConfig config_;
};

void check(config::Section& entry, CustomConfig& c) {
  check_http(entry, c.http);
  if (!c.url.mark.file.empty()) check_receiver_url(entry, c.url, "url", c.http.allow_link_local);
  if (c.username.empty() != c.password.empty()) {
    entry.problem("custom", c.username.empty() ? "has a password without username" : "has a username without password");
  }
  for (const auto& [name, secret] : c.headers) {
    if (!header_is_safe(name, "")) {
      entry.problem("custom", "'" + name + "' cannot be the name of a header");
    } else if (std::find(std::begin(headers_of_ours), std::end(headers_of_ours), lower(name)) !=
               std::end(headers_of_ours)) {
      entry.problem("custom", "header '" + name + "' is set by sidewatch itself");
    } else if (!header_is_safe(name, secret.reveal())) {
      entry.problem("custom", "the value of header '" + name + "' holds a control character");
    } else if (lower(name) == "authorization" && !c.username.empty()) {
      entry.problem("custom", "header '" + name + "' is filled by username and password already");
    }
  }
  if (c.body.mark.file.empty()) return;
  auto parsed = JsonTemplate::parse(c.body.value);
  if (parsed) {
    c.parsed = std::move(*parsed);
  } else {
    static const auto bare = Regex::compile(R"([:\[,]\s*\{\{)");
    const bool outside_quotes = parsed.error().what.starts_with("not JSON") && bare->partial_match(c.body.value);
    const std::string advice = "; a template stands in quotes, and \"{{ $value }}\" alone becomes a number";
    entry.problem(c.body.mark, "body: " + hide(parsed.error().what, c.secrets) + (outside_quotes ? advice : ""));
  }
}

}  // namespace

std::optional<ReceiverPlan> configure_custom(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<CustomConfig> config;
  entry.section("custom", config, "sends a request of your own making: method, URL, headers and a JSON body");
  if (!config) return std::nullopt;
  if (config->body.expanded) config->secrets = put_into(config->body.value, context.outside.get());
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "custom " + config->method + " " + url_without_secrets(config->url.value);
  plan.warning = http_warning(config->http);
  Fingerprint print("custom");
  for (const auto& [name, secret] : config->headers) print.add(name).add(secret);
  print.add(config->method).add(config->url.value).add(config->username).add(config->password).add(config->body.value);
  print.add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Custom>(config, context); };
  return plan;
}

}  // namespace sidewatch
