// Discord's webhook as its documentation describes it: refuses what is over a limit, of another type or unknown, in
// Discord's words. https://discord.com/developers/docs/resources/webhook#execute-webhook
#pragma once

#include <cstdint>
#include <string>

#include "tests/alerting/receivers/fake_json_rules.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeDiscord {
 public:
  static constexpr std::string_view path = "/api/webhooks/1234567890/t0k3n-secret_part";

  FakeAnswer operator()(const FakeRequest& request) const {
    const std::string route = request.path.substr(0, request.path.find('?'));
    if (route != path) return error(404, R"({"message": "Unknown Webhook", "code": 10015})");
    if (request.method != "POST") return error(405, R"({"message": "405: Method Not Allowed", "code": 0})");
    if (request.header("Content-Type") != "application/json") {
      return error(400, R"({"message": "Cannot send an empty message", "code": 50006})");
    }
    try {
      judge(json_of(request.body));
    } catch (const Refused& refused) {
      return error(
          400, R"({"message": "Invalid Form Body", "code": 50035, "errors": {"embeds": {"0": {"_errors": [{"code": )"
               R"("BASE_TYPE_BAD_LENGTH", "message": )" +
                   json_quoted(refused.what()) + "}]}}}}");
    }
    const bool waits = request.path.find("wait=true") != std::string::npos;
    return waits ? error(200, R"({"id": "1", "type": 0})") : FakeAnswer{.status = 204};
  }

 private:
  static FakeAnswer error(int status, const std::string& body) {
    return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body};
  }

  static void judge(const JsonValue& message) {
    only_members(message, "message", {"content", "username", "avatar_url", "allowed_mentions", "embeds"});
    if (message.has("content")) text_within(message["content"], "content", 1, 2000);
    if (message.has("username")) text_within(message["username"], "username", 1, 80);
    judge_mentions(message["allowed_mentions"]);
    const auto& embeds = message["embeds"].items();
    if (embeds.empty() || embeds.size() > 10) throw Refused("embeds: 1 to 10");
    std::size_t total = 0;
    for (const auto& embed : embeds) total += judge_embed(embed);
    if (total > 6000) throw Refused("Embed size exceeds maximum size of 6000");
  }

  static void judge_mentions(const JsonValue& mentions) {
    only_members(mentions, "allowed_mentions", {"parse", "roles", "users"});
    for (const auto& kind : mentions["parse"].items()) {
      if (kind.text_or("") != "everyone") throw Refused("allowed_mentions.parse pings whoever a text names");
    }
  }

  // The characters of all its texts.
  static std::size_t judge_embed(const JsonValue& embed) {
    only_members(embed, "embed", {"title", "url", "color", "timestamp", "footer", "fields", "description"});
    std::size_t total = 0;
    if (embed.has("title")) total += utf16_length(text_within(embed["title"], "title", 1, 256));
    if (embed.has("description")) total += utf16_length(text_within(embed["description"], "description", 1, 4096));
    if (embed.has("url") && !embed["url"].text_or("").starts_with("http")) throw Refused("Not a well formed URL.");
    const std::int64_t color = embed["color"].integer_or(-1);
    if (color < 0 || color > 0xFFFFFF) throw Refused("color");
    if (embed["timestamp"].text_or("").find('T') != 10) throw Refused("timestamp is not ISO 8601");
    if (embed.has("footer")) total += utf16_length(text_within(embed["footer"]["text"], "footer", 1, 2048));
    if (embed["fields"].items().size() > 25) throw Refused("fields: at most 25");
    for (const auto& field : embed["fields"].items()) {
      only_members(field, "field", {"name", "value", "inline"});
      total += utf16_length(text_within(field["name"], "field.name", 1, 256));
      total += utf16_length(text_within(field["value"], "field.value", 1, 1024));
      if (field["inline"].kind() != JsonValue::Kind::boolean) throw Refused("inline");
    }
    return total;
  }
};

}  // namespace sidewatch
