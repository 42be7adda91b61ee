#include "alerting/receivers/slack.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/fitted_text.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/mention.h"
#include "alerting/receivers/service_url.h"
#include "base/json.h"
#include "base/regex.h"

namespace sidewatch {

struct SlackConfig {
  config::Located<std::string> url;
  std::string mention_at_critical;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, SlackConfig& c) {
  s.required("url", c.url, "an incoming webhook, https://hooks.slack.com/services/...; kept secret");
  s.keep_secret("url");
  s.optional("mention_at_critical", c.mention_at_critical,
             "who is pinged when something becomes critical: @here, @channel, <@MEMBER_ID> or <!subteam^GROUP_ID>");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

// https://docs.slack.dev/reference/block-kit/blocks
constexpr std::size_t max_header = 150;
constexpr std::size_t max_section = 3000;
constexpr std::size_t fields_of_a_section = 10;
constexpr std::size_t max_fields = 30;
constexpr std::size_t max_field = 500;  // Slack takes 2000, and 13 000 or so of all blocks together
constexpr std::size_t max_fallback = 4000;

// https://docs.slack.dev/messaging/formatting-message-text/#escaping
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

// In a `verbatim` text only what stands in angle brackets is a link.
std::string mrkdwn(std::string_view text) {
  std::string out;
  for (const auto& part : split_at_urls(text)) {
    const bool links = part.is_url && part.text.find('|') == std::string_view::npos;
    out += links ? "<" + escaped(part.text) + ">" : escaped(part.text);
  }
  return out;
}

std::string fallback_form(std::string_view text) { return escaped(without_mentions(text)); }

void write_mrkdwn(JsonWriter& json, const std::string& text) {
  json.begin_object().key("type").text("mrkdwn").key("text").text(text).key("verbatim").boolean(true).end_object();
}

void write_section(JsonWriter& json, const std::string& text) {
  json.begin_object().key("type").text("section").key("text");
  write_mrkdwn(json, text);
  json.end_object();
}

void write_fields(JsonWriter& json, const std::vector<MessageField>& fields) {
  std::size_t written = 0;
  for (const auto& [name, value] : fields) {
    if (is_blank(value) || written == max_fields) continue;
    if (written % fields_of_a_section == 0) {
      if (written > 0) json.end_array().end_object();
      json.begin_object().key("type").text("section").key("fields").begin_array();
    }
    ++written;
    write_mrkdwn(json, "*" + escaped(name) + "*\n" + fit(value, max_field, mrkdwn, count_utf16_units));
  }
  if (written > 0) json.end_array().end_object();
}

// When it was, in the reader's own time zone, and where to look.
void write_context(JsonWriter& json, const MessageText& message) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(message.at).time_since_epoch().count();
  std::string text =
      "<!date^" + std::to_string(seconds) + "^{date_short_pretty} {time_secs}|" + to_rfc3339(message.at) + ">";
  if (!message.link.empty()) text += "  <" + escaped(message.link) + "|Open sidewatch>";
  json.begin_object().key("type").text("context").key("elements").begin_array();
  write_mrkdwn(json, text);
  json.end_array().end_object();
}

std::string fallback_of(const MessageText& message) {
  std::string text = std::string(sign_of(message.level)) + " " + message.title;
  if (!is_blank(message.text)) text += "\n" + message.text;
  for (const auto& [name, value] : message.fields) text += "\n" + name + ": " + value;
  return fit(text, max_fallback, fallback_form, count_utf16_units);
}

// @here as it has to be written.
std::string mention_of(const std::string& named) {
  return named.starts_with("@") ? "<!" + named.substr(1) + ">" : named;
}

struct SlackWord {
  std::string_view word;
  enum class Of { message, webhook, now } of;
  std::string_view meaning;
};

// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors
constexpr SlackWord words[] = {
    {"no_service", SlackWord::Of::webhook, "the webhook was removed or its app is disabled: make a new one"},
    {"no_service_id", SlackWord::Of::webhook, "the webhook's URL is not whole"},
    {"no_team", SlackWord::Of::webhook, "the workspace in the webhook's URL is not known"},
    {"team_disabled", SlackWord::Of::webhook, "the workspace is disabled"},
    {"no_active_hooks", SlackWord::Of::webhook, "the webhook is disabled"},
    {"invalid_token", SlackWord::Of::webhook, "the end of the webhook's URL is not right"},
    {"channel_not_found", SlackWord::Of::webhook, "its channel was deleted"},
    {"channel_is_archived", SlackWord::Of::webhook, "its channel is archived"},
    {"user_not_found", SlackWord::Of::webhook, "whom it was made for is gone"},
    {"action_prohibited", SlackWord::Of::webhook, "the workspace's admins forbid it to post there"},
    {"posting_to_general_channel_denied", SlackWord::Of::webhook, "the workspace's admins forbid it to post there"},
    {"rate_limited", SlackWord::Of::now, "too many messages"},
    {"ratelimited", SlackWord::Of::now, "too many messages"},
    {"rollup_error", SlackWord::Of::now, "trouble at Slack"},
    {"internal_error", SlackWord::Of::now, "trouble at Slack"},
    {"invalid_payload", SlackWord::Of::message, "it does not understand the message"},
    {"invalid_blocks", SlackWord::Of::message, "it does not take the message's blocks"},
    {"invalid_blocks_format", SlackWord::Of::message, "it does not take the message's blocks"},
    {"msg_blocks_too_long", SlackWord::Of::message, "the message is too long"},
    {"msg_too_long", SlackWord::Of::message, "the message is too long"},
    {"no_text", SlackWord::Of::message, "the message has no text"},
};

class Slack final : public HttpReceiver {
 public:
  Slack(SlackConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.url.value;
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    request.body = payload(message, becomes_critical(delivery) ? mention_of(config_.mention_at_critical) : "");
    return request;
  }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    const auto json = JsonValue::parse(answer.body);
    const bool object = json && json->kind() == JsonValue::Kind::object;
    const std::string said = object ? std::string((*json)["error"].text_or("")) : answer.body.substr(0, 64);
    const auto* known = std::find_if(std::begin(words), std::end(words), [&](const SlackWord& word) {
      return said.starts_with(word.word) && (said.size() == word.word.size() || said[word.word.size()] <= ' ');
    });
    if (known != std::end(words)) return judge_word(*known, answer.status, std::move(usual));
    const bool taken = object ? (*json)["ok"].boolean_or(false) || (*json)["success"].boolean_or(false)
                              : answer.body.starts_with("ok") || is_blank(answer.body);
    if (!std::holds_alternative<Delivered>(usual) || taken) return usual;
    return RetryLater{"HTTP 200, but not Slack's 'ok': is there something between, or another address meant?",
                      std::chrono::minutes(5), true, false};
  }

