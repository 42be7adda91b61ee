#include "alerting/receivers/teams.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/fitted_text.h"
#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/service_url.h"
#include "base/json.h"

namespace sidewatch {

struct TeamsConfig {
  config::Located<std::string> url;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, TeamsConfig& c) {
  s.required("url", c.url, "the URL of a workflow 'Send webhook alerts to a channel'; kept secret");
  s.keep_secret("url");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

constexpr std::size_t max_payload_bytes = 28 * 1000;  // Teams says 28 KB, and not which KB
constexpr std::size_t most_text_bytes = 16 * 1024;
constexpr std::size_t least_text_bytes = 128;
constexpr std::size_t max_title_bytes = 500;
constexpr std::size_t max_fields = 20;
constexpr std::size_t max_field_bytes = 500;
constexpr std::size_t max_url_bytes = 2000;

std::string_view colour_name(Level level) {
  switch (level) {
    case Level::ok: return "good";
    case Level::warning: return "warning";
    case Level::critical: return "attention";
  }
  return "default";
}

void begin_block(JsonWriter& json, std::string_view spacing) {
  json.begin_object().key("type").text("RichTextBlock").key("spacing").text(spacing).key("inlines").begin_array();
}

void end_block(JsonWriter& json) { json.end_array().end_object(); }

JsonWriter& begin_run(JsonWriter& json, std::string_view text) {
  return json.begin_object().key("type").text("TextRun").key("text").text(text);
}

void write_title(JsonWriter& json, const MessageText& message) {
  const std::string title = std::string(sign_of(message.level)) + " " + message.title;
  begin_block(json, "default");
  begin_run(json, fit_before(message.ending, title, max_title_bytes, as_it_is, count_json_bytes));
  json.key("weight").text("bolder").key("size").text("large");
  json.key("color").text(colour_name(message.level)).end_object();
  end_block(json);
}

std::string in_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

void write_link(JsonWriter& json, std::string_view title, std::string_view url) {
  json.begin_object().key("type").text("Action.OpenUrl");
  if (!title.empty()) json.key("title").text(title);
  json.key("url").text(url).end_object();
}

// A block for each line: a line's end within a run is not shown everywhere.
void write_text(JsonWriter& json, const std::string& text) {
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = std::string_view(text).substr(from, end - from);
    from = end + 1;
    if (is_blank(line)) continue;
    begin_block(json, "small");
    for (const auto& part : split_at_urls(line)) {
      begin_run(json, part.text);
      if (part.is_url) write_link(json.key("selectAction"), "", part.text);
      json.end_object();
    }
    end_block(json);
  }
}

bool is_button(const MessageField& field) {
  return (field.name == "Runbook" || field.name == "Dashboard") && field.value.size() <= max_url_bytes &&
         parse_http_url(field.value);
}

void write_fields(JsonWriter& json, const std::vector<MessageField>& fields) {
  std::size_t written = 0;
  for (const auto& field : fields) {
    if (is_button(field) || is_blank(field.value) || written++ >= max_fields) continue;
    begin_block(json, written == 1 ? "medium" : "none");
    begin_run(json, field.name + ": ").key("weight").text("bolder").end_object();
    begin_run(json, fit(field.value, max_field_bytes, in_one_line, count_json_bytes)).end_object();
    end_block(json);
  }
}

void write_actions(JsonWriter& json, const MessageText& message) {
  json.key("actions").begin_array();
  if (!message.link.empty() && message.link.size() <= max_url_bytes) write_link(json, "Open sidewatch", message.link);
  for (const auto& field : message.fields) {
    if (is_button(field)) write_link(json, field.name, field.value);
  }
  json.end_array();
}

std::string payload(const MessageText& message, std::size_t text_bytes) {
  JsonWriter json;
  json.begin_object().key("type").text("message").key("attachments").begin_array().begin_object();
  json.key("contentType").text("application/vnd.microsoft.card.adaptive").key("contentUrl").null();
  json.key("content").begin_object().key("$schema").text("http://adaptivecards.io/schemas/adaptive-card.json");
  json.key("type").text("AdaptiveCard").key("version").text("1.2").key("body").begin_array();
  write_title(json, message);
  write_text(json, fit(message.text, text_bytes, as_it_is, count_bytes));
  write_fields(json, message.fields);
  json.end_array();
  write_actions(json, message);
  json.key("msteams").begin_object().key("width").text("Full").end_object().end_object();
  json.end_object().end_array().end_object();
  return json.take();
}

class Teams final : public HttpReceiver {
 public:
  Teams(TeamsConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.url.value;
    request.headers = {{"Content-Type", "application/json"}};
    for (std::size_t bytes = most_text_bytes; bytes >= least_text_bytes; bytes /= 2) {
      request.body = payload(message, bytes);
      if (request.body.size() <= max_payload_bytes) break;
    }
    return request;
  }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    if (std::holds_alternative<Delivered>(usual)) return judge_success(answer, std::move(usual));
    const auto said = JsonValue::parse(answer.body);
    if (!said || !(*said)["error"].has("code")) return usual;
    const std::string code(cut_text((*said)["error"]["code"].text_or(""), 80));
    const std::string why = "HTTP " + std::to_string(answer.status) + ": " + code + ": " +
                            cut_text((*said)["error"]["message"].text_or(""), 200);
    if (code.starts_with("Workflow")) {  // ...TriggerIsNotEnabled, ...NotFound, ...Disabled
      return RetryLater{why + " (is the workflow there, and turned on?)", std::chrono::minutes(5), true, true};
    }
    if (auto* later = std::get_if<RetryLater>(&usual)) later->why = why;
    if (auto* rejected = std::get_if<Rejected>(&usual)) rejected->why = why;
    return usual;
  }

 private:
  // Relays with the interface of the former connectors say 200 and put Teams' own answer into a sentence.
  static Attempt judge_success(const OutgoingResponse& answer, Attempt usual) {
    if (answer.body.find("HTTP error ") == std::string::npos) {
      return unless_web_page(answer, std::move(usual), "Teams", "url");
    }
    const std::string why = "HTTP " + std::to_string(answer.status) + ": " + cut_text(answer.body, 200);
    if (answer.body.find("HTTP error 413") != std::string::npos) return Rejected{why};
    return RetryLater{why, std::nullopt, true, false};
  }

  const TeamsConfig config_;
};

}  // namespace

std::optional<ReceiverPlan> configure_teams(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<TeamsConfig> config;
  entry.section("teams", config, "posts each message to a Microsoft Teams channel through a workflow");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) {
    check_http(entry, config->http);
    if (!config->url.mark.file.empty()) {
      check_service_url(entry, "teams", config->url, "url", config->http.allow_link_local);
    }
  }
  ReceiverPlan plan;
  plan.description = "Teams " + url_without_secrets(config->url.value);
  plan.warning = http_warning(config->http);
  plan.takes_groups = true;
  Fingerprint print("teams");
  print.add(config->url.value).add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Teams>(config, context); };
  return plan;
}

}  // namespace sidewatch
