#include "collectors/exec/nagios.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace sidewatch::exec {
namespace {

constexpr std::size_t max_label_bytes = 200;
constexpr double kibi = 1024;

struct Unit {
  std::string_view written;
  std::string_view base;
  double scale;
};
constexpr std::array kUnits{
    Unit{"s", "seconds", 1},
    Unit{"ms", "seconds", 1e-3},
    Unit{"us", "seconds", 1e-6},
    Unit{"ns", "seconds", 1e-9},
    Unit{"%", "percent", 1},
    Unit{"c", "counter", 1},
    Unit{"B", "bytes", 1},
    Unit{"KB", "bytes", kibi},
    Unit{"kB", "bytes", kibi},
    Unit{"KiB", "bytes", kibi},
    Unit{"MB", "bytes", kibi * kibi},
    Unit{"MiB", "bytes", kibi * kibi},
    Unit{"GB", "bytes", kibi * kibi * kibi},
    Unit{"GiB", "bytes", kibi * kibi * kibi},
    Unit{"TB", "bytes", kibi * kibi * kibi * kibi},
    Unit{"TiB", "bytes", kibi * kibi * kibi * kibi},
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A number at the start of `text`, taken off it. Some plugins write it as their locale has it: 0,5.
std::optional<double> take_number(std::string_view& text) {
  const auto end = text.find_first_not_of("+-.,0123456789eE");
  std::string digits(text.substr(0, end));
  if (const auto comma = digits.find(','); comma != std::string::npos) digits[comma] = '.';
  const char* const begin = digits.data() + (digits.starts_with('+') ? 1 : 0);
  double number = 0;
  const auto parsed = std::from_chars(begin, digits.data() + digits.size(), number);
  if (parsed.ec != std::errc() || !std::isfinite(number)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - digits.data()));
  return number;
}

// "12.5", and nothing behind it.
std::optional<double> whole_number(std::string_view text) {
  const auto number = take_number(text);
  return text.empty() ? number : std::nullopt;
}

std::string_view take_field(std::string_view& text) {
  const auto end = text.find(';');
  const auto field = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return field;
}

std::optional<NagiosRange> scaled(std::optional<NagiosRange> range, double scale) {
  if (range) {
    range->low *= scale;
    range->high *= scale;
  }
  return range;
}

std::optional<double> scaled(std::optional<double> number, double scale) {
  if (number && !std::isfinite(*number *= scale)) return std::nullopt;
  return number;
}

// value[unit];[warn];[crit];[min];[max]
bool read_values(std::string_view text, NagiosValue& value) {
  std::string_view first = take_field(text);
  double scale = 1;
  if (first == "U") {
    first = {};
  } else {
    value.value = take_number(first);
    if (!value.value) return false;
  }
  value.unit = first;
  for (const auto& unit : kUnits) {
    if (unit.written != first) continue;
    value.unit = unit.base;
    scale = unit.scale;
  }
  const bool known = value.value.has_value();
  value.value = scaled(value.value, scale);
  if (known && !value.value) return false;  // beyond what a number can be
  value.warn = scaled(parse_nagios_range(take_field(text)), scale);
  value.crit = scaled(parse_nagios_range(take_field(text)), scale);
  value.min = scaled(whole_number(take_field(text)), scale);
  value.max = scaled(whole_number(take_field(text)), scale);
  return true;
}

std::string clean(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return mend_utf8(out);
}

// A label, quoted or not, up to its '=', taken off `text`; nothing where there is no '='.
std::optional<std::string> take_label(std::string_view& text) {
  std::string label;
  if (text.starts_with('\'')) {
    std::size_t at = 1;
    for (; at < text.size(); ++at) {
      if (text[at] == '\'' && !text.substr(at + 1).starts_with('\'')) break;
      if (text[at] == '\'') ++at;  // '' is one
      label += text[at];
    }
    text.remove_prefix(std::min(at + 1, text.size()));
    if (!text.starts_with('=')) return std::nullopt;
  } else {
    const auto end = text.find_first_of("= \t\r\n");  // no further than this word: there may be a great many
    if (end == std::string_view::npos || text[end] != '=') return std::nullopt;
    label = text.substr(0, end);
    text.remove_prefix(end);
  }
  text.remove_prefix(1);
  label = clean(label);
  return std::string(cut_at_character(label, max_label_bytes));
}

void skip_word(std::string_view& text) {
  const auto end = text.find_first_of(" \t\r\n");
  text.remove_prefix(end == std::string_view::npos ? text.size() : end);
}

void read_performance_data(std::string_view text, std::size_t max_values, NagiosOutput& output) {
  for (text = trim(text); !text.empty(); text = trim(text)) {
    NagiosValue value;
    auto label = take_label(text);
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    const bool good = label && !label->empty() && read_values(text.substr(0, end), value);
    skip_word(text);
    if (!good) {
      ++output.not_understood;
    } else if (output.values.size() == max_values) {
      ++output.left_out;
    } else {
      value.label = std::move(*label);
      output.values.push_back(std::move(value));
    }
  }
}

}  // namespace

std::optional<NagiosRange> parse_nagios_range(std::string_view text) {
  if (text.empty()) return std::nullopt;
  NagiosRange range;
  if (text.starts_with('@')) {
    range.inside = true;
    text.remove_prefix(1);
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto low = text.substr(0, colon);
    const auto number = whole_number(low);
    if (!number && low != "~" && !low.empty()) return std::nullopt;
    range.low = low == "~" ? -std::numeric_limits<double>::infinity() : number.value_or(0);
    range.low_said = number.has_value();
    text.remove_prefix(colon + 1);
    if (text.empty()) return range;
  }
  const auto high = whole_number(text);
  if (!high || *high < range.low) return std::nullopt;
  range.high = *high;
  return range;
}

// The first line may have performance data behind a bar. Of the lines that follow, those up to the next bar are more text
// for people, and everything behind that bar is performance data.
NagiosOutput parse_nagios(std::string_view output, std::size_t max_values) {
  NagiosOutput parsed;
  const auto line_end = std::min(output.find('\n'), output.size());
  const auto first = output.substr(0, line_end);
  const auto bar = std::min(first.find('|'), first.size());
  parsed.text = clean(trim(first.substr(0, bar)));
  if (bar < first.size()) read_performance_data(first.substr(bar + 1), max_values, parsed);
  const auto rest = output.substr(line_end);
  const auto more = rest.find('|');
  if (more != std::string_view::npos) read_performance_data(rest.substr(more + 1), max_values, parsed);
  return parsed;
}

}  // namespace sidewatch::exec