 private:
  static Attempt judge_word(const SlackWord& known, int status, Attempt usual) {
    const std::string why =
        "HTTP " + std::to_string(status) + ": " + std::string(known.word) + ": " + std::string(known.meaning);
    switch (known.of) {
      case SlackWord::Of::message: return Rejected{why};
      case SlackWord::Of::webhook: return RetryLater{why, std::chrono::minutes(5), true, true};
      case SlackWord::Of::now: break;
    }
    const auto* later = std::get_if<RetryLater>(&usual);
    return RetryLater{why, later != nullptr ? later->after : std::nullopt, true, false};
  }

  static std::string payload(const MessageText& message, const std::string& mention) {
    JsonWriter json;
    json.begin_object().key("text").text(fallback_of(message)).key("blocks").begin_array();
    json.begin_object().key("type").text("header").key("text").begin_object().key("type").text("plain_text");
    const std::string title = std::string(sign_of(message.level)) + " " + message.title;
    json.key("text").text(fit_before(message.ending, title, max_header, as_it_is, count_utf16_units)).key("emoji").boolean(false);
    json.end_object().end_object();
    if (!mention.empty()) write_section(json, mention);
    if (!is_blank(message.text)) write_section(json, fit(message.text, max_section, mrkdwn, count_utf16_units));
    write_fields(json, message.fields);
    write_context(json, message);
    json.end_array().key("unfurl_links").boolean(false).key("unfurl_media").boolean(false).end_object();
    return json.take();
  }

  const SlackConfig config_;
};

void check(config::Section& entry, const SlackConfig& c) {
  check_http(entry, c.http);
  if (!c.url.mark.file.empty()) check_service_url(entry, "slack", c.url, "url", c.http.allow_link_local);
  static const auto mention =
      Regex::compile(R"(@here|@channel|@everyone|<![a-z]+>|<@[A-Z0-9]+>|<!subteam\^[A-Z0-9]+>)");
  if (!c.mention_at_critical.empty() && !mention->full_match(c.mention_at_critical)) {
    entry.problem("slack",
                  "mention_at_critical is @here, @channel, <@MEMBER_ID> for a person (in the profile: Copy member "
                  "ID) or <!subteam^GROUP_ID> for a user group");
  }
}

}  // namespace

std::optional<ReceiverPlan> configure_slack(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<SlackConfig> config;
  entry.section("slack", config, "posts each message to a Slack channel");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "Slack " + url_without_secrets(config->url.value);
  plan.warning = http_warning(config->http);
  plan.takes_groups = true;
  Fingerprint print("slack");
  print.add(config->url.value).add(config->mention_at_critical);
  print.add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Slack>(config, context); };
  return plan;
}

}  // namespace sidewatch
