// Slack's incoming webhook as its documentation describes it: block types, their limits, which characters mean more
// than themselves, and the words with which it refuses. https://docs.slack.dev/reference/block-kit/blocks
#pragma once

#include <string>

#include "base/regex.h"
#include "tests/alerting/receivers/fake_json_rules.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeSlack {
 public:
  static constexpr std::string_view path = "/services/T0AAAAAAA/B0AAAAAAA/s3cretPart";

  FakeAnswer operator()(const FakeRequest& request) const {
    if (request.path != path) return {.status = 404, .body = "no_service"};
    if (!request.header("Content-Type").starts_with("application/json")) {
      return {.status = 400, .body = "invalid_payload"};
    }
    try {
      judge(json_of(request.body));
    } catch (const Refused& refused) {
      return {.status = 400, .body = std::string("invalid_blocks ") + refused.what()};
    }
    return {.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "ok"};
  }

 private:
  static void judge(const JsonValue& message) {
    only_members(message, "message", {"text", "blocks", "unfurl_links", "unfurl_media"});
    no_markup(text_within(message["text"], "text", 1, 40'000), "text");
    const auto& blocks = message["blocks"].items();
    if (blocks.empty() || blocks.size() > 50) throw Refused("blocks: 1 to 50");
    std::size_t total = 0;
    for (const auto& block : blocks) total += judge_block(block);
    if (total > 13'200) throw Refused("msg_blocks_too_long");
  }

  static std::size_t judge_block(const JsonValue& block) {
    const auto type = block["type"].text_or("");
    if (type == "header") {
      only_members(block, "header", {"type", "text"});
      if (block["text"]["type"].text_or("") != "plain_text") throw Refused("header wants plain_text");
      return utf16_length(text_within(block["text"]["text"], "header", 1, 150));
    }
    if (type == "context") {
      only_members(block, "context", {"type", "elements"});
      if (block["elements"].items().size() > 10) throw Refused("elements: at most 10");
      std::size_t total = 0;
      for (const auto& element : block["elements"].items()) total += judge_text(element, 3000);
      return total;
    }
    if (type != "section") throw Refused("unknown type");
    only_members(block, "section", {"type", "text", "fields"});
    if (!block.has("text") && !block.has("fields")) throw Refused("section needs text or fields");
    std::size_t total = block.has("text") ? judge_text(block["text"], 3000) : 0;
    if (block.has("fields") && (block["fields"].items().empty() || block["fields"].items().size() > 10)) {
      throw Refused("fields: 1 to 10");
    }
    for (const auto& field : block["fields"].items()) total += judge_text(field, 2000);
    return total;
  }

  static std::size_t judge_text(const JsonValue& object, std::size_t most) {
    only_members(object, "text", {"type", "text", "verbatim"});
    if (object["type"].text_or("") != "mrkdwn" || !object["verbatim"].boolean_or(false)) throw Refused("not verbatim");
    const std::string text = text_within(object["text"], "mrkdwn", 1, most);
    constexpr std::string_view link = R"(<(https?://[^<>|]+(\|Open sidewatch)?|!date\^[0-9]+\^[^<>]*|![a-z]+|@U[0-9]+)>)";
    no_markup(without(text, link), "mrkdwn");
    return utf16_length(text);
  }

  static std::string without(const std::string& text, std::string_view pattern) {
    return Regex::compile(pattern)->replace_all(text, "", text.size());
  }

  // Without what is a link on purpose no angle bracket is left, and each ampersand begins an entity.
  static void no_markup(const std::string& text, const std::string& where) {
    if (text.find_first_of("<>") != std::string::npos) throw Refused(where + " has markup: " + text.substr(0, 80));
    const std::string rest = without(text, "&(amp|lt|gt);");
    if (rest.find('&') != std::string::npos) throw Refused(where + " has a bare ampersand");
  }
};

}  // namespace sidewatch
