// Opsgenie's Alert API v2 as far as its rules go: it refuses what the service refuses, and keeps alerts by alias.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeOpsgenie {
 public:
  static constexpr std::string_view key = "01234567-89ab-cdef-0123-456789abcdef";

  FakeAnswer operator()(const FakeRequest& request) {
    if (request.header("Authorization") != "GenieKey " + std::string(key)) {
      return {.status = 401, .body = R"({"message":"Could not authenticate"})"};
    }
    const auto body = JsonValue::parse(request.body);
    if (!body) return invalid("body is not JSON");
    if (request.method == "POST" && request.path == "/v2/alerts") return create(*body);
    constexpr std::string_view under = "/v2/alerts/";
    if (!request.path.starts_with(under)) return {.status = 404};
    const auto slash = request.path.find('/', under.size());
    std::string alias = request.path.substr(under.size(), slash - under.size());
    for (std::size_t at = 0; (at = alias.find("%40")) != std::string::npos;) alias.replace(at, 3, "@");
    const std::string what = request.path.substr(slash + 1);
    if (request.method == "POST" && what == "close?identifierType=alias") {
      open.erase(alias);
    } else if (request.method == "PUT" && what == "priority?identifierType=alias" && is_priority((*body)["priority"])) {
      if (open.contains(alias)) open[alias] = std::string((*body)["priority"].text_or(""));
    } else {
      return {.status = 404};
    }
    return accepted();
  }

  std::map<std::string, std::string> open;  // alias -> priority

 private:
  static FakeAnswer accepted() { return {.status = 202, .body = R"({"result":"Request will be processed"})"}; }
  static FakeAnswer invalid(const std::string& why) { return {.status = 422, .body = "{\"message\":\"" + why + "\"}"}; }
  static bool is_priority(const JsonValue& value) {
    const auto text = value.text_or("");
    return text.size() == 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '5';
  }

  FakeAnswer create(const JsonValue& alert) {
    const auto length = [&](std::string_view name) { return count_characters(alert[name].text_or("")); };
    if (length("message") == 0 || length("message") > 130) return invalid("message");
    if (length("alias") > 512 || length("description") > 15'000 || length("entity") > 512 || length("source") > 100) {
      return invalid("a text is too long");
    }
    if (!is_priority(alert["priority"])) return invalid("priority");
    if (alert["tags"].items().size() > 20) return invalid("tags");
    std::size_t details = 0;
    for (std::size_t i = 0; i < alert["details"].names().size(); ++i) {
      details += count_characters(alert["details"].names()[i]);
      details += count_characters(alert["details"].items()[i].text_or(""));
    }
    if (details > 8'000) return invalid("details");
    open.emplace(alert["alias"].text_or(""), alert["priority"].text_or(""));  // what is open keeps its priority
    return accepted();
  }
};

}  // namespace sidewatch
