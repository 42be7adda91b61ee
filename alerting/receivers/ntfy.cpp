#include "alerting/receivers/ntfy.h"

#include <chrono>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/fitted_text.h"
#include "alerting/receivers/http_receiver.h"
#include "base/json.h"
#include "base/regex.h"

namespace sidewatch {

struct NtfyPriorities {
  std::int64_t critical = 5;
  std::int64_t warning = 4;
  std::int64_t resolved = 3;
};

struct NtfyConfig {
  config::Located<std::string> server{"https://ntfy.sh", {}};
  config::Located<std::string> topic;
  config::Secret token;
  std::string username;
  config::Secret password;
  NtfyPriorities priority;
  MessageTemplates templates;
  HttpReceiverSettings http;
};

void declare(config::Section& s, NtfyPriorities& c) {
  const auto range = config::between(std::int64_t{1}, std::int64_t{5});
  s.optional("critical", c.critical, "5: rings and vibrates for long", range);
  s.optional("warning", c.warning, "4: rings and vibrates", range);
  s.optional("resolved", c.resolved, "3: as any notification; 2: no sound; 1: out of sight", range);
}

void declare(config::Section& s, NtfyConfig& c) {
  s.required("topic", c.topic,
             "the topic that phones subscribe to; on ntfy.sh choose one that nobody guesses; kept secret");
  s.keep_secret("topic");
  s.optional("server", c.server, "a server of your own");
  s.optional("token", c.token, "access token (tk_...), where the topic asks for one");
  s.optional("username", c.username, "user name, instead of a token");
  s.optional("password", c.password, "the user's password");
  s.section("priority", c.priority, "how loud, from 1 to 5");
  declare_message_templates(s, c.templates);
  declare_http(s, c.http);
}

namespace {

// The server takes bodies of 8192 bytes and messages of 4096 as they are configured; both are met when what JSON makes
// of the texts is within the half of it.
constexpr std::size_t max_message_bytes = 4096;
constexpr std::size_t max_title_bytes = 500;
constexpr std::size_t max_field_bytes = 500;
constexpr std::size_t max_click_bytes = 1000;
constexpr Duration daily_quota_pause = std::chrono::minutes(30);

std::string_view tag_of(Level level) {  // shown as its sign before the title
  switch (level) {
    case Level::ok: return "white_check_mark";
    case Level::warning: return "warning";
    case Level::critical: return "rotating_light";
  }
  return "";
}

std::string text_in(const MessageText& message) {
  std::string fields;
  for (const auto& [name, value] : message.fields) {
    if (is_blank(value)) continue;
    fields += (fields.empty() ? "" : "\n") + name + ": " + fit(value, max_field_bytes, as_it_is, count_json_bytes);
  }
  fields = fit(fields, max_message_bytes / 2, as_it_is, count_json_bytes);
  if (is_blank(message.text)) return fields;
  const std::size_t room = max_message_bytes - count_json_bytes(fields) - 4;  // two newlines
  return fit(message.text, room, as_it_is, count_json_bytes) + "\n\n" + fields;
}

class Ntfy final : public HttpReceiver {
 public:
  Ntfy(NtfyConfig config, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(std::move(config)) {}

 protected:
  Result<OutgoingRequest> request_for(const Delivery& delivery) override {
    OutgoingRequest request;
    request.method = "POST";
    request.url = config_.server.value;
    if (!request.url.ends_with("/")) request.url += "/";
    request.headers = {{"Content-Type", "application/json"}};
    if (!config_.token.empty()) {
      const auto token = reveal(config_.token, "token");
      if (!token) return token.error();
      request.headers.push_back({"Authorization", "Bearer " + *token});
    }
    if (!config_.username.empty()) {
      const auto password = reveal(config_.password, "password");
      if (!password) return password.error();
      request.username = config_.username;
      request.password = *password;
    }
    request.body = payload(delivery);
    return request;
  }

  std::vector<std::string> secrets_in_body() const override { return {config_.topic.value}; }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    constexpr std::int64_t topic_invalid = 40009;
    constexpr std::int64_t topic_not_allowed = 40010;
    constexpr std::int64_t daily_quota = 42908;
    const auto said = JsonValue::parse(answer.body);
    if (std::holds_alternative<Delivered>(usual)) {
      if (said && (*said)["event"].text_or("") == "message") return usual;
      return RetryLater{"HTTP " + std::to_string(answer.status) + ", but not as ntfy answers: is `server` its address?",
                        std::chrono::minutes(5), true, false};
    }
    const std::int64_t code = said ? (*said)["code"].integer_or(0) : 0;
    if (code == 0) return usual;
    const std::string why = "HTTP " + std::to_string(answer.status) + ": " +
                            cut_text((*said)["error"].text_or(""), 200) + " (" + std::to_string(code) + ")";
    if (code == topic_invalid || code == topic_not_allowed) return RetryLater{why, std::chrono::minutes(5), true, true};
    if (code == daily_quota) return RetryLater{why, daily_quota_pause, true, false};
    if (auto* later = std::get_if<RetryLater>(&usual)) later->why = why + advice(answer.status);
    if (auto* rejected = std::get_if<Rejected>(&usual)) rejected->why = why;
    return usual;
  }

