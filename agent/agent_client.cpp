#include "agent/agent_client.h"

#include <chrono>
#include <utility>

#include "agent/exit_code.h"
#include "agent/query/answer.h"
#include "base/http_client.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration answer_within = 30s;
constexpr std::size_t max_answer_bytes = std::size_t{16} << 20;
constexpr std::size_t shown_bytes = 300;

// Prometheus's errors are {"error": "..."}, Alertmanager's a string; anything else is shown as it is.
std::string words_of(const AgentAnswer& answer) {
  if (answer.json.kind() == JsonValue::Kind::text) return std::string(answer.json.text_or(""));
  if (answer.json.has("error")) return std::string(answer.json["error"].text_or(""));
  return answer.json.is_null() ? "" : answer.body.substr(0, shown_bytes);
}

}  // namespace

std::variant<AgentAnswer, AgentFailure> ask_agent(const std::string& url, const std::string& method,
                                                  const std::string& path, const std::string& body) {
  const auto parts = parse_http_url(url);
  if (!parts) return AgentFailure{exit_configuration, "--url: " + parts.error().what};
  OutgoingRequest request;
  request.method = method;
  request.url = url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  request.body = body;
  if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  request.timeout = answer_within;
  request.max_body_bytes = max_answer_bytes;
  HttpClient client;
  HttpResult result = client.send(request);
  if (const auto* error = std::get_if<HttpError>(&result)) {
    return AgentFailure{exit_environment, why_not_reached(*error, url, answer_within), true};
  }
  auto& response = std::get<OutgoingResponse>(result);
  AgentAnswer answer{response.status, std::move(response.body), {}};
  if (auto json = JsonValue::parse(answer.body, {.max_bytes = max_answer_bytes, .max_depth = 32})) {
    answer.json = std::move(*json);
  }
  if (answer.status >= 200 && answer.status < 300) return answer;
  const std::string words = words_of(answer);
  const bool strange = answer.json.is_null();  // an agent's errors are JSON
  if (answer.status >= 400 && answer.status < 500 && !strange && !words.empty()) {  // it understood, and says what is wrong
    return AgentFailure{exit_environment, url_without_secrets(url) + ": " + words};
  }
  return AgentFailure{exit_environment, url_without_secrets(url) + " answered with status " +
                                            std::to_string(answer.status) + (words.empty() ? "" : ": " + words) +
                                            (strange ? "; is it sidewatch or a Prometheus?" : "")};
}

}  // namespace sidewatch
