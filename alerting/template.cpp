// Reading and rendering templates: a text is cut into literal text and actions, an action is read into an expression.
//
//     action   = pipeline
//     pipeline = command { "|" command }           each command gets the value before it as its last argument
//     command  = operand | function { operand }
//     operand  = "$value" | "$level" | "$labels.NAME" | ".Value" | ".Labels.NAME" | string | number | "(" pipeline ")"

#include "alerting/template.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "alerting/template_functions.h"

namespace sidewatch {

struct TemplateExpression {
  enum class Kind { constant, value, level, label, call };
  Kind kind = Kind::constant;
  TemplateValue constant;     // constant
  std::string label;          // label: its name
  const TemplateFunction* function = nullptr;  // call
  std::vector<TemplateExpression> arguments;
};

struct TemplateNode {
  std::string text;
  std::optional<TemplateExpression> action;  // absent: text
};

namespace {

constexpr std::size_t max_depth = 32;
constexpr std::string_view known_variables = "$value, $level and $labels.NAME";
constexpr std::array<std::string_view, 9> control_words = {"if",   "else",   "end",      "range", "with",
                                                           "define", "template", "block", "break"};

struct Mistake {
  std::size_t offset;
  std::string what;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// "line:column" of a byte offset, both 1-based, columns in characters.
std::string place_of(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

// Reads one action, text[at, end). Stops at the first mistake.
class ActionReader {
 public:
  ActionReader(std::string_view text, std::size_t at, std::size_t end) : text_(text), at_(at), end_(end) {}

  std::optional<TemplateExpression> read() {
    auto expression = pipeline(0);
    skip_space();
    if (!mistake && at_ < end_) fail(at_, "unexpected '" + std::string(1, text_[at_]) + "' in the action");
    return mistake ? std::nullopt : std::move(expression);
  }

  std::optional<Mistake> mistake;

 private:
  using Expression = std::optional<TemplateExpression>;

  std::nullopt_t fail(std::size_t offset, std::string what) {
    if (!mistake) mistake = Mistake{offset, std::move(what)};
    return std::nullopt;
  }

  void skip_space() {
    while (at_ < end_ && is_space(text_[at_])) ++at_;
  }
  bool at_operand() {
    skip_space();
    return at_ < end_ && text_[at_] != '|' && text_[at_] != ')';
  }
  std::string_view name() {
    const std::size_t start = at_;
    while (at_ < end_ && is_name(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Expression pipeline(std::size_t depth) {
    if (depth > max_depth) return fail(at_, "parentheses are nested too deeply");
    Expression value = command({}, depth);
    for (skip_space(); value && at_ < end_ && text_[at_] == '|'; skip_space()) {
      ++at_;
      value = command(std::move(value), depth);
    }
    return value;
  }

  Expression command(Expression piped, std::size_t depth) {
    if (!at_operand()) return fail(at_, piped ? "a function is missing after '|'" : "the action is empty");
    const char c = text_[at_];
    if (is_name(c) && !(c >= '0' && c <= '9')) return call(std::move(piped), depth);
    if (piped) return fail(at_, "only a function can stand after '|'; known are " + template_function_names());
    Expression value = operand(depth);
    if (value && at_operand()) return fail(at_, "two values follow each other; join them with '|' or a function");
    return value;
  }

  Expression call(Expression piped, std::size_t depth) {
    const std::size_t start = at_;
    const std::string word(name());
    TemplateExpression call{TemplateExpression::Kind::call, {}, {}, find_template_function(word), {}};
    if (call.function == nullptr) return unknown_function(start, word);
    while (at_operand()) {
      Expression argument = operand(depth);
      if (!argument) return std::nullopt;
      call.arguments.push_back(std::move(*argument));
    }
    if (piped) call.arguments.push_back(std::move(*piped));
    const std::size_t count = call.arguments.size();
    if (count < call.function->min_arguments || count > call.function->max_arguments) {
      return fail(start, "'" + word + "' is given " + std::to_string(count) + " values" +
                             (count == 0 ? ", write '$value | " + word + "'" : ""));
    }
    return checked(start, std::move(call));
  }

  Expression unknown_function(std::size_t start, const std::string& word) {
    if (std::find(control_words.begin(), control_words.end(), word) != control_words.end()) {
      return fail(start, "'" + word + "' is not understood here: a template has values and functions, no control flow");
    }
    if (word == "value" || word == "labels" || word == "level") return fail(start, "write '$" + word + "'");
    return fail(start, "unknown function '" + word + "'; known are " + template_function_names());
  }

  // A constant printf format is checked now, so that it cannot go wrong later.
  Expression checked(std::size_t start, TemplateExpression call) {
    const auto& format = call.arguments.front();
    if (call.function->name != "printf" || format.kind != TemplateExpression::Kind::constant) return call;
    if (auto problem = printf_problem(to_text(format.constant), call.arguments.size() - 1)) {
      return fail(start, std::move(*problem));
    }
    return call;
  }

  Expression operand(std::size_t depth) {
    const char c = text_[at_];
    if (c == '$') return variable();
    if (c == '.') return field();
    if (c == '"' || c == '`') return string(c);
    if ((c >= '0' && c <= '9') || c == '-' || c == '+') return number();
    if (c == '(') return parenthesis(depth);
    if (is_name(c)) {
      return fail(at_, "write a function with its values in parentheses: (" + std::string(name()) + " ...)");
    }
    return fail(at_, "unexpected '" + std::string(1, c) + "' in the action");
  }

  Expression variable() {
    const std::size_t start = at_++;
    const std::string word(name());
    if (word == "value") return leaf(TemplateExpression::Kind::value, start);
    if (word == "level") return leaf(TemplateExpression::Kind::level, start);
    if (word == "labels") return label(start);
    return fail(start, "unknown variable '$" + word + "'; known are " + std::string(known_variables));
  }

  Expression field() {
    const std::size_t start = at_++;
    const std::string word(name());
    if (word == "Value") return leaf(TemplateExpression::Kind::value, start);
    if (word == "Labels") return label(start);
    return fail(start, "unknown field '." + word + "'; known are .Value and .Labels.NAME");
  }

  Expression leaf(TemplateExpression::Kind kind, std::size_t start) {
    if (at_ < end_ && text_[at_] == '.') return fail(start, "only $labels has parts: $labels.NAME");
    return TemplateExpression{kind, {}, {}, nullptr, {}};
  }

  Expression label(std::size_t start) {
    if (at_ >= end_ || text_[at_] != '.') return fail(start, "name the label: $labels.NAME");
    ++at_;
    const std::string word(name());
    if (word.empty()) return fail(start, "name the label: $labels.NAME");
    return TemplateExpression{TemplateExpression::Kind::label, {}, word, nullptr, {}};
  }

  Expression string(char quote) {
    const std::size_t start = at_++;
    std::string value;
    for (; at_ < end_ && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && quote == '"' && at_ + 1 < end_) {
        ++at_;
        value += text_[at_] == 'n' ? '\n' : text_[at_] == 't' ? '\t' : text_[at_];
      } else {
        value += text_[at_];
      }
    }
    if (at_ >= end_) return fail(start, "the text is never closed");
    ++at_;
    return TemplateExpression{TemplateExpression::Kind::constant, std::move(value), {}, nullptr, {}};
  }

  Expression number() {
    const std::size_t start = at_;
    if (text_[at_] == '+') ++at_;
    double value = 0;
    const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + end_, value);
    if (error != std::errc()) return fail(start, "this is not a number");
    at_ = static_cast<std::size_t>(stop - text_.data());
    return TemplateExpression{TemplateExpression::Kind::constant, value, {}, nullptr, {}};
  }

  Expression parenthesis(std::size_t depth) {
    const std::size_t start = at_++;
    Expression value = pipeline(depth + 1);
    if (!value) return std::nullopt;
    if (at_ >= end_ || text_[at_] != ')') return fail(start, "'(' is never closed");
    ++at_;
    return value;
  }

  std::string_view text_;
  std::size_t at_;
  std::size_t end_;
};

// Where the action that begins at `from` (behind "{{") ends: the offset of its "}}", outside of strings and comments.
std::size_t end_of_action(std::string_view text, std::size_t from) {
  if (text.substr(from).starts_with("/*")) {
    const std::size_t close = text.find("*/", from + 2);
    return close == std::string_view::npos ? close : text.find("}}", close);
  }
  char quote = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      else if (c == quote) quote = 0;
    } else if (c == '"' || c == '`') {
      quote = c;
    } else if (text.substr(i).starts_with("}}")) {
      return i;
    }
  }
  return std::string_view::npos;
}

struct Action {
  std::size_t begin;  // of what is inside
  std::size_t end;
  std::size_t next;   // behind "}}"
  bool trim_before;
  bool trim_after;
};

std::optional<Action> find_action(std::string_view text, std::size_t open) {
  Action action{open + 2, 0, 0, false, false};
  if (text.substr(action.begin).starts_with("- ")) {
    action.trim_before = true;
    action.begin += 2;
  }
  const std::size_t close = end_of_action(text, action.begin);
  if (close == std::string_view::npos) return std::nullopt;
  action.next = close + 2;
  action.trim_after = close >= action.begin + 2 && text.substr(close - 2, 2) == " -";
  action.end = action.trim_after ? close - 2 : close;
  return action;
}

void trim_end(std::string& text) {
  while (!text.empty() && is_space(text.back())) text.pop_back();
}

TemplateValue evaluate(const TemplateExpression& expression, const TemplateData& data) {
  switch (expression.kind) {
    case TemplateExpression::Kind::constant: return expression.constant;
    case TemplateExpression::Kind::value: return data.value;
    case TemplateExpression::Kind::level: return std::string(to_string(data.level));
    case TemplateExpression::Kind::label: return std::string(data.labels.get(expression.label));
    case TemplateExpression::Kind::call: break;
  }
  std::vector<TemplateValue> arguments;
  for (const auto& argument : expression.arguments) arguments.push_back(evaluate(argument, data));
  return expression.function->call(arguments);
}

// At most max_rendered_bytes, and no character cut in half.
void cut(std::string& text) {
  if (text.size() <= max_rendered_bytes) return;
  std::size_t end = max_rendered_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
}

}  // namespace

Result<Template> Template::parse(std::string_view text, TemplateChecks) {
  const auto mistake = [&](std::size_t offset, std::string what) {
    return Error{std::move(what), place_of(text, offset)};
  };
  if (text.size() > max_template_bytes) return mistake(0, "the template is longer than 16 KiB");
  std::vector<TemplateNode> nodes;
  std::size_t at = 0;
  bool trim = false;
  while (at < text.size()) {
    const std::size_t open = std::min(text.find("{{", at), text.size());
    TemplateNode literal{std::string(text.substr(at, open - at)), {}};
    if (trim) literal.text.erase(0, std::min(literal.text.find_first_not_of(" \t\r\n"), literal.text.size()));
    if (open == text.size()) {
      nodes.push_back(std::move(literal));
      break;
    }
    const auto action = find_action(text, open);
    if (!action) return mistake(open, "'{{' is never closed with '}}'");
    if (action->trim_before) trim_end(literal.text);
    nodes.push_back(std::move(literal));
    if (!text.substr(action->begin).starts_with("/*")) {
      ActionReader reader(text, action->begin, action->end);
      auto expression = reader.read();
      if (!expression) return mistake(reader.mistake->offset, std::move(reader.mistake->what));
      nodes.push_back({"", std::move(expression)});
    }
    at = action->next;
    trim = action->trim_after;
  }
  Template result;
  result.text_ = std::string(text);
  result.nodes_ = std::make_shared<const std::vector<TemplateNode>>(std::move(nodes));
  return result;
}

std::string Template::render(const TemplateData& data) const {
  std::string text;
  if (nodes_ == nullptr) return text;
  for (const TemplateNode& node : *nodes_) {
    text += node.action ? to_text(evaluate(*node.action, data)) : node.text;
    if (text.size() > max_rendered_bytes) break;
  }
  cut(text);
  return text;
}

}  // namespace sidewatch
