// The rules of the grammar, one function for each, one token ahead; how tightly operators bind is in grammar.cpp. For the
// parser's own files. A syntax error leaves the depths as a ParseFailure, which never leaves them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/promql/ast.h"
#include "metrics/promql/grammar.h"
#include "metrics/promql/lexer.h"
#include "metrics/promql/parser.h"

namespace sidewatch::promql {

struct ParseFailure {
  std::string what;
  std::size_t offset;
  bool understood = false;  // the text was, but there is no such duration
};

class Parser {
 public:
  Parser(std::string_view text, Dialect dialect) : lexer_(text, dialect), dialect_(dialect) {}

  NodePointer parse();

 private:
  // parser.cpp
  NodePointer expression(int least_precedence);
  NodePointer operation(const OperatorRule& rule, NodePointer left);
  NodePointer signed_operand();
  NodePointer operand();
  NodePointer primary();
  NodePointer number();
  NodePointer duration_literal();
  NodePointer parenthesis();
  NodePointer call(const Token& name);
  std::vector<NodePointer> arguments();
  NodePointer aggregation(const Token& name);
  Matching matching();
  std::vector<std::string> grouping();

  // selector_parser.cpp
  NodePointer selector(std::optional<Token> name);
  std::vector<Matcher> matchers();
  Matcher matcher();
  NodePointer range(NodePointer inner);
  NodePointer subquery(NodePointer operand, Duration range);
  void offset_modifier(Node& node);
  void at_modifier(Node& node);

  // duration_parser.cpp
  bool begins_duration() const;
  Duration window();         // of a range, or the step of a subquery: more than nothing
  Duration signed_offset();  // of an offset
  double seconds(int least_precedence);
  double seconds_operand();
  Duration take_duration();

  NodePointer make(Node::Kind kind, std::size_t offset, std::uint32_t depth_below);
  void advance();
  Token take();
  bool accept(TokenKind kind);
  double take_number();
  [[noreturn]] void unexpected(std::string_view context = {}, std::string_view expected = {}) const;
  [[noreturn]] static void fail(std::string what, std::size_t offset) { throw ParseFailure{std::move(what), offset}; }

  // Counts how deep expressions stand in one another, so that no text can exhaust the stack.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > max_expression_depth) too_deep(parser_.token_.offset);
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };
  [[noreturn]] static void too_deep(std::size_t offset) {
    fail("expression nested deeper than " + std::to_string(max_expression_depth) + " (max_expression_depth)", offset);
  }

  Lexer lexer_;
  const Dialect dialect_;
  Token token_;  // the next one, not yet taken
  std::uint32_t slots_ = 0;
  std::size_t nesting_ = 0;
  int inside_aggregations_ = 0;
};

}  // namespace sidewatch::promql
