#include "agent/query/answer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

#include "agent/http/query.h"
#include "base/json.h"
#include "metrics/promql/literals.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Kind = QueryFailure::Kind;

constexpr Duration answer_within = 60s;
constexpr std::size_t max_shown = 200;  // bytes of an answer that is none

std::string seconds_text(Time time) {
  const std::int64_t ms = to_ms(time);
  std::string text = std::to_string(std::abs(ms / 1000)) + "." + std::to_string(1000 + std::abs(ms % 1000)).substr(1);
  return ms < 0 ? "-" + text : text;
}

OutgoingRequest http_request(const std::string& url, const QueryRequest& request, Time at) {
  OutgoingRequest post;
  post.method = "POST";
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  post.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  post.timeout = answer_within;
  post.max_body_bytes = max_api_answer_bytes;
  post.body = "query=" + encode_query(request.expression);
  if (!request.range) {
    post.url = base + "/api/v1/query";
    post.body += "&time=" + seconds_text(at);
    return post;
  }
  post.url = base + "/api/v1/query_range";
  post.body += "&start=" + seconds_text(at - *request.range) + "&end=" + seconds_text(at) +
               "&step=" + seconds_text(Time(request.step));
  return post;
}

// `invalid parameter "query": 1:14: parse error: unexpected end of input` has a place and a sentence.
QueryFailure expression_failure(std::string_view text) {
  constexpr std::string_view mark = ": parse error: ";
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {Kind::expression, std::string(text)};
  std::string_view place = text.substr(0, at);
  const std::size_t space = place.rfind(' ');
  if (space != std::string_view::npos) place.remove_prefix(space + 1);
  return {Kind::expression, std::string(text.substr(at + mark.size())), std::string(place)};
}

QueryFailure api_failure(const JsonValue& answer) {
  const std::string_view kind = answer["errorType"].text_or("");
  const std::string_view text = answer["error"].text_or("no reason given");
  if (kind == "bad_data") return expression_failure(text);
  if (kind == "execution") return {Kind::evaluation, std::string(text)};
  return {Kind::environment, std::string(kind) + ": " + std::string(text)};
}

double value_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "Inf") return negative ? -HUGE_VAL : HUGE_VAL;
  double value = std::nan("");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return negative ? -value : value;
}

Point point_of(const JsonValue& pair) {
  const auto& items = pair.items();
  if (items.size() != 2) return {Time(), std::nan("")};
  const double ms = std::round(items[0].number_or(0) * 1000);
  return {time_at_ms(static_cast<std::int64_t>(ms)), value_of(items[1].text_or(""))};
}

promql::Series series_of(const JsonValue& result) {
  promql::Series series;
  const JsonValue& metric = result["metric"];
  std::vector<Label> labels;
  for (std::size_t i = 0; i < metric.names().size(); ++i) {
    labels.push_back({metric.names()[i], std::string(metric.items()[i].text_or(""))});
  }
  series.labels = Labels(std::move(labels));
  if (result.has("value")) series.points.push_back(point_of(result["value"]));
  for (const JsonValue& pair : result["values"].items()) series.points.push_back(point_of(pair));
  return series;
}

bool read_result(const JsonValue& data, QueryAnswer& answer) {
  const std::string_view type = data["resultType"].text_or("");
  const JsonValue& result = data["result"];
  if (type == "string") {
    answer.type = promql::ValueType::string;
    if (result.items().size() == 2) answer.text = std::string(result.items()[1].text_or(""));
    return true;
  }
  if (type == "scalar") {
    answer.type = promql::ValueType::scalar;
    answer.series.push_back({Labels(), {point_of(result)}});
    return true;
  }
  if (type != "vector" && type != "matrix") return false;
  answer.type = type == "vector" ? promql::ValueType::vector : promql::ValueType::matrix;
  for (const JsonValue& entry : result.items()) answer.series.push_back(series_of(entry));
  return true;
}

}  // namespace

std::string why_not_reached(const HttpError& error, const std::string& url, Duration patience) {
  std::string shown = url_without_secrets(url);
  if (shown.ends_with("/...")) shown.resize(shown.size() - 4);
  switch (error.kind) {
    case HttpFailure::connect:
      return "cannot connect to " + shown + ": is sidewatch running there? (--url says where to ask)";
    case HttpFailure::resolve: return error.what + " (--url says where to ask)";
    case HttpFailure::timeout: return "no answer from " + shown + " within " + to_words(patience);
    default: return error.what;
  }
}

QueryOutcome ask_agent(const std::string& url, const QueryRequest& request, Time now) {
  const auto parts = parse_http_url(url);
  if (!parts) return QueryFailure{Kind::environment, "--url: " + parts.error().what};
  const Time at = request.at.value_or(now);
  HttpClient client;
  const HttpResult result = client.send(http_request(url, request, at));
  if (const auto* error = std::get_if<HttpError>(&result)) return QueryFailure{Kind::environment, why_not_reached(*error, url, answer_within)};
  const auto& response = std::get<OutgoingResponse>(result);
  const bool json = response.header("Content-Type").starts_with("application/json");
  if (!json) {
    const bool text = response.header("Content-Type").starts_with("text/plain");
    const std::string said = text ? " (" + response.body.substr(0, std::min(response.body.find('\n'), max_shown)) + ")" : "";
    return QueryFailure{Kind::environment, url_without_secrets(url) + " answered with status " +
                                               std::to_string(response.status) + said +
                                               ", but not to the query; is it sidewatch or a Prometheus?"};
  }
  return read_api_answer(response.body, at, url);
}

QueryOutcome read_api_answer(std::string_view body, Time at, const std::string& url) {
  const auto parsed = JsonValue::parse(body, {.max_bytes = max_api_answer_bytes, .max_depth = 16});
  QueryAnswer answer;
  answer.at = at;
  if (parsed && (*parsed)["status"].text_or("") == "error") return api_failure(*parsed);
  if (!parsed || !read_result((*parsed)["data"], answer)) {
    return QueryFailure{Kind::environment, url_without_secrets(url) + " answered something that is no query result"};
  }
  for (const char* kind : {"warnings", "infos"}) {
    for (const auto& warning : (*parsed)[kind].items()) answer.warnings.emplace_back(warning.text_or(""));
  }
  return answer;
}

}  // namespace sidewatch
