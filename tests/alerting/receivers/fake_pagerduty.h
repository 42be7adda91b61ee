// PagerDuty's Events API v2 as far as its rules go: it refuses what the service refuses, and keeps incidents.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakePagerDuty {
 public:
  static constexpr std::string_view routing_key = "0123456789abcdef0123456789ABCDEF";

  FakeAnswer operator()(const FakeRequest& request) {
    if (request.method != "POST" || request.path != "/v2/enqueue") return {.status = 404};
    if (request.header("Content-Type") != "application/json") return {.status = 415};
    if (request.body.size() > 512'000) return {.status = 413, .body = R"({"status":"payload too large"})"};
    const auto event = JsonValue::parse(request.body);
    if (!event) return refuse({"the event is not JSON"});
    const auto problems = problems_of(*event);
    if (!problems.empty()) return refuse(problems);
    const std::string key((*event)["dedup_key"].text_or(""));
    if ((*event)["event_action"].text_or("") == "trigger") {
      open[key] = std::string((*event)["payload"]["severity"].text_or(""));
    } else {
      open.erase(key);
    }
    return {.status = 202, .body = R"({"status":"success","message":"Event processed","dedup_key":")" + key + "\"}"};
  }

  std::map<std::string, std::string> open;  // dedup_key -> severity

 private:
  static FakeAnswer refuse(const std::vector<std::string>& errors) {
    JsonWriter json;
    json.begin_object().key("status").text("invalid event").key("message").text("Event object is invalid");
    json.key("errors").begin_array();
    for (const auto& error : errors) json.text(error);
    json.end_array().end_object();
    return {.status = 400, .body = json.take()};
  }

  static bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  }

  static std::vector<std::string> problems_of(const JsonValue& event) {
    std::vector<std::string> problems;
    if (event["routing_key"].text_or("") != routing_key) problems.push_back("Invalid routing key");
    for (const auto& name : event.names()) {
      if (!one_of(name,
                  {"routing_key", "event_action", "dedup_key", "client", "client_url", "links", "images", "payload"})) {
        problems.push_back("'" + name + "' is unknown");
      }
    }
    const auto action = event["event_action"].text_or("");
    if (!one_of(action, {"trigger", "acknowledge", "resolve"})) problems.push_back("'event_action' is invalid");
    const auto key = event["dedup_key"].text_or("");
    if (key.size() > 255 || (key.empty() && action != "trigger")) problems.push_back("'dedup_key' is invalid");
    if (action == "trigger") check_payload(event, problems);
    return problems;
  }

  static void check_payload(const JsonValue& event, std::vector<std::string>& problems) {
    const JsonValue& payload = event["payload"];
    const auto summary = payload["summary"].text_or("");
    if (summary.empty() || count_characters(summary) > 1024)
      problems.push_back("'payload.summary' is missing or too long");
    if (payload["source"].text_or("").empty()) problems.push_back("'payload.source' is missing or blank");
    if (!one_of(payload["severity"].text_or(""), {"critical", "error", "warning", "info"})) {
      problems.push_back("'payload.severity' is invalid (must be one of: 'critical', 'error', 'warning', 'info')");
    }
    if (payload["timestamp"].text_or("").size() < 20) problems.push_back("'payload.timestamp' is invalid");
    for (const JsonValue& link : event["links"].items()) {
      if (!link["href"].text_or("").starts_with("http")) problems.push_back("'links.href' is invalid");
    }
  }
};

}  // namespace sidewatch
