// See printf.h.

#include "alerting/template/printf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "base/utf8.h"

namespace sidewatch {
namespace {

struct Spec {
  bool plus = false;
  bool minus = false;
  bool sharp = false;
  bool zero = false;
  bool space = false;
  std::optional<int> width;
  std::optional<int> precision;
  char verb = 0;
};

std::string padded(const Spec& spec, std::string text) {
  const auto width = static_cast<std::size_t>(spec.width.value_or(0));
  const std::size_t length = count_characters(text);
  if (length >= width) return text;
  const std::size_t missing = width - length;
  if (spec.minus) return text + std::string(missing, ' ');
  return std::string(missing, spec.zero ? '0' : ' ') + text;
}

// Zeros stand between the sign and the digits.
std::string padded_number(const Spec& spec, std::string digits, bool negative) {
  const std::string sign = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  const auto width = static_cast<std::size_t>(spec.width.value_or(0));
  if (spec.zero && !spec.minus && sign.size() + digits.size() < width) {
    digits.insert(0, width - sign.size() - digits.size(), '0');
  }
  Spec spaces = spec;
  spaces.zero = false;
  return padded(spaces, sign + digits);
}

std::string cut(const Spec& spec, const std::string& text) {
  if (!spec.precision) return text;
  std::size_t at = 0;
  for (int left = *spec.precision; left > 0 && at < text.size(); --left) {
    ++at;
    while (at < text.size() && continues_character(text[at])) ++at;
  }
  return text.substr(0, at);
}

std::string quoted(std::string_view text) {
  static constexpr std::string_view special = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view names = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const auto known = special.find(c); known != std::string_view::npos) {
      out += '\\';
      out += names[known];
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      out += hex.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string character(std::int64_t code) {
  std::string out;
  const bool possible = code >= 0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  append_utf8(out, possible ? static_cast<char32_t>(code) : U'\uFFFD');
  return out;
}

std::string hexadecimal(std::string_view text, bool upper) {
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::optional<std::string> print_text(const Spec& spec, const std::string& text) {
  Spec spaces = spec;
  switch (spec.verb) {
    case 'v':
    case 's': return padded(spec, cut(spec, text));
    case 'q': return padded(spec, quoted(cut(spec, text)));
    case 'x':
    case 'X': return padded(spaces, hexadecimal(cut(spec, text), spec.verb == 'X'));
    default: return std::nullopt;
  }
}

std::optional<std::string> print_integer(const Spec& spec, std::int64_t value) {
  const auto in_base = [&](int base, std::string_view prefix, bool upper) {
    std::array<char, 72> buffer{};
    const std::uint64_t size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, base);
    std::string digits(buffer.data(), end.ptr);
    if (upper) for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto least = static_cast<std::size_t>(spec.precision.value_or(0));
    if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
    return padded_number(spec, (spec.sharp ? std::string(prefix) : "") + digits, value < 0);
  };
  switch (spec.verb) {
    case 'v':
    case 'd': return in_base(10, "", false);
    case 'b': return in_base(2, "0b", false);
    case 'o': return in_base(8, "0", false);
    case 'x': return in_base(16, "0x", false);
    case 'X': return in_base(16, "0X", true);
    case 'c': return padded(spec, character(value));
    case 'q': return padded(spec, "'" + character(value) + "'");
    case 'U': {
      std::array<char, 24> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "U+%04llX", static_cast<unsigned long long>(value));
      return padded(spec, buffer.data());
    }
    default: return std::nullopt;
  }
}

std::string float_digits(const Spec& spec, double size) {
  const char verb = spec.verb == 'v' ? 'g' : spec.verb == 'F' ? 'f' : spec.verb;
  if ((verb == 'g' || verb == 'G') && !spec.precision) {
    std::string digits = number_as_go(size);
    if (verb == 'G') std::replace(digits.begin(), digits.end(), 'e', 'E');
    return digits;
  }
  const std::string format = {'%', '.', '*', verb, '\0'};
  std::array<char, 1400> buffer{};  // 309 digits before the point, at most max_printf_width behind it
  const int length = std::snprintf(buffer.data(), buffer.size(), format.c_str(), spec.precision.value_or(6), size);
  return {buffer.data(), std::min(static_cast<std::size_t>(std::max(length, 0)), buffer.size() - 1)};
}

std::optional<std::string> print_float(const Spec& spec, double value) {
  if (std::string_view("vfFeEgG").find(spec.verb) == std::string_view::npos) return std::nullopt;
  const bool negative = std::signbit(value) && !std::isnan(value);
  if (std::isfinite(value)) return padded_number(spec, float_digits(spec, std::abs(value)), negative);
  Spec spaces = spec;
  spaces.zero = false;
  if (std::isnan(value)) return padded_number(spaces, "NaN", false);
  if (!negative) spaces.plus = true;
  return padded_number(spaces, "Inf", negative);
}

std::string print(const Spec& spec, const TemplateValue& value) {
  std::optional<std::string> text;
  if (spec.verb == 'T') return padded(spec, std::string(type_name(value)));
  if (const auto* words = value.as<std::string>()) text = print_text(spec, *words);
  else if (const auto* integer = value.as<std::int64_t>()) text = print_integer(spec, *integer);
  else if (const auto* number = value.as<double>()) text = print_float(spec, *number);
  else if (const auto* truth = value.as<bool>()) {
    if (spec.verb == 'v' || spec.verb == 't') text = padded(spec, *truth ? "true" : "false");
  } else if (value.as<std::monostate>() != nullptr) {
    if (spec.verb == 'v') return padded(spec, "<nil>");
    return std::string("%!") + spec.verb + "(<nil>)";
  } else {
    text = padded(spec, to_text(value, NumberStyle::as_go));
  }
  if (text) return *text;
  return std::string("%!") + spec.verb + "(" + std::string(type_name(value)) + "=" +
         to_text(value, NumberStyle::as_go) + ")";
}

class Formatter {
 public:
  Formatter(std::string_view format, std::span<const TemplateValue> arguments)
      : format_(format), arguments_(arguments) {}