 private:
  static std::string advice(int status) {
    if (status == 401) return ": the server does not know this token, or user name and password";
    return status == 403 ? ": who publishes has no right to this topic; set token, or username and password" : "";
  }

  std::string payload(const Delivery& delivery) const {
    const MessageText message = text_of(delivery, config_.templates, context().origin());
    const Level level = message.level;
    JsonWriter json;
    json.begin_object().key("topic").text(config_.topic.value);
    if (!is_blank(message.title)) {
      json.key("title").text(fit_before(message.ending, message.title, max_title_bytes, as_it_is, count_json_bytes));
    }
    json.key("message").text(text_in(message));
    json.key("priority").integer(level == Level::critical  ? config_.priority.critical
                                 : level == Level::warning ? config_.priority.warning
                                                           : config_.priority.resolved);
    json.key("tags").begin_array().text(tag_of(level)).end_array();
    if (!message.link.empty() && message.link.size() <= max_click_bytes) json.key("click").text(message.link);
    json.end_object();
    return json.take();
  }

  const NtfyConfig config_;
};

void check(config::Section& entry, const NtfyConfig& c) {
  check_http(entry, c.http);
  check_receiver_url(entry, c.server, "server", c.http.allow_link_local);
  if (const auto parts = parse_http_url(c.server.value); parts && parts->host == "ntfy.sh") {
    if (parts->scheme == "http") entry.problem(c.server.mark, "server begins with https:// at ntfy.sh");
    const auto path = c.server.value.find('/', c.server.value.find("://") + 3);
    if (path != std::string::npos && path + 1 < c.server.value.size()) {
      entry.problem(c.server.mark, "server is without the topic, which goes to `topic`");
    }
  }
  static const auto topic = Regex::compile("[-_A-Za-z0-9]{1,64}");
  if (!c.topic.mark.file.empty() && !topic->full_match(c.topic.value)) {
    entry.problem(c.topic.mark, "topic is 1 to 64 letters, digits, '-' and '_', without the server before it");
  }
  if (!c.token.empty() && !c.username.empty()) {
    entry.problem("ntfy", "has both token and username, which fill the same header");
  }
  if (c.username.empty() != c.password.empty()) entry.problem("ntfy", "has only one of username and password");
  if (!header_is_safe("Authorization", c.token.reveal())) entry.problem("ntfy", "token holds a control character");
}

}  // namespace

std::optional<ReceiverPlan> configure_ntfy(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<NtfyConfig> config;
  entry.section("ntfy", config, "sends each message to the phones that subscribe to a topic of ntfy");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "ntfy " + url_without_secrets(config->server.value);
  plan.warning = http_warning(config->http);
  plan.takes_groups = true;
  Fingerprint print("ntfy");
  print.add(config->server.value).add(config->topic.value).add(config->token).add(config->username);
  print.add(config->password).add(std::to_string(config->priority.critical));
  print.add(std::to_string(config->priority.warning)).add(std::to_string(config->priority.resolved));
  print.add(config->templates.title.text()).add(config->templates.text.text()).add(config->http);
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<Ntfy>(config, context); };
  return plan;
}

}  // namespace sidewatch
