#include "agent/api/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <variant>

#include "metrics/promql/ast.h"
#include "metrics/promql/characters.h"
#include "metrics/promql/grammar.h"
#include "metrics/promql/lexer.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/parser.h"

namespace sidewatch {
namespace {

using promql::TokenKind;

constexpr std::size_t max_selectors = 1000;  // match[] of one request

// A finite decimal number, whole text.
std::optional<double> decimal(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

WallTime clamped(double seconds) {
  const double ms = std::round(seconds * 1000);
  if (ms >= static_cast<double>(latest_wall.time_since_epoch().count())) return latest_wall;
  if (ms <= static_cast<double>(earliest_wall.time_since_epoch().count())) return earliest_wall;
  return WallTime(Duration(static_cast<std::int64_t>(ms)));
}

// As Go's Prometheus client writes "since ever" and "for ever".
std::optional<WallTime> boundary(std::string_view text) {
  if (text == "-292273086-05-16T16:47:06Z") return earliest_wall;
  if (text == "292277025-08-18T07:12:54.999999999Z") return latest_wall;
  return std::nullopt;
}

Error parse_failure(std::string what, std::string_view text, std::size_t offset) {
  return Error{std::move(what), promql::line_and_column(text, offset)};
}

const promql::VectorSelector* bare_selector(const promql::Node& node) {
  const auto* selector = std::get_if<promql::VectorSelector>(&node.kind);
  return selector && selector->shift.offset == Duration(0) && !selector->shift.at ? selector : nullptr;
}

// The first token that does not belong to a selector at the beginning of the text.
promql::Token behind_selector(std::string_view text) {
  promql::Lexer lexer(text);
  promql::Token token = lexer.next();
  if (promql::may_name_a_metric(token.kind)) token = lexer.next();
  if (token.kind != TokenKind::left_brace) return token;
  while (token.kind != TokenKind::right_brace && token.kind != TokenKind::end && token.kind != TokenKind::error) {
    token = lexer.next();
  }
  return token.kind == TokenKind::right_brace ? lexer.next() : token;
}

// Why a text that may be a fine expression is no selector.
Error selector_failure(std::string_view text, const Result<promql::NodePointer>& parsed) {
  const promql::Token culprit = behind_selector(text);
  const bool lexical = culprit.kind == TokenKind::error;
  const auto before = promql::parse_expression(text.substr(0, culprit.offset));
  const bool selector_is_well = culprit.offset == 0 || (before && bare_selector(**before));
  if (selector_is_well && !lexical) return parse_failure("unexpected " + culprit.describe(), text, culprit.offset);
  return parsed ? parse_failure("unexpected " + culprit.describe(), text, culprit.offset) : parsed.error();
}

bool excludes_something(const Matchers& matchers) {
  return std::any_of(matchers.begin(), matchers.end(), [](const Matcher& matcher) { return !matcher.matches(""); });
}

}  // namespace

Result<WallTime> parse_api_time(std::string_view text) {
  if (const auto seconds = decimal(text)) return clamped(*seconds);
  if (const auto time = from_rfc3339(text)) return *time;
  if (const auto time = boundary(text)) return *time;
  return Error{"cannot parse " + promql::quoted(text) + " to a valid timestamp", ""};
}

Result<Duration> parse_api_duration(std::string_view text) {
  if (const auto seconds = decimal(text)) {
    if (std::abs(*seconds) > 9.2e9) {
      return Error{"cannot parse " + promql::quoted(text) + " to a valid duration. It overflows int64", ""};
    }
    return Duration(static_cast<std::int64_t>(*seconds * 1000));
  }
  if (const auto duration = promql::parse_duration(text)) return *duration;
  return Error{"cannot parse " + promql::quoted(text) + " to a valid duration", ""};
}

ApiError invalid_parameter(std::string_view name, std::string_view why) {
  return {ApiErrorKind::bad_data, "invalid parameter " + promql::quoted(name) + ": " + std::string(why)};
}

WallTime required_time(const HttpRequest& request, std::string_view name) {
  const auto time = parse_api_time(request.param(name).value_or(""));
  if (!time) throw invalid_parameter(name, time.error().what);
  return *time;
}

WallTime time_or(const HttpRequest& request, std::string_view name, WallTime otherwise) {
  const auto text = request.param(name).value_or("");
  if (text.empty()) return otherwise;
  const auto time = parse_api_time(text);
  if (!time) {
    throw invalid_parameter(name, "Invalid time value for '" + std::string(name) + "': " + time.error().what);
  }
  return *time;
}

std::optional<std::int64_t> number_param(const HttpRequest& request, std::string_view name) {
  const auto text = request.param(name).value_or("");
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    throw ApiError{ApiErrorKind::bad_data, std::string(name) + " must be a number"};
  }
  return value;
}

Result<Matchers> parse_selector(const std::string& text) {
  const auto parsed = promql::parse_expression(text);
  if (parsed) {
    if (const auto* selector = bare_selector(**parsed)) return selector->matchers;
  }
  return Error{promql::parse_error_text(selector_failure(text, parsed)), ""};
}

std::vector<std::string> match_params(const HttpRequest& request, std::string_view prefix) {
  const auto texts = request.param_values("match[]");
  if (texts.size() > max_selectors) {
    throw ApiError{ApiErrorKind::bad_data, "more than " + std::to_string(max_selectors) + " match[] parameters"};
  }
  for (const auto& text : texts) {
    const auto matchers = parse_selector(text);
    if (!matchers) throw ApiError{ApiErrorKind::bad_data, std::string(prefix) + matchers.error().what};
    if (!excludes_something(*matchers)) {
      throw ApiError{ApiErrorKind::bad_data,
                     std::string(prefix) + "match[] must contain at least one non-empty matcher"};
    }
  }
  return texts;
}

}  // namespace sidewatch