  std::string format() {
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent;
      if (at_ < format_.size()) verb();
    }
    if (next_ < arguments_.size()) extra();
    return std::move(out_);
  }

 private:
  void verb() {
    ++at_;
    Spec spec = flags();
    spec.width = number("%!(BADWIDTH)", spec.minus);
    if (spec.minus) spec.zero = false;
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      bool ignored = false;
      spec.precision = number("%!(BADPREC)", ignored);
      if (!spec.precision) spec.precision = 0;
    }
    if (at_ >= format_.size()) return void(out_ += "%!(NOVERB)");
    spec.verb = format_[at_++];
    if (spec.verb == '%') return void(out_ += '%');
    if (next_ >= arguments_.size()) return void(out_ += std::string("%!") + spec.verb + "(MISSING)");
    out_ += print(spec, arguments_[next_++]);
  }

  Spec flags() {
    Spec spec;
    for (; at_ < format_.size(); ++at_) {
      switch (format_[at_]) {
        case '+': spec.plus = true; break;
        case '-': spec.minus = true; break;
        case '#': spec.sharp = true; break;
        case '0': spec.zero = true; break;
        case ' ': spec.space = true; break;
        default: return spec;
      }
    }
    return spec;
  }

  // A width or precision: digits, or `*` for the next argument, which may ask for the left side with a minus.
  std::optional<int> number(const char* bad, bool& left) {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      const auto* value = next_ < arguments_.size() ? arguments_[next_].as<std::int64_t>() : nullptr;
      ++next_;
      if (value == nullptr || *value > max_printf_width || *value < -max_printf_width) return out_ += bad, std::nullopt;
      if (*value < 0) left = true;
      return static_cast<int>(*value < 0 ? -*value : *value);
    }
    int value = 0;
    const char* begin = format_.data() + at_;
    const auto [end, error] = std::from_chars(begin, format_.data() + format_.size(), value);
    if (end == begin) return std::nullopt;
    at_ += static_cast<std::size_t>(end - begin);
    if (error != std::errc() || value > max_printf_width) return out_ += bad, std::nullopt;
    return value;
  }

  void extra() {
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < arguments_.size(); ++i) {
      if (i > next_) out_ += ", ";
      const bool nil = arguments_[i].as<std::monostate>() != nullptr;
      out_ += nil ? "<nil>" : std::string(type_name(arguments_[i])) + "=" + to_text(arguments_[i], NumberStyle::as_go);
    }
    out_ += ")";
  }

  std::string_view format_;
  std::span<const TemplateValue> arguments_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::string out_;
};

}  // namespace

std::string print_formatted(std::string_view format, std::span<const TemplateValue> arguments) {
  return Formatter(format, arguments).format();
}

}  // namespace sidewatch
