// Labels go through the lexer of the language, so that names, strings and escapes are the same everywhere. Values have a
// lexer of their own, as in Prometheus: there `x` repeats and a hexadecimal number cannot be told from 0 repeated.
#include "metrics/series_notation.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "base/utf8.h"
#include "metrics/point.h"
#include "metrics/promql/characters.h"
#include "metrics/promql/grammar.h"
#include "metrics/promql/lexer.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/operand.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using promql::Lexer;
using promql::Token;
using promql::TokenKind;

struct Misread {
  std::string what;
  std::size_t offset = 0;
};

Error at_its_place(const Misread& misread, std::string_view text) {
  return {misread.what, promql::line_and_column(text, misread.offset)};
}

class LabelsReader {
 public:
  explicit LabelsReader(std::string_view text) : lexer_(text) { take(); }

  std::vector<Label> read() {
    if (token_.kind == TokenKind::identifier || token_.kind == TokenKind::metric_identifier ||
        promql::may_name_a_metric(token_.kind)) {
      add(std::string(promql::metric_name_label), std::string(token_.text));
      take();
    }
    if (token_.kind == TokenKind::left_brace) braces();
    if (token_.kind != TokenKind::end) unexpected("a series such as up{job=\"a\"}");
    return std::move(labels_);
  }

 private:
  void take() { token_ = lexer_.next(); }

  void braces() {
    take();
    while (token_.kind != TokenKind::right_brace) {
      if (token_.kind != TokenKind::identifier) unexpected("a label name or '}'");
      std::string name(token_.text);
      const std::size_t offset = token_.offset;
      take();
      if (token_.kind != TokenKind::assign) unexpected("'='");
      take();
      if (token_.kind != TokenKind::string) unexpected("a value in quotes");
      for (const Label& label : labels_) {
        if (label.name == name) throw Misread{"the label " + name + " is given twice", offset};
      }
      std::string value = promql::unquoted(token_.text);
      if (!is_utf8(value)) throw Misread{"the label value is not UTF-8", token_.offset};
      add(std::move(name), std::move(value));
      take();
      if (token_.kind == TokenKind::comma) {
        take();
      } else if (token_.kind != TokenKind::right_brace) {
        unexpected("',' or '}'");
      }
    }
    take();
  }

  void add(std::string name, std::string value) { labels_.push_back({std::move(name), std::move(value)}); }

  [[noreturn]] void unexpected(const std::string& expected) const {
    if (token_.kind == TokenKind::error) throw Misread{lexer_.error(), token_.offset};
    throw Misread{"unexpected " + token_.describe() + ", expected " + expected, token_.offset};
  }

  Lexer lexer_;
  Token token_;
  std::vector<Label> labels_;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return promql::is_letter(static_cast<unsigned char>(c)); }

class ValuesReader {
 public:
  explicit ValuesReader(std::string_view text) : text_(text) {}

  std::vector<NotatedValue> read() {
    for (;;) {
      while (is_space(peek())) ++position_;
      if (position_ == text_.size()) return std::move(values_);
      item();
      if (position_ != text_.size() && !is_space(peek())) fail("unexpected " + rest() + " behind a value");
    }
  }

 private:
  void item() {
    if (accept('_')) return add(std::nullopt, 0, accept('x') ? repetitions() : 1);
    const double first = value();
    double step = 0;
    if (peek() == '+' || peek() == '-') {
      const bool negative = text_[position_++] == '-';
      step = negative ? -number() : number();
      if (!accept('x')) fail("a value and a step lack how often, as in 1+2x5; between values stands a space");
      return add(first, step, repetitions() + 1);
    }
    add(first, 0, accept('x') ? repetitions() + 1 : 1);
  }

  void add(NotatedValue value, double step, std::uint64_t count) {
    if (count > max_notation_values || values_.size() + count > max_notation_values) {
      fail("more than " + std::to_string(max_notation_values) + " values in one series");
    }
    for (; count > 0; --count) {
      values_.push_back(value);
      if (value && step != 0) *value += step;
    }
  }

  double value() {
    if (accept('+')) return number();
    if (accept('-')) return -number();
    if (word() != "stale") return number();
    position_ += word().size();
    return stale_marker();
  }

  double number() {
    if (is_letter(peek())) {
      const std::string_view name = word();
      const std::string lower = promql::to_lower(name);
      if (lower != "inf" && lower != "nan") {
        fail("unexpected " + rest() + ", expected a number, NaN, Inf, _ or stale");
      }
      position_ += name.size();
      return promql::parse_number(name).value();
    }
    const std::size_t start = position_;
    digits();
    if (accept('.')) digits();
    if (accept('e') || accept('E')) {
      if (peek() == '+' || peek() == '-') ++position_;
      digits();
    }
    const auto parsed = promql::parse_number(text_.substr(start, position_ - start));
    const bool goes_on = peek() != 'x' && is_letter(peek());
    if (parsed && !goes_on) return *parsed;
    position_ = start;
    fail("unexpected " + rest() + ", expected a number, NaN, Inf, _ or stale");
  }

  void digits() {
    while (is_digit(peek())) ++position_;
  }

  std::uint64_t repetitions() {
    std::uint64_t count = 0;
    const char* const end = text_.data() + text_.size();
    const auto parsed = std::from_chars(text_.data() + position_, end, count);
    if (parsed.ec == std::errc::invalid_argument) fail("x lacks how often, as in 1x5");
    if (parsed.ec != std::errc()) count = max_notation_values;
    position_ = static_cast<std::size_t>(parsed.ptr - text_.data());
    return count;
  }

  // Letters, digits and colons from here on: `stalex3` is one word.
  std::string_view word() const {
    std::size_t end = position_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == ':')) ++end;
    return text_.substr(position_, end - position_);
  }

  // What follows up to the next space, quoted for an error.
  std::string rest() const {
    std::size_t end = position_;
    while (end < text_.size() && !is_space(text_[end])) ++end;
    return end == position_ ? "end" : promql::quoted_start(text_.substr(position_, end - position_));
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool accept(char c) {
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  [[noreturn]] void fail(std::string what) const { throw Misread{std::move(what), position_}; }

  std::string_view text_;
  std::size_t position_ = 0;
  std::vector<NotatedValue> values_;
};

// Whether `name` may be written before the braces: it is a legal name and no word of the language such as `bool`.
bool stands_alone(std::string_view name) { return is_legal_metric_name(name) && parse_series_labels(name); }

}  // namespace

Result<Labels> parse_series_labels(std::string_view text) {
  try {
    return Labels(LabelsReader(text).read());
  } catch (const Misread& misread) {
    return at_its_place(misread, text);
  }
}

Result<std::vector<NotatedValue>> parse_series_values(std::string_view text) {
  try {
    return ValuesReader(text).read();
  } catch (const Misread& misread) {
    return at_its_place(misread, text);
  }
}

std::string series_to_string(const Labels& labels) {
  const std::string_view name = labels.get(promql::metric_name_label);
  if (!stands_alone(name)) return labels.to_string();
  const Labels rest = labels.without(promql::metric_name_label);
  return std::string(name) + (rest.empty() ? "" : rest.to_string());
}

}  // namespace sidewatch
