#include "alerting/receivers/telegram.h"

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

struct TelegramConfig {
  config::Secret bot_token;
  config::Located<std::string> chat_id;
  std::optional<std::int64_t> message_thread_id;
  bool silent_resolved = true;
  config::Located<std::string> api_url{"https://api.telegram.org", {}};
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, TelegramConfig& c) {
  s.required("bot_token", c.bot_token, "the bot's token as @BotFather gives it: NUMBER:LETTERS");
  s.required("chat_id", c.chat_id, "where it posts: the number of a chat (groups have a negative one) or @channelname");
  s.optional("message_thread_id", c.message_thread_id, "number of the topic, in a group that has topics");
  s.optional("silent_resolved", c.silent_resolved, "no sound when all is well again");
  s.optional("api_url", c.api_url, "a Bot API server of your own");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

constexpr std::size_t max_text = 4096;  // https://core.telegram.org/bots/api#sendmessage
constexpr std::size_t max_title = 300;
constexpr std::size_t max_fields = 12;
constexpr std::size_t max_field = 200;
constexpr std::string_view link_text = "Open sidewatch";

const Regex& token_shape() {
  static const auto shape = Regex::compile("[0-9]{3,20}:[A-Za-z0-9_-]{20,100}");
  return *shape;
}

// https://core.telegram.org/bots/api#html-style
std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

// The message as HTML, of which at most max_text is seen.
class TelegramText {
 public:
  explicit TelegramText(const MessageText& message) {
    add(std::string(sign_of(message.level)) + " ");
    add(fit_before(message.ending, message.title, max_title, without_mentions, count_utf16_units), "<b>", "</b>");
    const std::string end = fields_of(message) + link_of(message);
    if (!is_blank(message.text) && left_ > 2) {
      add("\n\n");
      add(fit(message.text, left_, without_mentions, count_utf16_units));
    }
    html_ += end;
  }
  std::string take() { return std::move(html_); }

 private:
  void add(const std::string& text, const char* open = "", const char* close = "") {
    html_ += piece(text, open, close);
  }

  std::string piece(const std::string& text, const char* open = "", const char* close = "") {
    left_ -= std::min(left_, count_utf16_units(text));
    return open + html(text) + close;
  }

  std::string fields_of(const MessageText& message) {
    std::string all;
    std::size_t written = 0;
    for (const auto& [name, value] : message.fields) {
      if (is_blank(value) || written == max_fields) continue;
      all += piece(written++ == 0 ? "\n\n" : "\n") + piece(name + ":", "<b>", "</b>");
      all += piece(" " + fit(value, max_field, without_mentions, count_utf16_units));
    }
    return all;
  }

  std::string link_of(const MessageText& message) {
    if (message.link.empty()) return "";
    return piece("\n\n") + "<a href=\"" + html(message.link) + "\">" + piece(std::string(link_text)) + "</a>";
  }

  std::string html_;
  std::size_t left_ = max_text;
};

// Beginnings of what Telegram says when not the message is at fault but where it should go.
constexpr std::pair<std::string_view, std::string_view> refusals[] = {
    {"Unauthorized", "bot_token is not that of a bot"},
    {"Not Found", "bot_token is not that of a bot"},
    {"Bad Request: chat not found", "is chat_id right, and has somebody added the bot to the chat or written to it?"},
    {"Bad Request: message thread not found", "there is no such message_thread_id"},
    {"Bad Request: TOPIC_", "the topic is closed, or is no more"},
    {"Bad Request: CHAT_", "the chat does not let the bot write"},  // CHAT_WRITE_FORBIDDEN, CHAT_RESTRICTED and others
    {"Bad Request: not enough rights", "the bot may not write there"},
    {"Bad Request: have no rights", "the bot may not write there"},
    {"Bad Request: need administrator rights", "the bot must be an administrator of the channel"},
    {"Bad Request: group chat was upgraded", ""},
    {"Forbidden", "add the bot to the chat again, or write to it"},
};

class Telegram final : public HttpReceiver {
 public:
  Telegram(TelegramConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    const auto token = reveal(config_.bot_token, "bot_token");
    if (!token) return token.error();
    if (!token_shape().full_match(*token)) return Error{"bot_token", ""};  // its file has changed
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.api_url.value;
    while (request.url.ends_with("/")) request.url.pop_back();
    request.url += "/bot" + *token + "/sendMessage";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = payload(delivery);
    return request;
  }

  std::vector<std::string> secrets_in_body() const override { return {config_.bot_token.reveal()}; }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    const auto said = JsonValue::parse(answer.body);
    if (!said || said->kind() != JsonValue::Kind::object) {
      return std::holds_alternative<Delivered>(usual) ? stranger() : usual;
    }
    if ((*said)["ok"].boolean_or(false)) return usual;
    const std::string description = cut_text((*said)["description"].text_or(""), 200);
    const std::string why = "HTTP " + std::to_string(answer.status) + ": " + description;
    const auto* refusal = std::find_if(std::begin(refusals), std::end(refusals),
                                       [&](const auto& known) { return description.starts_with(known.first); });
    if (refusal != std::end(refusals)) {
      const std::int64_t moved_to = (*said)["parameters"]["migrate_to_chat_id"].integer_or(0);
      const std::string advice = moved_to == 0 ? std::string(refusal->second)
                                               : "write chat_id: " + std::to_string(moved_to);
      return RetryLater{why + (advice.empty() ? "" : " (" + advice + ")"), std::chrono::minutes(5), true, true};
    }
    if (std::holds_alternative<Delivered>(usual)) return stranger();
    if (auto* rejected = std::get_if<Rejected>(&usual); rejected != nullptr && !description.empty()) {
      rejected->why = why;
    }
    return usual;
  }

 private:
  static Attempt stranger() {
    return RetryLater{"HTTP 200, but not as Telegram answers: is api_url right?", std::chrono::minutes(5), true, false};
  }

  std::string payload(const Delivery& delivery) const {
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    JsonWriter json;
    json.begin_object().key("chat_id").text(config_.chat_id.value);
    if (config_.message_thread_id) json.key("message_thread_id").integer(*config_.message_thread_id);
    json.key("text").text(TelegramText(message).take()).key("parse_mode").text("HTML");
    json.key("link_preview_options").begin_object().key("is_disabled").boolean(true).end_object();
    if (config_.silent_resolved && message.level == Level::ok) json.key("disable_notification").boolean(true);
    json.end_object();
    return json.take();
  }

  const TelegramConfig config_;
};

