// A workflow of Microsoft Teams as it takes adaptive cards: its size, the elements' types and properties, how it
// refuses. https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/getting-started
#pragma once

#include <string>

#include "tests/alerting/receivers/fake_json_rules.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeTeams {
 public:
  static constexpr std::string_view path = "/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=s3cret-sig";

  FakeAnswer operator()(const FakeRequest& request) const {
    if (request.path.find("sig=s3cret-sig") == std::string::npos) {
      return error(401, "DirectApiAuthorizationRequired",
                   "The request must be authenticated only by Shared Access scheme.");
    }
    if (request.path != path) return error(404, "WorkflowNotFound", "The workflow could not be found.");
    if (request.body.size() > 28 * 1024) return error(413, "RequestEntityTooLarge", "The request is larger than 28 KB");
    try {
      judge(json_of(request.body));
    } catch (const Refused& refused) {
      return error(400, "TriggerInputSchemaMismatch", refused.what());
    }
    return {.status = 202};
  }

 private:
  static FakeAnswer error(int status, const std::string& code, const std::string& message) {
    return {.status = status,
            .body = "{\"error\":{\"code\":" + json_quoted(code) + ",\"message\":" + json_quoted(message) + "}}"};
  }

  static void judge(const JsonValue& message) {
    only_members(message, "message", {"type", "attachments"});
    if (message["type"].text_or("") != "message") throw Refused("type");
    if (message["attachments"].items().size() != 1) throw Refused("attachments");
    const JsonValue& attachment = message["attachments"].items()[0];
    only_members(attachment, "attachment", {"contentType", "contentUrl", "content"});
    if (attachment["contentType"].text_or("") != "application/vnd.microsoft.card.adaptive") {
      throw Refused("contentType");
    }
    const JsonValue& card = attachment["content"];
    only_members(card, "card", {"$schema", "type", "version", "body", "actions", "msteams"});
    if (card["type"].text_or("") != "AdaptiveCard" || card["version"].text_or("") != "1.2") throw Refused("card");
    if (card["body"].items().empty()) throw Refused("body is empty");
    for (const auto& block : card["body"].items()) judge_block(block);
    if (card["actions"].items().size() > 6) throw Refused("at most 6 actions");
    for (const auto& action : card["actions"].items()) {
      only_members(action, "action", {"type", "title", "url"});
      if (action["type"].text_or("") != "Action.OpenUrl" || !action["url"].text_or("").starts_with("http")) {
        throw Refused("action");
      }
    }
  }

  // Only what knows no Markdown.
  static void judge_block(const JsonValue& block) {
    only_members(block, "block", {"type", "spacing", "inlines"});
    if (block["type"].text_or("") != "RichTextBlock") throw Refused("not a RichTextBlock");
    if (block["inlines"].items().empty()) throw Refused("no inlines");
    bool seen = false;
    for (const auto& run : block["inlines"].items()) {
      only_members(run, "run", {"type", "text", "weight", "size", "color", "selectAction"});
      if (run.has("selectAction")) {
        only_members(run["selectAction"], "selectAction", {"type", "url"});
        if (run["selectAction"]["url"].text_or("") != run["text"].text_or("")) {
          throw Refused("a link that says something else");
        }
      }
      if (run["type"].text_or("") != "TextRun") throw Refused("not a TextRun");
      const std::string text = text_within(run["text"], "text", 0, 20'000);
      if (text.empty()) throw Refused("an empty run");
      if (text.find('\n') != std::string::npos) throw Refused("line end in a run");
      seen = seen || !is_trimmed_away(text);
      const auto color = run["color"].text_or("default");
      if (color != "default" && color != "good" && color != "warning" && color != "attention") throw Refused("color");
    }
    if (!seen) throw Refused("a block without anything to see");
  }
};

}  // namespace sidewatch
