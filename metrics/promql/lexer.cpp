// The rules are those of Prometheus 2.42's lexer, odd corners included: an expression that works there must work here.
#include "metrics/promql/lexer.h"

#include <array>
#include <utility>

#include "metrics/promql/characters.h"

namespace sidewatch::promql {
namespace {

constexpr std::string_view decimal_digits = "0123456789";
constexpr std::string_view hexadecimal_digits = "0123456789abcdefABCDEF";

struct Keyword {
  std::string_view word;
  TokenKind kind;
};

constexpr std::array keywords = {
    Keyword{"and", TokenKind::set_and},
    Keyword{"atan2", TokenKind::atan2},
    Keyword{"avg", TokenKind::aggregator},
    Keyword{"bool", TokenKind::boolean},
    Keyword{"bottomk", TokenKind::aggregator},
    Keyword{"by", TokenKind::by},
    Keyword{"count", TokenKind::aggregator},
    Keyword{"count_values", TokenKind::aggregator},
    Keyword{"end", TokenKind::finish},
    Keyword{"group", TokenKind::aggregator},
    Keyword{"group_left", TokenKind::group_left},
    Keyword{"group_right", TokenKind::group_right},
    Keyword{"ignoring", TokenKind::ignoring},
    Keyword{"inf", TokenKind::number},
    Keyword{"limit_ratio", TokenKind::aggregator},
    Keyword{"limitk", TokenKind::aggregator},
    Keyword{"max", TokenKind::aggregator},
    Keyword{"min", TokenKind::aggregator},
    Keyword{"nan", TokenKind::number},
    Keyword{"offset", TokenKind::offset},
    Keyword{"on", TokenKind::on},
    Keyword{"or", TokenKind::set_or},
    Keyword{"quantile", TokenKind::aggregator},
    Keyword{"start", TokenKind::start},
    Keyword{"stddev", TokenKind::aggregator},
    Keyword{"stdvar", TokenKind::aggregator},
    Keyword{"sum", TokenKind::aggregator},
    Keyword{"topk", TokenKind::aggregator},
    Keyword{"unless", TokenKind::set_unless},
    Keyword{"without", TokenKind::without},
};

TokenKind kind_of_word(std::string_view word) {
  const std::string lower = to_lower(word);
  for (const Keyword& keyword : keywords) {
    if (keyword.word == lower) return keyword.kind;
  }
  return word.find(':') == std::string_view::npos ? TokenKind::identifier : TokenKind::metric_identifier;
}

}  // namespace

Token Lexer::next() {
  if (failed_) return {TokenKind::error, start_, {}};
  skip_space_and_comments();
  if (std::exchange(want_duration_, false)) return duration();
  return in_braces_ ? inside_braces() : outside_braces();
}

Token Lexer::outside_braces() {
  const char32_t c = take();
  if (c == end_of_text) {
    if (open_parens_ != 0) return fail("unclosed left parenthesis");
    if (in_brackets_) return fail("unclosed left bracket");
    return token(TokenKind::end);
  }
  if (is_digit(c) || (c == '.' && is_digit(peek()))) {
    position_ = start_;
    return number_or_duration();
  }
  if (c == '"' || c == '\'' || c == '`') return string(c);
  if (is_letter(c) || c == ':') {
    return in_brackets_ ? inside_brackets(c) : word();
  }
  return operator_or_bracket(c);
}

// To 2.42 a letter is a colon there.
Token Lexer::inside_brackets(char32_t first) {
  if (dialect_ == Dialect::later && first != ':') {
    while (is_letter(peek()) || is_digit(peek())) take();
    return token(kind_of_word(text_.substr(start_, position_ - start_)));
  }
  if (seen_colon_) return fail("unexpected colon " + quoted_character(first));
  seen_colon_ = true;
  return token(TokenKind::colon);
}

Token Lexer::operator_or_bracket(char32_t first) {
  switch (first) {
    case ',': return token(TokenKind::comma);
    case '*': return token(TokenKind::multiply);
    case '/': return token(TokenKind::divide);
    case '%': return token(TokenKind::modulo);
    case '+': return token(TokenKind::add);
    case '-': return token(TokenKind::subtract);
    case '^': return token(TokenKind::power);
    case '@': return token(TokenKind::at);
    case '<': return token(accept("=") ? TokenKind::less_equal : TokenKind::less);
    case '>': return token(accept("=") ? TokenKind::greater_equal : TokenKind::greater);
    case '=':
      if (accept("=")) return token(TokenKind::equal);
      if (peek() == '~') return fail("unexpected character after '=': '~'");
      return token(TokenKind::assign);
    case '!': {
      const char32_t after = take();
      if (after == '=') return token(TokenKind::not_equal);
      return fail("unexpected character after '!': " + quoted_character(after));
    }
    case '(':
      ++open_parens_;
      return token(TokenKind::left_paren);
    case ')':
      if (--open_parens_ < 0) return fail("unexpected right parenthesis ')'");
      return token(TokenKind::right_paren);
    case '{':
      in_braces_ = true;
      return token(TokenKind::left_brace);
    case '[':
      if (in_brackets_) return fail("unexpected left bracket '['");
      in_brackets_ = true;
      seen_colon_ = false;
      want_duration_ = dialect_ == Dialect::prometheus_2_42;
      return token(TokenKind::left_bracket);
    case ']':
      if (!in_brackets_) return fail("unexpected right bracket ']'");
      in_brackets_ = false;
      return token(TokenKind::right_bracket);
    default: return fail("unexpected character: " + quoted_character(first));
  }
}

Token Lexer::inside_braces() {
  const char32_t c = take();
  if (is_letter(c)) {
    while (is_letter(peek()) || is_digit(peek())) take();
    return token(TokenKind::identifier);
  }
  switch (c) {
    case end_of_text: return fail("unexpected end of input inside braces");
    case ',': return token(TokenKind::comma);
    case '"':
    case '\'':
    case '`': return string(c);
    case '=': return token(accept("~") ? TokenKind::equal_regex : TokenKind::assign);
    case '!': {
      const char32_t after = take();
      if (after == '~') return token(TokenKind::not_equal_regex);
      if (after == '=') return token(TokenKind::not_equal);
      return fail("unexpected character after '!' inside braces: " + quoted_character(after));
    }
    case '{': return fail("unexpected left brace '{'");
    case '}':
      in_braces_ = false;
      return token(TokenKind::right_brace);
    default: return fail("unexpected character inside braces: " + quoted_character(c));
  }
}

Token Lexer::word() {
  while (is_letter(peek()) || is_digit(peek()) || peek() == ':') take();
  return token(kind_of_word(text_.substr(start_, position_ - start_)));
}

Token Lexer::string(char32_t quote) {
  const bool raw = quote == '`';
  while (true) {
    const char32_t c = take();
    if (c == quote) return token(TokenKind::string);
    if (c == replacement_character) return fail("invalid UTF-8 rune");
    if (c == end_of_text) return fail(raw ? "unterminated raw string" : "unterminated quoted string");
    if (raw) continue;
    if (c == '\n') return fail("unterminated quoted string");
    if (c == '\\' && !escape(quote)) return fail(std::move(error_));
  }
}

bool Lexer::escape(char32_t quote) {
  const auto refuse = [this](std::string why) {
    error_ = std::move(why);
    return false;
  };
  const char32_t kind = take();
  if (kind == end_of_text) return refuse("escape sequence not terminated");
  if (kind == quote || (kind < 0x80 && std::string_view("abfnrtv\\").find(static_cast<char>(kind)) !=
                                           std::string_view::npos)) {
    return true;
  }
  const EscapeShape shape = escape_shape(kind);
  if (shape.digits == 0) return refuse("unknown escape sequence " + code_point_name(kind));
  if (shape.base == 8) --position_;  // the first digit is part of the number

  std::uint32_t value = 0;
  for (int i = 0; i < shape.digits; ++i) {
    const char32_t c = take();
    const std::uint32_t digit = digit_value(c);
    if (c == end_of_text) return refuse("escape sequence not terminated");
    if (digit >= shape.base) return refuse("illegal character " + code_point_name(c) + " in escape sequence");
    value = value * shape.base + digit;
  }
  if (value > shape.max || (value >= 0xD800 && value < 0xE000)) {
    return refuse("escape sequence is an invalid Unicode code point");
  }
  return true;
}

Token Lexer::number_or_duration() {
  if (scan_number()) return token(TokenKind::number);
  if (scan_duration_units()) return token(TokenKind::duration);
  return fail("bad number or duration syntax: " + quoted(text_.substr(start_, position_ - start_)));
}

Token Lexer::duration() {
  if (scan_number()) return fail("missing unit character in duration");
  if (scan_duration_units()) return token(TokenKind::duration);
  return fail("bad duration syntax: " + quoted(text_.substr(start_, position_ - start_)));
}

// Decimal, hexadecimal, octal or float; whether it is a valid one is the parser's question. False: letters follow.
bool Lexer::scan_number() {
  const bool hexadecimal = accept("0") && accept("xX");
  const std::string_view digits = hexadecimal ? hexadecimal_digits : decimal_digits;
  accept_run(digits);
  if (accept(".")) accept_run(digits);
  if (accept("eE")) {
    accept("+-");
    accept_run(decimal_digits);
  }
  return !is_letter(peek()) && !is_digit(peek());
}

// What follows the first number of a duration: `h30m` of 1h30m. Wrong units (hs) are the parser's to find.
bool Lexer::scan_duration_units() {
  if (!accept("smhdwy")) return false;
  accept("s");
  while (accept(decimal_digits)) {
    accept_run(decimal_digits);
    if (!accept("smhdw")) return false;
    accept("s");
  }
  if (!is_letter(peek()) && !is_digit(peek())) return true;
  take();
  return false;
}

void Lexer::skip_space_and_comments() {
  while (true) {
    const char32_t c = peek();
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      take();
    } else if (c == '#' && !want_duration_) {
      while (peek() != '\n' && peek() != '\r' && peek() != end_of_text) take();
    } else {
      break;
    }
  }
  start_ = position_;
}

