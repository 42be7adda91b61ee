// humanize and its kin, as Prometheus defines them (template/template.go).

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "alerting/template/functions.h"
#include "alerting/template/printf.h"
#include "config/literals.h"

namespace sidewatch {
namespace {

std::string four_digits(double value) {
  const TemplateValue number{value};
  return print_formatted("%.4g", {&number, 1});
}

constexpr std::array<std::string_view, 8> small_prefixes = {"m", "u", "n", "p", "f", "a", "z", "y"};

// Below 1: 0.0021 is 2.1m.
std::string with_small_prefix(double value, std::string_view unit) {
  std::string_view prefix;
  for (const auto candidate : small_prefixes) {
    if (std::abs(value) >= 1) break;
    prefix = candidate;
    value *= 1000;
  }
  return four_digits(value) + std::string(prefix) + std::string(unit);
}

std::string with_large_prefix(double value, double step, std::span<const std::string_view> prefixes) {
  std::string_view prefix;
  for (const auto candidate : prefixes) {
    if (std::abs(value) < step) break;
    prefix = candidate;
    value /= step;
  }
  return four_digits(value) + std::string(prefix);
}

std::string humanize(double value) {
  static constexpr std::array<std::string_view, 8> prefixes = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  if (value == 0 || !std::isfinite(value)) return four_digits(value);
  return std::abs(value) >= 1 ? with_large_prefix(value, 1000, prefixes) : with_small_prefix(value, "");
}

std::string humanize1024(double value) {
  static constexpr std::array<std::string_view, 8> prefixes = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
  if (std::abs(value) <= 1 || !std::isfinite(value)) return four_digits(value);
  return with_large_prefix(value, 1024, prefixes);
}

std::string humanize_duration(double value) {
  constexpr double most = 9e15;  // beyond it, a day more or less cannot be told
  if (!std::isfinite(value) || std::abs(value) > most) return four_digits(value);
  if (value == 0) return "0s";
  if (std::abs(value) < 1) return with_small_prefix(value, "s");
  const std::string sign = value < 0 ? "-" : "";
  const auto whole = static_cast<std::int64_t>(std::abs(value));
  const auto part = [](std::int64_t count, const char* unit) { return std::to_string(count) + unit; };
  const std::string seconds = part(whole % 60, "s");
  const std::string minutes = part(whole / 60 % 60, "m ") + seconds;
  const std::string hours = part(whole / 3600 % 24, "h ") + minutes;
  if (whole >= 86400) return sign + part(whole / 86400, "d ") + hours;
  if (whole >= 3600) return sign + hours;
  if (whole >= 60) return sign + minutes;
  return sign + four_digits(std::abs(value)) + "s";
}

std::string humanize_percentage(double value) { return four_digits(value * 100) + "%"; }

template <std::string (*Function)(double)>
TemplateValue of_number(const TemplateCall& call) { return {Function(number_argument(call, 0))}; }

TemplateTime time_of(double seconds) {
  const double nanoseconds = seconds * 1e9;
  if (!(std::abs(nanoseconds) < 9223372036854775807.0)) {
    throw TemplateFailure{number_as_go(seconds) +
                          " cannot be represented as a nanoseconds timestamp since it overflows int64"};
  }
  return {WallTime(Duration(static_cast<std::int64_t>(nanoseconds) / 1'000'000))};
}

TemplateValue humanize_timestamp(const TemplateCall& call) {
  const double seconds = number_argument(call, 0);
  if (!std::isfinite(seconds)) return {four_digits(seconds)};
  return {to_text({time_of(seconds)}, NumberStyle::as_go)};
}

TemplateValue to_time(const TemplateCall& call) {
  const double seconds = number_argument(call, 0);
  if (!std::isfinite(seconds)) throw TemplateFailure{"value is NaN or Inf"};
  return {time_of(seconds)};
}

TemplateValue parse_duration(const TemplateCall& call) {
  const std::string& text = text_argument(call, 0);
  const auto duration = config::parse_duration(text);
  if (!duration) throw TemplateFailure{"not a valid duration string: \"" + text + "\""};
  return {to_seconds(*duration)};
}

constexpr std::array<TemplateFunction, 7> functions = {{
    {"humanize", 1, 1, of_number<humanize>},
    {"humanize1024", 1, 1, of_number<humanize1024>},
    {"humanizeDuration", 1, 1, of_number<humanize_duration>},
    {"humanizePercentage", 1, 1, of_number<humanize_percentage>},
    {"humanizeTimestamp", 1, 1, humanize_timestamp},
    {"parseDuration", 1, 1, parse_duration},
    {"toTime", 1, 1, to_time},
}};

}  // namespace

std::span<const TemplateFunction> number_template_functions() { return functions; }

}  // namespace sidewatch
