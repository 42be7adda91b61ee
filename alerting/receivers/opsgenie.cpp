#include "alerting/receivers/opsgenie.h"

#include <algorithm>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/http_receiver.h"
#include "base/json.h"

namespace sidewatch {

enum class OpsgeniePriority { p1, p2, p3, p4, p5 };

struct OpsgenieConfig {
  config::Secret api_key;
  config::Located<std::string> api_url{"https://api.opsgenie.com", {}};
  std::string source;
  OpsgeniePriority critical = OpsgeniePriority::p1;
  OpsgeniePriority warning = OpsgeniePriority::p3;
  std::vector<std::string> tags;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, OpsgenieConfig& c) {
  using P = OpsgeniePriority;
  s.required("api_key", c.api_key, "key of an integration of the kind 'API'");
  s.optional("api_url", c.api_url, "https://api.eu.opsgenie.com for an account in the EU region");
  s.optional("source", c.source,
             "where alerts come from; agents with the same source share alerts (default: agent.host)");
  s.choice("critical", c.critical, {{"P1", P::p1}, {"P2", P::p2}, {"P3", P::p3}, {"P4", P::p4}, {"P5", P::p5}},
           "priority of critical alerts");
  s.choice("warning", c.warning, {{"P1", P::p1}, {"P2", P::p2}, {"P3", P::p3}, {"P4", P::p4}, {"P5", P::p5}},
           "priority of warnings");
  s.optional("tags", c.tags, "tags of every alert");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

constexpr std::size_t max_message_characters = 130;
constexpr std::size_t max_description_characters = 15'000;
constexpr std::size_t max_details_characters = 8'000;  // names and values of all
constexpr std::size_t max_detail_characters = 1'000;
constexpr std::size_t max_source_characters = 100;
constexpr std::size_t max_entity_characters = 512;
constexpr std::size_t max_tags = 20;
constexpr std::size_t max_tag_characters = 50;

std::string in_url(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

// One request of those that a delivery may take.
class OpsgenieCall final : public HttpReceiver {
 public:
  OpsgenieCall(const OpsgenieConfig& config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), key_(config.api_key) {}

  void set(std::string method, std::string url, std::string body) {
    method_ = std::move(method);
    url_ = std::move(url);
    body_ = std::move(body);
  }

 protected:
  Result<OutgoingRequest> request_for(const Delivery&) override {
    const auto key = reveal(key_, "api_key");
    if (!key) return key.error();
    OutgoingRequest request;
    request.method = method_;
    request.url = url_;
    request.headers = {{"Content-Type", "application/json"}, {"Authorization", "GenieKey " + *key}};
    request.body = body_;
    return request;
  }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    return unless_web_page(answer, std::move(usual), "Opsgenie", "api_url");
  }

 private:
  const config::Secret key_;
  std::string method_, url_, body_;
};

class Opsgenie final : public Receiver {
 public:
  Opsgenie(OpsgenieConfig config, const ReceiverContext& context)
      : config_(std::move(config)), origin_(context.origin()), call_(config_, context) {}

  Attempt send(const Delivery& delivery) override {
    const Notification& n = delivery.first();
    if (!n.problem()) return close(delivery);
    call_.set("POST", base() + "/v2/alerts", body_of(delivery));
    Attempt attempt = call_.send(delivery);
    const bool changed = n.reason == Reason::escalated || n.reason == Reason::deescalated;
    if (!changed || !std::holds_alternative<Delivered>(attempt)) return attempt;
    JsonWriter json;
    json.begin_object().key("priority").text(priority_of(n.level)).end_object();
    call_.set("PUT", of_alert(n, "priority"), json.take());
    return call_.send(delivery);
  }
  void interrupt() override { call_.interrupt(); }

 private:
  std::string base() const {
    std::string url = config_.api_url.value;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
  std::string alias_of(const Notification& n) const { return n.alert_key + "@" + config_.source; }
  std::string of_alert(const Notification& n, const std::string& what) const {
    return base() + "/v2/alerts/" + in_url(alias_of(n)) + "/" + what + "?identifierType=alias";
  }

  Attempt close(const Delivery& delivery) {
    const MessageText message = text_of(delivery, config_.templates, origin_);
    JsonWriter json;
    json.begin_object().key("source").text(config_.source);
    json.key("note").text(cut_title(message, max_description_characters)).end_object();
    call_.set("POST", of_alert(delivery.first(), "close"), json.take());
    return call_.send(delivery);
  }

  std::string_view priority_of(Level level) const {
    constexpr std::string_view names[] = {"P1", "P2", "P3", "P4", "P5"};
    return names[static_cast<std::size_t>(level == Level::critical ? config_.critical : config_.warning)];
  }

  std::string body_of(const Delivery& delivery) const {
    const Notification& n = delivery.first();
    const MessageText message = text_of(delivery, config_.templates, origin_);
    JsonWriter json;
    json.begin_object().key("message").text(cut_title(message, max_message_characters));
    json.key("alias").text(alias_of(n)).key("source").text(config_.source);
    const auto instance = n.labels.get("instance");
    json.key("entity").text(cut_text(instance.empty() ? origin_.host : instance, max_entity_characters));
    json.key("priority").text(priority_of(n.level));
    std::string description = message.title + (message.text.empty() ? "" : "\n\n" + message.text);
    if (!message.link.empty()) description += "\n\n" + message.link;
    json.key("description").text(cut_text(description, max_description_characters));
    json.key("tags").begin_array();
    for (std::size_t i = 0; i < config_.tags.size() && i < max_tags; ++i) {
      json.text(cut_text(config_.tags[i], max_tag_characters));
    }
    json.end_array().key("details").begin_object();
    write_details(json, n, message);
    json.end_object().end_object();
    return json.take();
  }

  // What is over the limit of all is left out, and said.
  static void write_details(JsonWriter& json, const Notification& n, const MessageText& message) {
    constexpr std::size_t reserve = 60;
    std::size_t left = max_details_characters - reserve;
    std::size_t left_out = 0;
    const auto add = [&](const std::string& name, const std::string& value) {
      const std::string cut = cut_text(value, max_detail_characters);
      if (cut.empty()) return;
      if (name.size() + cut.size() > left) {
        ++left_out;
        return;
      }
      left -= name.size() + cut.size();
      json.key(name).text(cut);
    };
    for (const auto& [name, value] : message.fields) add(name, value);
    for (const auto& [name, value] : n.labels) add("label " + name, value);
    if (left_out > 0) json.key("...").text(std::to_string(left_out) + " more");
  }

  const OpsgenieConfig config_;
  const MessageOrigin origin_;
  OpsgenieCall call_;
};

void check(config::Section& entry, const OpsgenieConfig& c) {
  check_http(entry, c.http);
  check_receiver_url(entry, c.api_url, "api_url", c.http.allow_link_local);
  if (c.api_url.value.find("/v2") != std::string::npos) {
    entry.problem(c.api_url.mark, "api_url: leave out /v2/alerts, it is added");
  }
  const std::string key = c.api_key.reveal();
  if (!header_is_safe("Authorization", key) || key.find(' ') != std::string::npos) {
    entry.problem("opsgenie", "api_key holds a blank or a control character: write the key alone, without 'GenieKey'");
  }
  if (c.tags.size() > max_tags) entry.problem("opsgenie", "tags has more than 20, which is all that Opsgenie takes");
}

}  // namespace

std::optional<ReceiverPlan> configure_opsgenie(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<OpsgenieConfig> config;
  entry.section("opsgenie", config, "opens and closes alerts in Opsgenie (API v2)");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  config->source = cut_text(config->source.empty() ? context.host : config->source, max_source_characters);
  ReceiverPlan plan;
  plan.description = "Opsgenie " + url_without_secrets(config->api_url.value);
  plan.warning = http_warning(config->http);
  Fingerprint print("opsgenie");
  print.add(config->api_key).add(config->api_url.value).add(config->source);
  print.add(std::to_string(static_cast<int>(config->critical))).add(std::to_string(static_cast<int>(config->warning)));
  for (const auto& tag : config->tags) print.add(tag);
  print.add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Opsgenie>(config, context); };
  return plan;
}

}  // namespace sidewatch
