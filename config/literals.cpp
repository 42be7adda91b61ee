// Each strict reader stands beside a lenient one that understands what people write instead; what only the lenient one
// takes is refused with the strict spelling of it.
#include "config/literals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "config/wording.h"

namespace sidewatch::config {
namespace {

constexpr std::int64_t max_duration_ms = std::int64_t{100} * 365 * 24 * 3600 * 1000;

struct DurationUnit {
  std::string_view name;
  std::int64_t ms;
  std::string_view longer;  // how else people write it, separated by spaces
};
constexpr std::array duration_units = {
    DurationUnit{"y", 365LL * 86'400'000, " year years yr "},
    DurationUnit{"w", 7LL * 86'400'000, " week weeks "},
    DurationUnit{"d", 86'400'000, " day days "},
    DurationUnit{"h", 3'600'000, " hour hours hr hrs H "},
    DurationUnit{"m", 60'000, " minute minutes min mins M "},
    DurationUnit{"s", 1000, " second seconds sec secs S "},
    DurationUnit{"ms", 1, " millisecond milliseconds msec millis MS "},
};

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
// Largest first.
constexpr std::array size_units = {
    SizeUnit{"TiB", 1ULL << 40},     SizeUnit{"TB", 1'000'000'000'000}, SizeUnit{"GiB", 1ULL << 30},
    SizeUnit{"GB", 1'000'000'000},   SizeUnit{"MiB", 1ULL << 20},       SizeUnit{"MB", 1'000'000},
    SizeUnit{"KiB", 1ULL << 10},     SizeUnit{"KB", 1000},              SizeUnit{"B", 1},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  std::size_t length = 0;
  while (length < text.size() && wanted(text[length])) ++length;
  const auto taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}
std::string_view take_spaces(std::string_view& text) {
  return take_while(text, [](char c) { return c == ' '; });
}

template <class Number>
std::optional<Number> digits_to(std::string_view digits) {
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

Error refuse(std::string_view text, const std::string& why) { return Error{quote(text) + why, ""}; }

std::string without_leading_zeros(std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  return std::string(first == std::string_view::npos ? "0" : digits.substr(first));
}

// --- durations ---

struct DurationPart {
  std::int64_t count = 0;
  std::size_t unit = duration_units.size();  // none
  bool strict = true;                        // written as it should be
};

std::size_t find_duration_unit(std::string_view name, bool& strict) {
  for (std::size_t i = 0; i < duration_units.size(); ++i) {
    if (duration_units[i].name == name) return i;
  }
  strict = false;
  for (std::size_t i = 0; i < duration_units.size(); ++i) {
    if (duration_units[i].longer.find(" " + std::string(name) + " ") != std::string_view::npos) return i;
  }
  return duration_units.size();
}

// The parts of what looks like a duration, or nothing. Only the last part may lack its unit.
std::optional<std::vector<DurationPart>> duration_parts(std::string_view text) {
  std::vector<DurationPart> parts;
  while (!text.empty()) {
    DurationPart part;
    const auto before = take_spaces(text);
    const auto digits = take_while(text, is_digit);
    const auto between = take_spaces(text);
    const auto name = take_while(text, is_letter);
    if (digits.empty()) return std::nullopt;
    const auto count = digits_to<std::int64_t>(digits);
    part.count = count ? *count : max_duration_ms + 1;
    part.strict = before.empty() && between.empty();
    if (!name.empty()) {
      part.unit = find_duration_unit(name, part.strict);
      if (part.unit == duration_units.size()) return std::nullopt;
    } else if (!text.empty()) {
      return std::nullopt;
    }
    parts.push_back(part);
  }
  return parts;
}

// Milliseconds, or nothing when it is longer than any duration may be.
std::optional<std::int64_t> total_ms(const std::vector<DurationPart>& parts) {
  std::int64_t total = 0;
  for (const auto& part : parts) {
    const std::int64_t unit_ms = duration_units[part.unit].ms;
    if (part.count > (max_duration_ms - total) / unit_ms) return std::nullopt;
    total += part.count * unit_ms;
  }
  return total;
}

std::string spell(const std::vector<DurationPart>& parts) {
  std::string text;
  for (const auto& part : parts) text += std::to_string(part.count) + std::string(duration_units[part.unit].name);
  return text;
}

Error lacks_unit(std::string_view text, std::vector<DurationPart> parts) {
  auto& last = parts.back();
  if (parts.size() == 1) {
    return refuse(text, " lacks a unit, write " + std::to_string(last.count) + "s (or ms, m, h, d)");
  }
  last.unit = std::min(parts[parts.size() - 2].unit + 1, duration_units.size() - 1);
  return refuse(text, " lacks a unit at its end, write " + spell(parts));
}

// --- sizes ---

// The units that `name` may have been meant as: "M" is MB or MiB, "gb" is GB.
std::vector<const SizeUnit*> meant_units(std::string_view name) {
  std::vector<const SizeUnit*> meant;
  for (const auto& unit : size_units) {
    const bool short_form = name.size() == 1 && !same_letters(unit.name, "B") && lower(unit.name[0]) == lower(name[0]);
    const bool no_b = name.size() == 2 && unit.name.size() == 3 && same_letters(unit.name.substr(0, 2), name);
    if (same_letters(unit.name, name) || short_form || no_b) meant.push_back(&unit);
  }
  return meant;
}

// "1.5" of GiB as "1536MiB" when it is a whole number of the next smaller unit.
std::optional<std::string> whole_size(double number, const SizeUnit& unit) {
  const bool binary = unit.name.size() == 3;
  const double step = binary ? 1024 : 1000;
  for (const auto& smaller : size_units) {
    const bool same_family = (smaller.name.size() == 3) == binary || smaller.name == "B";
    if (!same_family || static_cast<double>(smaller.bytes) * step != static_cast<double>(unit.bytes)) continue;
    const double count = number * step;
    if (count == std::floor(count) && count < 1e15) {
      return std::to_string(static_cast<std::int64_t>(count)) + std::string(smaller.name);
    }
  }
  return std::nullopt;
}

const char* const size_examples = " is not a size, write for example 512MiB, 10KB or 1GiB";

// Why `text`, which is not strictly a size, is refused.
Error explain_size(std::string_view text) {
  std::string_view rest = text;
  const auto digits = take_while(rest, is_digit);
  std::string_view fraction;
  if (rest.starts_with(".")) {
    rest.remove_prefix(1);
    fraction = take_while(rest, is_digit);
    if (fraction.empty()) return refuse(text, size_examples);
  }
  take_spaces(rest);
  const auto name = take_while(rest, is_letter);
  if (digits.empty() || !rest.empty()) return refuse(text, size_examples);
  if (name.empty()) {
    if (!fraction.empty()) return refuse(text, size_examples);
    return refuse(text, " lacks a unit, write " + without_leading_zeros(digits) + "B (or KiB, MiB, GiB, KB, MB, GB)");
  }
  const auto meant = meant_units(name);
  if (meant.empty()) return refuse(text, size_examples);
  std::string advice;
  for (const auto* unit : meant) {
    std::optional<std::string> spelled = without_leading_zeros(digits) + std::string(unit->name);
    if (!fraction.empty()) {
      const auto number = digits_to<double>(std::string(digits) + "." + std::string(fraction));
      spelled = number ? whole_size(*number, *unit) : std::nullopt;
    }
    if (spelled) advice += (advice.empty() ? "" : " or ") + *spelled;
  }
  return refuse(text, advice.empty() ? size_examples : " is not a size, write " + advice);
}

// --- numbers ---

bool is_json_number(std::string_view text) {
  if (text.starts_with("-")) text.remove_prefix(1);
  const auto whole = take_while(text, is_digit);
  if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return false;
  if (text.starts_with(".")) {
    text.remove_prefix(1);
    if (take_while(text, is_digit).empty()) return false;
  }
  if (text.starts_with("e") || text.starts_with("E")) {
    text.remove_prefix(1);
    if (text.starts_with("+") || text.starts_with("-")) text.remove_prefix(1);
    if (take_while(text, is_digit).empty()) return false;
  }
  return text.empty();
}

// Why what is not a number is refused, for the mistakes that whole and other numbers share.
std::optional<Error> common_number_mistake(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with("-");
  if (negative || rest.starts_with("+")) rest.remove_prefix(1);
  std::string plain;
  for (const char c : rest) {
    if (c != '_' && c != ' ') plain += c;
  }
  const bool all_digits = !plain.empty() && std::all_of(plain.begin(), plain.end(), is_digit);
  if (!all_digits) return std::nullopt;
  const std::string advice = (negative ? "-" : "") + without_leading_zeros(plain);
  if (plain.size() != rest.size()) return refuse(text, " is not a number, write " + advice);
  if (text.starts_with("+")) return refuse(text, " starts with a plus sign, write " + advice);
  if (plain.size() > 1 && plain[0] == '0') return refuse(text, " starts with a zero, write " + advice);
  return std::nullopt;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return Error{"expected a duration like 30s, got an empty text", ""};
  if (text[0] == '-') return refuse(text, " is negative, a duration is zero or more");
  const auto parts = duration_parts(text);
  if (!parts) return refuse(text, " is not a duration, write for example 30s, 5m or 1h30m");
  if (parts->back().unit == duration_units.size()) return lacks_unit(text, *parts);
  const auto total = total_ms(*parts);
  if (!total) return refuse(text, " is longer than 100 years");
  const auto ordered = [](const DurationPart& a, const DurationPart& b) { return a.unit >= b.unit; };
  if (std::adjacent_find(parts->begin(), parts->end(), ordered) != parts->end()) {
    return refuse(text, " is not a duration: units go from large to small, each once, write " +
                            write_duration(Duration(*total)));
  }
  if (!std::all_of(parts->begin(), parts->end(), [](const DurationPart& part) { return part.strict; })) {
    return refuse(text, " is not a duration, write " + spell(*parts));
  }
  return Duration(*total);
}

Result<Bytes> parse_size(std::string_view text) {
  if (text == "0") return Bytes{0};
  if (text.empty()) return Error{"expected a size like 512MiB, got an empty text", ""};
  std::string_view name = text;
  const auto digits = take_while(name, is_digit);
  const auto unit = std::find_if(size_units.begin(), size_units.end(),
                                 [&](const SizeUnit& candidate) { return candidate.name == name; });
  if (unit == size_units.end() || digits.empty()) return explain_size(text);
  const auto count = digits_to<std::uint64_t>(digits);
  // Within what a signed count of bytes can hold, as file sizes are.
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!count || *count > most / unit->bytes) return refuse(text, " is too large for a size");
  return Bytes{*count * unit->bytes};
}

Result<double> parse_percent(std::string_view text) {
  std::string_view number = text;
  if (!number.ends_with("%")) return refuse(text, " is not a percentage, write for example 90%");
  number.remove_suffix(1);
  if (number.ends_with(" ")) return refuse(text, ": no space before the %");
  if (!is_json_number(number)) return refuse(text, " is not a percentage, write for example 90%");
  const auto value = digits_to<double>(number);
  if (!value || *value < 0 || *value > 100) return refuse(text, " is not between 0% and 100%");
  return *value;
}

Result<std::int64_t> parse_integer(std::string_view text) {
  if (text.empty()) return Error{"expected a whole number, got an empty text", ""};
  if (const auto mistake = common_number_mistake(text)) return *mistake;
  std::string_view digits = text;
  if (digits.starts_with("-")) digits.remove_prefix(1);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return refuse(text, " is not a whole number");
  }
  const auto number = digits_to<std::int64_t>(text);
  if (!number) return refuse(text, " is too large for a whole number");
  return *number;
}

Result<double> parse_number(std::string_view text) {
  if (text.empty()) return Error{"expected a number, got an empty text", ""};
  if (const auto mistake = common_number_mistake(text)) return *mistake;
  if (!is_json_number(text)) {
    if (text.ends_with(".")) return refuse(text, " is not a number, write a digit after the point");
    if (text.starts_with(".") && is_json_number("0" + std::string(text))) {
      return refuse(text, " is not a number, write 0" + std::string(text));
    }
    if (text.find(',') != std::string_view::npos) return refuse(text, " is not a number, write the decimal point as .");
    return refuse(text, " is not a number");
  }
  const auto number = digits_to<double>(text);
  if (!number || !std::isfinite(*number)) return refuse(text, " is too large or too small for a number");
  return *number;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  for (const auto* word : {"true", "yes", "on", "y"}) {
    if (same_letters(text, word)) return refuse(text, " is not true or false, write true");
  }
  for (const auto* word : {"false", "no", "off", "n"}) {
    if (same_letters(text, word)) return refuse(text, " is not true or false, write false");
  }
  return refuse(text, " is not true or false");
}

std::string write_duration(Duration duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text = rest < 0 ? "-" : "";
  rest = rest < 0 ? -rest : rest;
  for (const auto& unit : duration_units) {
    const bool calendar = unit.name == "y" || unit.name == "w";  // 7d says more than 1w, 365d than 1y
    if (calendar || rest < unit.ms) continue;
    text += std::to_string(rest / unit.ms) + std::string(unit.name);
    rest %= unit.ms;
  }
  return text;
}

std::string write_size(Bytes bytes) {
  if (bytes.count == 0) return "0";
  for (const auto& unit : size_units) {
    if (bytes.count % unit.bytes == 0) return std::to_string(bytes.count / unit.bytes) + std::string(unit.name);
  }
  return std::to_string(bytes.count) + "B";
}

std::string write_number(double number) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  return error == std::errc{} ? std::string(text, end) : std::string("0");
}

}  // namespace sidewatch::config
