#include "alerting/receivers/http_outcome.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration slow_retry = 5min;  // for what only a person can mend
constexpr double longest_seconds = 1e9;
constexpr std::size_t shown_body_bytes = 200;

std::string shown_body(const OutgoingResponse& response) {
  std::string text = response.body.substr(0, shown_body_bytes);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const std::size_t end = text.find_last_not_of(' ');
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text.empty() ? text : ": " + text;
}

std::optional<Duration> from_seconds(double seconds) {
  if (!(seconds >= 0)) return std::nullopt;  // negative or NaN
  return Duration(static_cast<Duration::rep>(std::min(seconds, longest_seconds) * 1000));
}

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that RFC 9110 lets a server send. No locale is asked.
std::optional<WallTime> http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  if (text[19] != ':' || text[22] != ':') return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  const auto day = digits(text.substr(5, 2));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch()) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

// Seconds, also with a fraction as some send them, or a date.
std::optional<Duration> asked_in_header(std::string_view header, WallTime wall) {
  if (header.empty()) return std::nullopt;
  if (header.find_first_not_of("0123456789.") == std::string_view::npos) {
    double seconds = 0;
    const auto [end, problem] = std::from_chars(header.data(), header.data() + header.size(), seconds);
    if (problem == std::errc::result_out_of_range) return from_seconds(longest_seconds);
    if (problem != std::errc() || end != header.data() + header.size()) return std::nullopt;
    return from_seconds(seconds);
  }
  const auto date = http_date(header);
  if (!date || *date < wall) return std::nullopt;
  return *date - wall;
}

// Discord's {"retry_after": 0.376}, Telegram's {"parameters": {"retry_after": 4}}.
std::optional<Duration> asked_in_body(const std::string& text) {
  const auto body = JsonValue::parse(text);
  if (!body) return std::nullopt;
  const auto& field = body->has("retry_after") ? (*body)["retry_after"] : (*body)["parameters"]["retry_after"];
  return from_seconds(field.number_or(-1));
}

Attempt judge_response(const OutgoingResponse& response, WallTime wall) {
  const int status = response.status;
  const std::string said = "HTTP " + std::to_string(status);
  if (status >= 200 && status < 300) return Delivered{};
  if (status >= 300 && status < 400) {
    const auto location = response.header("Location");
    return RetryLater{said + ", redirect not followed to " +
                          (location.find("://") == std::string_view::npos ? "(a path)" : url_without_secrets(location)),
                      slow_retry, true, true};
  }
  const auto asked = retry_after(response, wall);
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 410:  // the address is at fault and not the message, which is good for the next address
    case 407:
      return RetryLater{said + shown_body(response), std::max(slow_retry, asked.value_or(slow_retry)), true, true};
    case 408:
    case 425: return RetryLater{said, asked, false, false};
    case 429: return RetryLater{said + " (too many requests)", asked, true, false};
    case 503: return RetryLater{said, asked, asked.has_value(), false};
    default: break;
  }
  if (status >= 400 && status < 500) return Rejected{said + shown_body(response)};
  return RetryLater{said, asked, false, false};  // 5xx, and numbers that mean nothing
}

Attempt judge_error(const HttpError& error) {
  switch (error.kind) {
    case HttpFailure::bad_request:
    case HttpFailure::address_refused: return RetryLater{error.what, slow_retry, true, true};
    case HttpFailure::resolve:
    case HttpFailure::connect:
    case HttpFailure::tls: return RetryLater{error.what, std::nullopt, true, false};
    case HttpFailure::interrupted:
    case HttpFailure::timeout:
    case HttpFailure::too_large:
    case HttpFailure::network: break;
  }
  return RetryLater{error.what, std::nullopt, false, false};
}

}  // namespace

Attempt judge(const HttpResult& result, WallTime wall) {
  if (const auto* error = std::get_if<HttpError>(&result)) return judge_error(*error);
  return judge_response(std::get<OutgoingResponse>(result), wall);
}

Attempt unless_web_page(const OutgoingResponse& response, Attempt usual, std::string_view service,
                        std::string_view key) {
  const std::size_t first = response.body.find_first_not_of(" \t\r\n");
  const bool page = first != std::string::npos && response.body[first] == '<';
  if (!page || !std::holds_alternative<Delivered>(usual)) return usual;
  return RetryLater{"HTTP " + std::to_string(response.status) + " with a web page, and not as " + std::string(service) +
                        " answers: is " + std::string(key) + " right, or is there something between?",
                    slow_retry, true, false};
}

std::optional<Duration> retry_after(const OutgoingResponse& response, WallTime wall) {
  const auto header = asked_in_header(response.header("Retry-After"), wall);
  if (response.status != 429) return header;
  const auto body = asked_in_body(response.body);
  return header && body ? std::max(*header, *body) : header ? header : body;
}

}  // namespace sidewatch
