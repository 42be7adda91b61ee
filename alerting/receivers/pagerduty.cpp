#include "alerting/receivers/pagerduty.h"

#include <algorithm>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/http_receiver.h"
#include "base/json.h"

namespace sidewatch {

struct PagerDutyConfig {
  config::Secret routing_key;
  config::Located<std::string> api_url{"https://events.pagerduty.com/v2/enqueue", {}};
  std::string source;
  std::string component;
  std::string group;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, PagerDutyConfig& c) {
  s.required("routing_key", c.routing_key, "Integration Key of a service's integration 'Events API V2': 32 characters");
  s.optional(
      "source", c.source,
      "what has the trouble, for people and for telling hosts apart; agents with the same source share incidents "
      "of the same alert (default: agent.host)");
  s.optional("component", c.component, "part of the source that is affected, such as checkout");
  s.optional("group", c.group, "cluster or group that the source belongs to");
  s.optional("api_url", c.api_url, "https://events.eu.pagerduty.com/v2/enqueue for an account in the EU region");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

constexpr std::size_t max_event_bytes = 512'000;
constexpr std::size_t max_summary_characters = 1024;
constexpr std::size_t max_word_characters = 255;  // dedup_key, and what is shown in a list
constexpr std::size_t max_source_characters = 64;  // a key of ours and a source fit into a dedup_key
constexpr std::size_t max_detail_characters = 4096;
constexpr std::size_t max_labels = 100;
constexpr std::size_t routing_key_characters = 32;

bool is_routing_key(const std::string& key) {
  return key.size() == routing_key_characters && std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

std::string_view severity_of(Level level) { return level == Level::critical ? "critical" : "warning"; }

class PagerDuty final : public HttpReceiver {
 public:
  PagerDuty(PagerDutyConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    const auto key = reveal(config_.routing_key, "routing_key");
    if (!key) return key.error();
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.api_url.value;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = event(delivery.first(), message, *key, Details::all);
    if (request.body.size() > max_event_bytes) request.body = event(delivery.first(), message, *key, Details::left_out);
    return request;
  }

  std::vector<std::string> secrets_in_body() const override { return {config_.routing_key.reveal()}; }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    if (answer.status != 400) return unless_web_page(answer, std::move(usual), "PagerDuty", "api_url");
    const auto said = JsonValue::parse(answer.body);
    if (!said) return usual;
    std::string why = "HTTP 400";
    for (const JsonValue& error : (*said)["errors"].items()) {
      why += (why.size() == 8 ? ": " : ", ") + cut_text(error.text_or(""), max_word_characters);
    }
    if (why.find("outing key") == std::string::npos && why.find("outing_key") == std::string::npos)
      return Rejected{why};
    return RetryLater{why + " (is routing_key the Integration Key of an 'Events API V2' integration?)",
                      std::chrono::minutes(5), true, true};
  }

 private:
  enum class Details { all, left_out };

  std::string event(const Notification& n, const MessageText& message, const std::string& key, Details details) const {
    const bool problem = n.problem();
    JsonWriter json;
    json.begin_object().key("routing_key").text(key).key("event_action").text(problem ? "trigger" : "resolve");
    json.key("dedup_key").text(cut_text(n.alert_key + "@" + config_.source, max_word_characters));
    if (problem) write_payload(json, n, message, details);
    json.end_object();
    return json.take();
  }

  // What only a trigger has: a resolve needs no more than the key.
  void write_payload(JsonWriter& json, const Notification& n, const MessageText& message, Details details) const {
    json.key("client").text("sidewatch");
    if (!message.link.empty()) json.key("client_url").text(message.link);
    write_links(json, n);
    json.key("payload").begin_object().key("summary").text(cut_title(message, max_summary_characters));
    json.key("source").text(config_.source).key("severity").text(severity_of(n.level));
    json.key("timestamp").text(to_rfc3339(n.starts_at)).key("class").text(cut_text(n.rule, max_word_characters));
    if (!config_.component.empty()) json.key("component").text(cut_text(config_.component, max_word_characters));
    if (!config_.group.empty()) json.key("group").text(cut_text(config_.group, max_word_characters));
    json.key("custom_details").begin_object();
    if (details == Details::all) {
      write_details(json, n, message);
    } else {
      json.key("Left out").text("the details are longer than an event may be");
    }
    json.end_object().end_object();
  }

  static void write_details(JsonWriter& json, const Notification& n, const MessageText& message) {
    if (!message.text.empty()) json.key("Text").text(cut_text(message.text, max_detail_characters));
    for (const auto& [name, value] : message.fields) json.key(name).text(cut_text(value, max_detail_characters));
    json.key("Labels").begin_object();
    std::size_t written = 0;
    std::size_t left_out = 0;
    for (const auto& [name, value] : n.labels) {
      if (written == max_labels) {
        ++left_out;
        continue;
      }
      json.key(name).text(cut_text(value, max_detail_characters));
      ++written;
    }
    if (left_out > 0) json.key("...").text(std::to_string(left_out) + " more labels");
    json.end_object();
  }

  static void write_links(JsonWriter& json, const Notification& n) {
    constexpr std::pair<std::string_view, std::string_view> links[] = {{"runbook_url", "Runbook"},
                                                                       {"dashboard_url", "Dashboard"}};
    json.key("links").begin_array();
    for (const auto& [annotation, name] : links) {
      const auto url = n.annotations.get(annotation);
      if (!parse_http_url(std::string(url))) continue;  // anything else is no link, and is among the details as text
      json.begin_object().key("href").text(url).key("text").text(name).end_object();
    }
    json.end_array();
  }

  const PagerDutyConfig config_;
};

void check(config::Section& entry, const PagerDutyConfig& c) {
  check_http(entry, c.http);
  check_receiver_url(entry, c.api_url, "api_url", c.http.allow_link_local);
  const std::string key = c.routing_key.reveal();
  if (!key.empty() && !is_routing_key(key)) {
    entry.problem("pagerduty",
                  "routing_key is not 32 letters and digits: it is the Integration Key of a service's "
                  "'Events API V2' integration, not a key of the REST API");
  }
  if (c.source.size() > max_source_characters) entry.problem("pagerduty", "source is longer than 64 bytes");
}

}  // namespace

std::optional<ReceiverPlan> configure_pagerduty(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<PagerDutyConfig> config;
  entry.section("pagerduty", config, "opens and resolves incidents in PagerDuty (Events API v2)");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  if (config->source.empty()) config->source = cut_text(context.host, max_source_characters);
  ReceiverPlan plan;
  plan.description = "PagerDuty " + url_without_secrets(config->api_url.value);
  plan.warning = http_warning(config->http);
  Fingerprint print("pagerduty");
  print.add(config->routing_key).add(config->api_url.value).add(config->source).add(config->component);
  print.add(config->group).add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<PagerDuty>(config, context); };
  return plan;
}

}  // namespace sidewatch