Token Lexer::token(TokenKind kind) { return {kind, start_, text_.substr(start_, position_ - start_)}; }

Token Lexer::fail(std::string why) {
  error_ = std::move(why);
  failed_ = true;
  return {TokenKind::error, start_, {}};
}

char32_t Lexer::take() {
  const DecodedCharacter c = decode(text_, position_);
  position_ += c.bytes;
  return c.code;
}

char32_t Lexer::peek() const { return decode(text_, position_).code; }

bool Lexer::accept(std::string_view any_of) {
  if (position_ >= text_.size() || any_of.find(text_[position_]) == std::string_view::npos) return false;
  ++position_;
  return true;
}

void Lexer::accept_run(std::string_view any_of) {
  while (accept(any_of)) {
  }
}

std::string Token::describe() const {
  switch (kind) {
    case TokenKind::end: return "end of input";
    case TokenKind::error: return "error";
    case TokenKind::identifier: return "identifier " + quoted(text);
    case TokenKind::metric_identifier: return "metric identifier " + quoted(text);
    case TokenKind::number: return "number " + quoted_start(text);
    case TokenKind::duration: return "duration " + quoted_start(text);
    case TokenKind::string: return "string " + quoted_start(text);
    case TokenKind::aggregator: return "<aggr:" + std::string(text) + ">";
    case TokenKind::boolean:
    case TokenKind::by:
    case TokenKind::group_left:
    case TokenKind::group_right:
    case TokenKind::ignoring:
    case TokenKind::offset:
    case TokenKind::on:
    case TokenKind::without: return "<" + std::string(text) + ">";
    case TokenKind::left_brace:
    case TokenKind::right_brace:
    case TokenKind::left_bracket:
    case TokenKind::right_bracket:
    case TokenKind::left_paren:
    case TokenKind::right_paren:
    case TokenKind::comma:
    case TokenKind::colon:
    case TokenKind::assign:
    case TokenKind::start:
    case TokenKind::finish: return quoted(text);
    case TokenKind::equal_regex:
    case TokenKind::not_equal_regex:
    case TokenKind::add:
    case TokenKind::subtract:
    case TokenKind::multiply:
    case TokenKind::divide:
    case TokenKind::modulo:
    case TokenKind::power:
    case TokenKind::atan2:
    case TokenKind::equal:
    case TokenKind::not_equal:
    case TokenKind::less:
    case TokenKind::less_equal:
    case TokenKind::greater:
    case TokenKind::greater_equal:
    case TokenKind::set_and:
    case TokenKind::set_or:
    case TokenKind::set_unless:
    case TokenKind::at: return "<op:" + std::string(text) + ">";
  }
  return {};
}

}  // namespace sidewatch::promql
