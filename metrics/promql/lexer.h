// Text -> tokens, one at a time, by Prometheus 2.42's rules.
//
// Which characters make a token depends on where the reader stands: inside {} words are always identifiers, after [ a
// duration follows. The lexer therefore remembers open brackets, and refuses a wrong one before the parser sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sidewatch::promql {

enum class TokenKind : std::uint8_t {
  end, error, identifier, metric_identifier, number, duration, string,
  left_brace, right_brace, left_bracket, right_bracket, left_paren, right_paren, comma, colon,
  assign, equal_regex, not_equal_regex,                                          // = =~ !~
  add, subtract, multiply, divide, modulo, power, atan2,                         // operators
  equal, not_equal, less, less_equal, greater, greater_equal, set_and, set_or, set_unless, at,
  aggregator,                                                                    // sum, avg, ...: see the text
  boolean, by, group_left, group_right, ignoring, offset, on, without,           // keywords
  start, finish,                                                                 // start() and end() of `@`
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t offset = 0;  // in bytes from the beginning of the text
  std::string_view text;   // as written, quotes included

  // As Prometheus names it in an error: `identifier "up"`, `<op:+>`, `end of input`.
  std::string describe() const;
};

// Later versions allow arithmetic where 2.42 wants one duration, and durations where it wants a number.
enum class Dialect : std::uint8_t { prometheus_2_42, later };

class Lexer {
 public:
  explicit Lexer(std::string_view text, Dialect dialect = Dialect::prometheus_2_42) : text_(text), dialect_(dialect) {}

  // The next token; comments and space are skipped. After `end` or `error` it stays there.
  Token next();

  const std::string& error() const { return error_; }  // why the last token is TokenKind::error

 private:
  Token token(TokenKind kind);
  Token fail(std::string why);
  Token outside_braces();
  Token inside_braces();
  Token operator_or_bracket(char32_t first);
  Token inside_brackets(char32_t first);
  Token word();
  Token string(char32_t quote);
  bool escape(char32_t quote);  // false: error_ is set
  Token number_or_duration();
  Token duration();
  bool scan_number();
  bool scan_duration_units();
  void skip_space_and_comments();

  char32_t take();
  char32_t peek() const;
  bool accept(std::string_view any_of);
  void accept_run(std::string_view any_of);

  std::string_view text_;
  const Dialect dialect_;
  std::size_t start_ = 0;     // where the token being read begins
  std::size_t position_ = 0;  // the next character
  int open_parens_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool seen_colon_ = false;
  bool want_duration_ = false;  // a [ has just been read
  bool failed_ = false;
  std::string error_;
};

}  // namespace sidewatch::promql
