// Number and duration texts by Go's rules, without a locale. See literals.h.
#include "metrics/promql/literals.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "metrics/promql/characters.h"

namespace sidewatch::promql {
namespace {

// A whole number below 2^63, with Go's prefixes: 0x hexadecimal, 0 octal.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const bool hexadecimal = text[1] == 'x' || text[1] == 'X';
    base = hexadecimal ? 16 : 8;
    text.remove_prefix(hexadecimal ? 2 : 1);
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// Whether a decimal that from_chars finds out of range is too large (rather than too close to zero).
bool is_overflow(std::string_view text) {
  const std::size_t exponent_at = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, exponent_at);
  if (mantissa.find_first_of("123456789") == std::string_view::npos) return false;
  if (exponent_at != std::string_view::npos) return text[exponent_at + 1] != '-';
  return mantissa.front() != '0' && mantissa.front() != '.';
}

struct Unit {
  std::string_view name;
  std::int64_t ms;
  bool spelled_only_exactly;  // 14 d are 2w, but 15 d stay 15d
};
constexpr std::array units = {
    Unit{"y", 31'536'000'000, true}, Unit{"w", 604'800'000, true}, Unit{"d", 86'400'000, false},
    Unit{"h", 3'600'000, false},     Unit{"m", 60'000, false},     Unit{"s", 1000, false},
    Unit{"ms", 1, false},
};
constexpr std::int64_t max_duration_ms = std::numeric_limits<std::int64_t>::max() / 1'000'000;  // Go counts nanoseconds

}  // namespace

Result<double> parse_number(std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "inf") return std::numeric_limits<double>::infinity();
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (const auto whole = parse_integer(text)) return static_cast<double>(*whole);

  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) {
    return Error{"error parsing number: " + quoted(text) + ": invalid syntax", ""};
  }
  if (parsed.ec == std::errc::result_out_of_range) {
    if (is_overflow(text)) return Error{"error parsing number: " + quoted(text) + ": value out of range", ""};
    return 0.0;
  }
  return value;
}

Result<Duration> parse_duration(std::string_view text) {
  const Error malformed{"not a valid duration string: " + quoted(text), ""};
  std::int64_t total_ms = 0;
  std::size_t unit_index = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::uint64_t count = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (parsed.ec == std::errc::invalid_argument) return malformed;
    rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789"));
    while (unit_index < units.size() && units[unit_index].name != name) ++unit_index;
    if (unit_index == units.size()) return malformed;
    const std::int64_t unit_ms = units[unit_index++].ms;
    rest.remove_prefix(name.size());
    if (parsed.ec == std::errc::result_out_of_range ||
        count > static_cast<std::uint64_t>((max_duration_ms - total_ms) / unit_ms)) {
      return Error{"duration out of range", ""};
    }
    total_ms += static_cast<std::int64_t>(count) * unit_ms;
  }
  if (total_ms == 0) return Error{"duration must be greater than 0", ""};
  return Duration(total_ms);
}

std::string number_to_string(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value) || size == 0 || (size >= 1e-4 && size < 1e6)) return number_without_exponent(value);
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return {buffer.data(), end.ptr};
}

std::string number_without_exponent(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                 std::chars_format::scientific);
  const std::string_view written(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = written.find('e');
  int exponent = 0;
  const std::size_t sign = written[e + 1] == '+' ? 1 : 0;  // from_chars takes no plus
  std::from_chars(written.data() + e + 1 + sign, end.ptr, exponent);
  std::string digits(written.substr(0, e));
  std::erase(digits, '.');
  const auto count = static_cast<int>(digits.size());
  if (exponent < 0) {
    digits = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  } else if (exponent + 1 >= count) {
    digits.append(static_cast<std::size_t>(exponent + 1 - count), '0');
  } else {
    digits.insert(static_cast<std::size_t>(exponent + 1), ".");
  }
  return (std::signbit(value) ? "-" : "") + digits;
}

std::string duration_to_string(Duration duration) {
  std::int64_t rest = duration.count();
  std::string out;
  for (const Unit& unit : units) {
    if (rest < unit.ms || (unit.spelled_only_exactly && rest % unit.ms != 0)) continue;
    out.append(std::to_string(rest / unit.ms)).append(unit.name);
    rest %= unit.ms;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace sidewatch::promql
