// ntfy's publishing as JSON as its server does it: the topic's shape, the limits of the body and of the message, codes.
// https://docs.ntfy.sh/publish/#publish-as-json
#pragma once

#include <string>

#include "base/regex.h"
#include "tests/alerting/receivers/fake_json_rules.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeNtfy {
 public:
  static constexpr std::string_view open_topic = "checkout-Kx81";
  static constexpr std::string_view guarded_topic = "guarded-Zz42";

  FakeAnswer operator()(const FakeRequest& request) const {
    if (request.path != "/" || request.method != "POST") return error(404, 40401, "page not found");
    if (request.body.size() > 8192) return error(413, 41303, "JSON body too large");
    try {
      return judge(request, json_of(request.body));
    } catch (const Refused& refused) {
      return error(400, 40024, std::string("invalid request: ") + refused.what());
    }
  }

 private:
  static FakeAnswer error(int status, int code, const std::string& text) {
    return {.status = status, .body = "{\"code\":" + std::to_string(code) + ",\"http\":" + std::to_string(status) +
                                      ",\"error\":" + json_quoted(text) + "}"};
  }

  static FakeAnswer judge(const FakeRequest& request, const JsonValue& message) {
    only_members(message, "message", {"topic", "title", "message", "priority", "tags", "click"});
    const std::string topic(message["topic"].text_or(""));
    if (!Regex::compile("[-_A-Za-z0-9]{1,64}")->full_match(topic)) {
      return error(400, 40009, "invalid request: topic invalid");
    }
    if (topic == "docs") return error(400, 40010, "invalid request: topic name is not allowed");
    const std::string authorization = request.header("Authorization");
    const bool known = authorization == "Bearer tk_s3cret" || authorization == "Basic bWU6cGFzcw==";
    if (!authorization.empty() && !known) return error(401, 40101, "unauthorized");
    if (topic == guarded_topic && !known) return error(403, 40301, "forbidden");
    const std::int64_t priority = message["priority"].integer_or(0);
    if (priority < 1 || priority > 5) return error(400, 40007, "invalid priority parameter");
    if (message["message"].text_or("").size() > 4096) {
      return error(400, 40014, "invalid request: attachments not allowed");
    }
    for (const auto& tag : message["tags"].items()) text_within(tag, "tag", 1, 64);
    return {.status = 200, .body = "{\"id\":\"x1\",\"event\":\"message\",\"topic\":" + json_quoted(topic) + "}"};
  }
};

}  // namespace sidewatch
