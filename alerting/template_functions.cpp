// What template functions do; see the header. Formats follow Go's fmt, where %g and C's agree.

#include "alerting/template_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace sidewatch {
namespace {

constexpr std::size_t max_printf_digits = 3;  // of a width or precision: "%100.20f" is the widest idea one may have

std::string special(double value) { return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"; }

std::string format_number(const std::string& format, double value) {
  std::array<char, 1500> buffer{};  // 309 digits before the point, at most 999 behind it
  const int length = std::snprintf(buffer.data(), buffer.size(), format.c_str(), value);
  const auto most = buffer.size() - 1;
  return {buffer.data(), length < 0 ? 0 : std::min(static_cast<std::size_t>(length), most)};
}

// Go's %.4g.
std::string four_digits(double value) { return std::isfinite(value) ? format_number("%.4g", value) : special(value); }

std::optional<double> number_in(const TemplateValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  const std::string& text = std::get<std::string>(value);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
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
TemplateValue of_number(std::span<const TemplateValue> arguments) {
  const auto number = number_in(arguments[0]);
  return number ? TemplateValue(Function(*number)) : arguments[0];
}

template <char From, char To>
TemplateValue shift_case(std::span<const TemplateValue> arguments) {
  std::string text = to_text(arguments[0]);
  for (char& c : text) {
    if (c >= From && c <= From + 25) c = static_cast<char>(c - From + To);
  }
  return text;
}

// One piece of a printf format: literal text, or a verb with its flags.
struct Piece {
  std::string text;  // literal text, or "%-8.2"
  char verb = 0;     // 0: literal
};

constexpr std::string_view number_verbs = "feEgG";
constexpr std::string_view text_verbs = "vsq";

std::vector<Piece> split_format(std::string_view format) {
  std::vector<Piece> pieces(1);
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      pieces.back().text += format[i];
      continue;
    }
    const std::size_t verb = std::min(format.find_first_not_of("+- 0#.123456789", i + 1), format.size());
    if (verb < format.size() && format[verb] == '%' && verb == i + 1) {
      pieces.back().text += '%';
    } else {
      const char which = verb < format.size() ? format[verb] : '?';
      pieces.push_back({std::string(format.substr(i, verb - i)), which});
      pieces.emplace_back();
    }
    i = verb;
  }
  return pieces;
}

// "%-8.2": flags, a width, a precision. Whatever else a person wrote between '%' and the verb must not reach snprintf.
bool well_formed(std::string_view format) {
  std::size_t at = 1;
  const auto skip = [&](std::string_view set, std::size_t most) {
    std::size_t count = 0;
    while (at < format.size() && set.find(format[at]) != std::string_view::npos) ++at, ++count;
    return count <= most;
  };
  constexpr std::string_view digits = "0123456789";
  if (!skip("+- 0#", 5) || !skip(digits, max_printf_digits)) return false;
  if (at < format.size() && format[at] == '.') {
    ++at;
    if (!skip(digits, max_printf_digits)) return false;
  }
  return at == format.size();
}

std::string pad(std::string text, const std::string& flags) {
  const bool left = flags.find('-') != std::string::npos;
  const auto start = flags.find_first_of("123456789");
  const auto point = flags.find('.');
  if (start == std::string::npos || start > point) return text;
  std::size_t width = 0;
  std::from_chars(flags.data() + start, flags.data() + flags.size(), width);
  if (text.size() >= width) return text;
  const std::string space(width - text.size(), ' ');
  return left ? text + space : space + text;
}

std::string print(const Piece& piece, const TemplateValue& value) {
  if (piece.verb == 'q') return pad('"' + to_text(value) + '"', piece.text);
  const auto number = number_in(value);
  if (text_verbs.find(piece.verb) != std::string_view::npos || !number) return pad(to_text(value), piece.text);
  if (!std::isfinite(*number)) return pad(special(*number), piece.text);
  return format_number(piece.text + piece.verb, *number);
}

TemplateValue print_formatted(std::span<const TemplateValue> arguments) {
  const std::string format = to_text(arguments[0]);
  if (const auto problem = printf_problem(format, arguments.size() - 1)) return format;
  std::string text;
  std::size_t next = 1;
  for (const Piece& piece : split_format(format)) {
    text += piece.verb == 0 ? piece.text : print(piece, arguments[next++]);
  }
  return text;
}

constexpr std::array<TemplateFunction, 7> functions = {{
    {"humanize", 1, 1, of_number<humanize>},
    {"humanize1024", 1, 1, of_number<humanize1024>},
    {"humanizeDuration", 1, 1, of_number<humanize_duration>},
    {"humanizePercentage", 1, 1, of_number<humanize_percentage>},
    {"printf", 1, 9, print_formatted},
    {"toLower", 1, 1, shift_case<'A', 'a'>},
    {"toUpper", 1, 1, shift_case<'a', 'A'>},
}};

}  // namespace

const TemplateFunction* find_template_function(std::string_view name) {
  const auto found = std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

std::string template_function_names() {
  std::string names;
  for (const auto& function : functions) names += (names.empty() ? "" : ", ") + std::string(function.name);
  return names;
}

std::string to_text(const TemplateValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const double number = std::get<double>(value);
  if (!std::isfinite(number)) return special(number);
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-5 && size < 1e21);
  std::array<char, 64> buffer{};
  const auto end = plain ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed)
                         : std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end.ptr};
}

std::optional<std::string> printf_problem(std::string_view format, std::size_t arguments) {
  std::size_t verbs = 0;
  for (const Piece& piece : split_format(format)) {
    if (piece.verb == 0) continue;
    ++verbs;
    const std::string spelled = piece.verb == '?' ? piece.text : piece.text + piece.verb;
    if (piece.verb == 'd') return "values are not whole numbers: write '%.0f' instead of '" + spelled + "'";
    if (number_verbs.find(piece.verb) == std::string_view::npos &&
        text_verbs.find(piece.verb) == std::string_view::npos) {
      return "printf does not know '" + spelled + "'; it knows %v %s %q %f %e %g";
    }
    if (!well_formed(piece.text)) return "'" + spelled + "' is not a format; write for instance '%.1f' or '%8.2f'";
  }
  if (verbs == arguments) return std::nullopt;
  return "printf is given " + std::to_string(arguments) + " values for " + std::to_string(verbs) + " verbs";
}

}  // namespace sidewatch
