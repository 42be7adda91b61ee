// Alertmanager's API v2 as far as taking alerts goes: it refuses what Alertmanager refuses, and says what fires in it.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/json.h"
#include "base/time.h"
#include "tests/support/fake_http_server.h"

namespace sidewatch {

class FakeAlertmanager {
 public:
  FakeAnswer operator()(const FakeRequest& request) {
    if (request.method != "POST" || request.path != "/am/api/v2/alerts") return {.status = 404};
    if (request.header("Content-Type") != "application/json") return {.status = 415};
    const auto body = JsonValue::parse(request.body, {.max_bytes = std::size_t{64} << 20});
    if (!body || body->kind() != JsonValue::Kind::array) return {.status = 400, .body = "\"not a list\""};
    for (const JsonValue& alert : body->items()) {
      if (const std::string problem = take(alert); !problem.empty()) return {.status = 400, .body = '"' + problem + '"'};
    }
    return {.status = 200};
  }

  // The labels of what fires at `now`, as "a=1,b=2".
  std::set<std::string> firing(WallTime now) const {
    std::set<std::string> labels;
    for (const auto& [text, ends_at] : alerts_) {
      if (ends_at > to_rfc3339(now)) labels.insert(text);
    }
    return labels;
  }

 private:
  std::string take(const JsonValue& alert) {
    std::string labels;
    for (std::size_t i = 0; i < alert["labels"].names().size(); ++i) {
      const auto value = alert["labels"].items()[i].text_or("");
      if (value.empty()) return "labels: a value is empty";
      labels += (labels.empty() ? "" : ",") + alert["labels"].names()[i] + "=" + std::string(value);
    }
    if (labels.empty()) return "labels in body is required";
    const std::string starts(alert["startsAt"].text_or("")), ends(alert["endsAt"].text_or(""));
    if (starts.size() != 24 || ends.size() != 24) return "a time is not RFC 3339";
    if (ends < starts) return "start time must be before end time";
    alerts_[labels] = ends;
    return "";
  }

  std::map<std::string, std::string> alerts_;  // labels -> endsAt
};

}  // namespace sidewatch