void check(config::Section& entry, const TelegramConfig& c) {
  check_http(entry, c.http);
  check_service_url(entry, "telegram", c.api_url, "api_url", c.http.allow_link_local);
  const std::string token = c.bot_token.reveal();
  if (!token.empty() && !token_shape().full_match(token)) {
    entry.problem("telegram", token.starts_with("bot")
                                  ? "bot_token begins with 'bot', leave that out"
                                  : "bot_token is not a bot's token: @BotFather gives NUMBER:LETTERS");
  }
  static const auto chat = Regex::compile("-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}");
  if (!c.chat_id.mark.file.empty() && !chat->full_match(c.chat_id.value)) {
    entry.problem(c.chat_id.mark, "chat_id is the number of a chat, such as -1001234567890, or @channelname");
  }
}

}  // namespace

std::optional<ReceiverPlan> configure_telegram(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<TelegramConfig> config;
  entry.section("telegram", config, "posts each message to a Telegram chat through a bot");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description =
      "Telegram chat " + config->chat_id.value + " through " + url_without_secrets(config->api_url.value);
  plan.warning = http_warning(config->http);
  plan.takes_groups = true;
  Fingerprint print("telegram");
  print.add(config->bot_token).add(config->chat_id.value).add(config->api_url.value);
  print.add(config->message_thread_id ? std::to_string(*config->message_thread_id) : "");
  print.add(config->silent_resolved ? "silent" : "").add(config->templates.title.text());
  print.add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Telegram>(config, context); };
  return plan;
}

}  // namespace sidewatch
