#include "alerting/receivers/discord.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/fitted_text.h"
#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/mention.h"
#include "alerting/receivers/service_url.h"
#include "base/json.h"
#include "base/regex.h"

namespace sidewatch {

struct DiscordConfig {
  config::Located<std::string> url;
  std::string username;
  std::string thread_id;
  std::string mention_at_critical;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, DiscordConfig& c) {
  s.required("url", c.url,
             "the channel's webhook: Edit Channel, Integrations, Webhooks, Copy Webhook URL; kept secret");
  s.keep_secret("url");
  s.optional("username", c.username, "who the messages are from (default: the webhook's name)");
  s.optional("thread_id", c.thread_id, "number of the thread of the channel that the messages go to");
  s.optional(
      "mention_at_critical", c.mention_at_critical,
      "who is pinged when something becomes critical: @here, @everyone, <@&NUMBER> for a role, <@NUMBER> for a user");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

// https://discord.com/developers/docs/resources/message#embed-object-embed-limits
constexpr std::size_t max_embed = 6000;  // all texts of it together
constexpr std::size_t max_title = 256;
constexpr std::size_t max_description = 4096;
constexpr std::size_t max_fields = 25;
constexpr std::size_t max_field_name = 256;
constexpr std::size_t max_field_value = 1024;
constexpr std::size_t max_username = 80;
constexpr std::size_t max_all_fields = 3000;    // so that the text has room in any case
constexpr std::size_t longest_beside = 24;      // what is short stands beside other fields
constexpr std::string_view footer = "sidewatch";
constexpr std::int64_t forum_wants_thread = 220001;  // a code of Discord's errors

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Whether the character at `at` of `text` would be more than itself; `line_start`: there are only blanks before it.
bool is_special(std::string_view text, std::size_t at, bool line_start) {
  const char c = text[at];
  if (c == '_') {  // means nothing within a word: names of metrics and labels stay legible where escapes are shown
    return at == 0 || at + 1 == text.size() || !is_letter(text[at - 1]) || !is_letter(text[at + 1]);
  }
  return std::string_view("\\`*~|<[@").find(c) != std::string_view::npos ||
         (line_start && std::string_view("#>-").find(c) != std::string_view::npos);
}

// As Discord's Markdown takes it for text. A URL is one there and stays as it is.
std::string markdown(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const auto& part : split_at_urls(text)) {
    for (std::size_t at = 0; at < part.text.size(); ++at) {
      const char c = part.text[at];
      if (!part.is_url && is_special(part.text, at, line_start)) out += '\\';
      out += c;
      line_start = c == '\n' || (line_start && c == ' ');
    }
  }
  return out;
}

class Embed {
 public:
  explicit Embed(const MessageText& message) : message_(message) {}

  void write(JsonWriter& json) {
    json.begin_object();
    if (!is_blank(message_.title)) json.key("title").text(take(message_.title, max_title, markdown, message_.ending));
    if (!message_.link.empty()) json.key("url").text(message_.link);
    json.key("color").integer(colour_of(message_.level)).key("timestamp").text(to_rfc3339(message_.at));
    json.key("footer").begin_object().key("text").text(footer).end_object();
    left_ -= footer.size();
    write_fields(json);
    const std::string text = take(message_.text, max_description, markdown);
    if (!is_blank(text)) json.key("description").text(text);
    json.end_object();
  }

 private:
  void write_fields(JsonWriter& json) {
    const std::size_t before = left_;
    json.key("fields").begin_array();
    for (std::size_t i = 0; i < std::min(message_.fields.size(), max_fields); ++i) {
      const auto& [name, value] = message_.fields[i];
      if (is_blank(value)) continue;
      const std::size_t spent = before - left_;
      const std::size_t room = max_all_fields - std::min(spent, max_all_fields);
      if (room < 2 * max_field_name) break;  // beyond it there would be only dots
      json.begin_object().key("name").text(take(name, max_field_name, markdown));
      json.key("value").text(take(value, std::min(max_field_value, room - max_field_name), markdown));
      json.key("inline").boolean(count_utf16_units(value) <= longest_beside).end_object();
    }
    json.end_array();
  }

  std::string take(std::string_view text, std::size_t limit, const TextForm& form, std::string_view ending = {}) {
    std::string fitted = fit_before(ending, text, std::min(limit, left_), form, count_utf16_units);
    left_ -= count_utf16_units(fitted);
    return fitted;
  }

