// Telegram's sendMessage as its documentation describes it: which HTML it reads, how it counts, and what it says.
// https://core.telegram.org/bots/api#sendmessage
#pragma once

#include <string>
#include <vector>

#include "tests/alerting/receivers/fake_json_rules.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeTelegram {
 public:
  static constexpr std::string_view token = "123456:s3cret-Token_of-a-bot-that-is-none";

  FakeAnswer operator()(const FakeRequest& request) const {
    if (request.path != "/bot" + std::string(token) + "/sendMessage") return error(401, "Unauthorized");
    if (request.header("Content-Type") != "application/json") return error(400, "Bad Request: message text is empty");
    try {
      judge(json_of(request.body));
    } catch (const Refused& refused) {
      return error(400, std::string("Bad Request: ") + refused.what());
    }
    return {.status = 200, .body = R"({"ok": true, "result": {"message_id": 1}})"};
  }

  // What is read of `html`: tags gone, entities put in. Throws what Telegram refuses.
  static std::string visible(const std::string& html) {
    std::string out;
    std::vector<std::string> open;
    for (std::size_t at = 0; at < html.size();) {
      if (html[at] == '<') {
        at = read_tag(html, at, open);
      } else if (html[at] == '&') {
        out += read_entity(html, at);
      } else if (html[at] == '>') {
        throw Refused("can't parse entities: unescaped >");
      } else {
        out += html[at++];
      }
    }
    if (!open.empty()) {
      throw Refused("can't parse entities: can't find end tag corresponding to start tag " + open.back());
    }
    return out;
  }

 private:
  static FakeAnswer error(int code, const std::string& description) {
    return {.status = code, .body = "{\"ok\": false, \"error_code\": " + std::to_string(code) +
                                    ", \"description\": " + json_quoted(description) + "}"};
  }

  static void judge(const JsonValue& message) {
    only_members(message, "message", {"chat_id", "message_thread_id", "text", "parse_mode", "link_preview_options",
                                      "disable_notification"});
    if (message["chat_id"].text_or("") != "-1001234567890") throw Refused("chat not found");
    if (message.has("message_thread_id") && message["message_thread_id"].integer_or(0) != 7) {
      throw Refused("message thread not found");
    }
    if (message["parse_mode"].text_or("") != "HTML") throw Refused("unsupported parse_mode");
    const std::string text = visible(std::string(message["text"].text_or("")));
    if (text.find_first_not_of(" \n") == std::string::npos) throw Refused("message text is empty");
    if (utf16_length(text) > 4096) throw Refused("message is too long");
  }

  static std::size_t read_tag(const std::string& html, std::size_t at, std::vector<std::string>& open) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) throw Refused("can't parse entities: unclosed start tag");
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) throw Refused("can't parse entities: unmatched end tag");
      open.pop_back();
    } else if (tag == "b" || tag == "i" || tag == "code" || tag == "pre") {
      open.push_back(tag);
    } else if (tag.starts_with("a href=\"") && tag.find('"', 8) == tag.size() - 1) {
      open.push_back("a");
    } else {
      throw Refused("can't parse entities: unsupported start tag");
    }
    return end + 1;
  }

  static std::string read_entity(const std::string& html, std::size_t& at) {
    constexpr std::pair<std::string_view, std::string_view> entities[] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}};
    for (const auto& [entity, character] : entities) {
      if (html.compare(at, entity.size(), entity) != 0) continue;
      at += entity.size();
      return std::string(character);
    }
    throw Refused("can't parse entities: unknown entity");
  }
};

}  // namespace sidewatch