  const MessageText& message_;
  std::size_t left_ = max_embed;
};

// What `mention` may ping, and nothing else.
void write_allowed_mentions(JsonWriter& json, const std::string& mention) {
  json.key("allowed_mentions").begin_object().key("parse").begin_array();
  if (mention.starts_with("@")) json.text("everyone");
  json.end_array();
  if (mention.starts_with("<@")) {
    const bool role = mention.starts_with("<@&");
    const std::size_t digits = role ? 3 : 2;
    const std::string number = mention.substr(digits, mention.size() - digits - 1);
    json.key(role ? "roles" : "users").begin_array().text(number).end_array();
  }
  json.end_object();
}

class Discord final : public HttpReceiver {
 public:
  Discord(DiscordConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.url.value + (config_.url.value.find('?') == std::string::npos ? "?" : "&") + "wait=true" +
                  (config_.thread_id.empty() ? "" : "&thread_id=" + config_.thread_id);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = payload(delivery);
    return request;
  }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    usual = unless_web_page(answer, std::move(usual), "Discord", "url");
    const auto said = JsonValue::parse(answer.body);
    const std::string message = said ? cut_text((*said)["message"].text_or(""), 100) : "";
    if (said && (*said)["code"].integer_or(0) == forum_wants_thread) {
      return RetryLater{"HTTP 400: the channel is a forum: set thread_id", std::chrono::minutes(5), true, true};
    }
    if (auto* later = std::get_if<RetryLater>(&usual); later != nullptr && later->refused) {
      if (answer.status == 404) {
        later->why = "HTTP 404: " + message + ": the webhook was deleted, or thread_id is of another channel";
      }
      if (answer.status == 401) later->why = "HTTP 401: " + message + ": the end of the webhook's URL is not right";
    } else if (auto* rejected = std::get_if<Rejected>(&usual); rejected != nullptr && !message.empty()) {
      rejected->why = "HTTP " + std::to_string(answer.status) + ": " + message + " " + reasons((*said)["errors"]);
    }
    return usual;
  }

 private:
  std::string payload(const Delivery& delivery) const {
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    const std::string mention = becomes_critical(delivery) ? config_.mention_at_critical : "";
    JsonWriter json;
    json.begin_object();
    if (!config_.username.empty()) json.key("username").text(config_.username);
    if (!mention.empty()) json.key("content").text(mention);
    write_allowed_mentions(json, mention);
    json.key("embeds").begin_array();
    Embed(message).write(json);
    json.end_array().end_object();
    return json.take();
  }

  // {"embeds": {"0": {"title": {"_errors": [{"message": "Must be ..."}]}}}} as "(embeds.0.title: Must be ...)".
  static std::string reasons(const JsonValue& errors) {
    const JsonValue* at = &errors;
    std::string where;
    while (!at->names().empty() && !at->has("_errors")) {
      where += (where.empty() ? "" : ".") + cut_text(at->names().front(), 40);
      at = &at->items().front();
    }
    const auto& found = (*at)["_errors"].items();
    return found.empty() ? "" : "(" + where + ": " + cut_text(found.front()["message"].text_or(""), 100) + ")";
  }

  const DiscordConfig config_;
};

void check(config::Section& entry, const DiscordConfig& c) {
  check_http(entry, c.http);
  if (!c.url.mark.file.empty()) check_service_url(entry, "discord", c.url, "url", c.http.allow_link_local);
  const auto digits = [](const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; };
  if (!digits(c.thread_id)) {
    entry.problem("discord", "thread_id is a number: Copy Thread ID in Discord's developer mode");
  }
  if (count_utf16_units(c.username) > max_username) entry.problem("discord", "username has more than 80 characters");
  static const auto mention = Regex::compile("@here|@everyone|<@&?[0-9]+>");
  if (!c.mention_at_critical.empty() && !mention->full_match(c.mention_at_critical)) {
    entry.problem("discord", "mention_at_critical is @here, @everyone, <@&NUMBER> for a role or <@NUMBER> for a user");
  }
}

}  // namespace

std::optional<ReceiverPlan> configure_discord(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<DiscordConfig> config;
  entry.section("discord", config, "posts each message to a Discord channel");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "Discord " + url_without_secrets(config->url.value);
  plan.warning = http_warning(config->http);
  plan.takes_groups = true;
  Fingerprint print("discord");
  print.add(config->url.value).add(config->username).add(config->thread_id).add(config->mention_at_critical);
  print.add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Discord>(config, context); };
  return plan;
}

}  // namespace sidewatch
