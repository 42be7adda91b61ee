// See parser.h.

#include "alerting/template/parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "alerting/template/functions.h"

namespace sidewatch {
namespace {

using Kind = TemplateToken::Kind;
using Nodes = std::vector<TemplateNode>;

constexpr std::size_t max_depth = 64;  // of nested actions and parentheses

struct Stop {};  // the mistake is noted

class Parser {
 public:
  Parser(std::vector<TemplateToken> tokens, TemplateMistake& mistake) : tokens_(std::move(tokens)), mistake_(mistake) {}

  TemplateTree parse() {
    tree_.nodes = list(0);
    if (is(Kind::open)) fail(here().offset, "{{" + word_inside() + "}} without a block that it belongs to");
    return std::move(tree_);
  }

 private:
  [[noreturn]] void fail(std::size_t offset, std::string what) {
    mistake_ = {offset, std::move(what)};
    throw Stop{};
  }

  // Go reads it.
  void note(std::size_t offset, std::string what) {
    if (!tree_.certain) tree_.certain = TemplateMistake{offset, std::move(what)};
  }

  const TemplateToken& here() const { return tokens_[at_]; }
  const TemplateToken& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool is(Kind kind) const { return here().kind == kind; }
  TemplateToken take() { return std::move(tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]); }
  bool is_word(const TemplateToken& token, std::string_view word) const {
    return token.kind == Kind::identifier && token.text == word;
  }
  std::string word_inside() const { return next().kind == Kind::identifier ? next().text : ""; }

  void expect_close(std::string_view after) {
    if (!is(Kind::close)) fail(here().offset, "nothing stands behind " + std::string(after) + " but '}}'");
    take();
  }

  // Nodes up to {{end}}, {{else}} or the end of the text; that is left to the caller.
  Nodes list(std::size_t depth) {
    if (depth > max_depth) fail(here().offset, "blocks are nested too deeply");
    Nodes nodes;
    while (!is(Kind::end)) {
      if (is(Kind::text)) {
        const std::size_t offset = here().offset;
        nodes.push_back({TemplateNode::Kind::text, offset, take().text, {}, {}, {}});
        continue;
      }
      const std::string word = word_inside();
      if (word == "end" || word == "else") return nodes;
      if (auto node = action(depth)) nodes.push_back(std::move(*node));
    }
    return nodes;
  }

  std::optional<TemplateNode> action(std::size_t depth) {
    const std::size_t offset = take().offset;
    const std::string word = is(Kind::identifier) ? here().text : "";
    if (word == "if") return take(), branch(TemplateNode::Kind::condition, offset, depth);
    if (word == "with") return take(), branch(TemplateNode::Kind::with, offset, depth);
    if (word == "range") return take(), branch(TemplateNode::Kind::range, offset, depth);
    if (word == "template") return take(), call(offset, depth);
    if (word == "block") return take(), block(offset, depth);
    if (word == "define") return take(), define(offset, depth), std::nullopt;
    if (word == "break" || word == "continue") return take(), jump(word, offset);
    TemplateNode node{TemplateNode::Kind::action, offset, "", pipeline(depth, 1), {}, {}};
    expect_close("a value");
    return node;
  }

  TemplateNode branch(TemplateNode::Kind kind, std::size_t offset, std::size_t depth) {
    const std::size_t known = variables_.size();
    TemplateNode node{kind, offset, "", pipeline(depth, kind == TemplateNode::Kind::range ? 2 : 1), {}, {}};
    expect_close("the condition");
    if (kind == TemplateNode::Kind::range) ++ranges_;
    node.body = list(depth + 1);
    if (kind == TemplateNode::Kind::range) --ranges_;
    if (is_word(next(), "else") && is(Kind::open)) otherwise(node, depth);
    else end(offset);
    variables_.resize(known);
    return node;
  }

  // {{else}} .. {{end}}, or {{else if}} and {{else with}}, which share the {{end}}.
  void otherwise(TemplateNode& node, std::size_t depth) {
    if (depth > max_depth) fail(here().offset, "blocks are nested too deeply");
    take();
    const std::size_t offset = take().offset;
    const bool again = is_word(here(), "if") || is_word(here(), "with");
    if (again) {
      if (node.kind == TemplateNode::Kind::range) fail(here().offset, "{{else}} of a range stands alone");
      const auto kind = is_word(here(), "if") ? TemplateNode::Kind::condition : TemplateNode::Kind::with;
      take();
      node.otherwise.push_back(branch(kind, offset, depth + 1));
      return;
    }
    expect_close("else");
    node.otherwise = list(depth + 1);
    end(node.offset);
  }

  void end(std::size_t opened) {
    if (!is(Kind::open) || !is_word(next(), "end")) {
      if (is(Kind::open)) fail(here().offset, "unexpected {{" + word_inside() + "}}");
      fail(opened, "this block is never closed with {{end}}");
    }
    take();
    take();
    expect_close("end");
  }

  std::string template_name() {
    const auto* name = is(Kind::literal) ? here().literal.as<std::string>() : nullptr;
    if (name == nullptr) fail(here().offset, "the template's name stands here, as in {{template \"name\" .}}");
    std::string text = *name;
    take();
    return text;
  }

  TemplateNode call(std::size_t offset, std::size_t depth) {
    TemplateNode node{TemplateNode::Kind::call, offset, template_name(), {}, {}, {}};
    if (!is(Kind::close)) node.pipeline = pipeline(depth, 1);
    expect_close("the template's data");
    return node;
  }

  // What is defined knows no variables but $.
  Nodes body_of(const std::string& name, std::size_t offset, std::size_t depth) {
    auto variables = std::exchange(variables_, {""});
    const auto ranges = std::exchange(ranges_, 0);
    Nodes nodes = list(depth + 1);
    if (is(Kind::open) && is_word(next(), "else")) fail(here().offset, "{{else}} in the template \"" + name + "\"");
    end(offset);
    variables_ = std::move(variables);
    ranges_ = ranges;
    return nodes;
  }

  void define(std::size_t offset, std::size_t depth) {
    if (depth > 0) fail(offset, "{{define}} stands at the top only, in no other block");
    const std::string name = template_name();
    expect_close("the template's name");
    add(name, offset, body_of(name, offset, depth));
  }

  TemplateNode block(std::size_t offset, std::size_t depth) {
    TemplateNode node{TemplateNode::Kind::call, offset, template_name(), {}, {}, {}};
    node.pipeline = pipeline(depth, 1);
    expect_close("the block's data");
    add(node.text, offset, body_of(node.text, offset, depth));
    return node;
  }

  void add(const std::string& name, std::size_t offset, Nodes body) {
    const bool is_new = tree_.defined.emplace(name, std::move(body)).second;
    if (!is_new) fail(offset, "the template \"" + name + "\" is defined twice");
  }

  TemplateNode jump(const std::string& word, std::size_t offset) {
    if (ranges_ == 0) fail(offset, "{{" + word + "}} outside of a range");
    expect_close(word);
    const auto kind = word == "break" ? TemplateNode::Kind::break_loop : TemplateNode::Kind::continue_loop;
    return {kind, offset, "", {}, {}, {}};
  }

  // --- pipelines ---

  TemplatePipeline pipeline(std::size_t depth, std::size_t most_variables) {
    if (depth > max_depth) fail(here().offset, "parentheses are nested too deeply");
    TemplatePipeline pipeline;
    pipeline.offset = here().offset;
    std::vector<std::string> declared = variables_set(pipeline, most_variables);
    if (!at_operand()) fail(here().offset, "the action is empty");
    pipeline.commands.push_back(command(depth));
    while (is(Kind::pipe)) {
      take();
      if (is(Kind::close) || is(Kind::right_parenthesis)) {
        note(here().offset, "a function is missing after '|'");
        break;
      }
      if (!at_operand()) fail(here().offset, "a function is missing after '|'");
      if (is(Kind::literal) || is(Kind::dot) || is_word(here(), "nil") || is_word(here(), "true") ||
          is_word(here(), "false")) {
        fail(here().offset, "only a function can stand after '|'");
      }
      pipeline.commands.push_back(command(depth));
    }
    variables_.insert(variables_.end(), declared.begin(), declared.end());
    return pipeline;
  }

  bool at_operand() const {
    return !is(Kind::close) && !is(Kind::pipe) && !is(Kind::right_parenthesis) && !is(Kind::end);
  }

  // `$x :=`, `$x =`, `$i, $x :=`. A variable that is declared is known behind the pipeline only.
  std::vector<std::string> variables_set(TemplatePipeline& pipeline, std::size_t most) {
    if (!is(Kind::variable)) return {};
    const Kind after = next().kind;
    if (after != Kind::declare && after != Kind::assign && !(after == Kind::comma && most > 1)) return {};
    while (true) {
      if (!is(Kind::variable)) fail(here().offset, "a variable is missing after ','");
      const std::size_t offset = here().offset;
      pipeline.variables.push_back(take().text);
      if (!is(Kind::comma)) {
        pipeline.assigns = is(Kind::assign);
        if (pipeline.assigns) {
          for (const auto& name : pipeline.variables) {
            if (!known(name)) note(offset, unknown(name));
          }
        }
        break;
      }
      take();
      if (pipeline.variables.size() == most) fail(offset, "too many variables");
    }
    if (!is(Kind::assign) && !is(Kind::declare)) fail(here().offset, "':=' is missing behind the variables");
    take();
    return pipeline.variables;
  }

  TemplateCommand command(std::size_t depth) {
    TemplateCommand command;
    while (at_operand()) {
      if (!command.operands.empty() && !here().spaced) fail(here().offset, "white space is missing between two values");
      command.operands.push_back(operand(depth));
    }
    if (command.operands.size() == 1 && command.operands[0].kind == TemplateOperand::Kind::nil) {
      note(command.operands[0].offset, "nil is not a value to show");
    }
    return command;
  }

  TemplateOperand operand(std::size_t depth) {
    TemplateOperand operand;
    operand.offset = here().offset;
    switch (here().kind) {
      case Kind::literal:
        operand.kind = TemplateOperand::Kind::literal;
        operand.literal = take().literal;
        break;
      case Kind::dot: take(); break;
      case Kind::field: operand.fields.push_back(take().text); break;
      case Kind::variable:
        operand.kind = TemplateOperand::Kind::variable;
        operand.name = take().text;
        check_known(operand.name, operand.offset);
        break;
      case Kind::identifier: word(operand); break;
      case Kind::left_parenthesis: parenthesis(operand, depth); break;
      default: fail(here().offset, "unexpected " + name_of(here()) + " in the action");
    }
    const bool takes_fields = operand.kind != TemplateOperand::Kind::literal && operand.kind != TemplateOperand::Kind::nil &&
                              operand.kind != TemplateOperand::Kind::function;
    while (takes_fields && is(Kind::field) && !here().spaced) operand.fields.push_back(take().text);
    return operand;
  }

  static std::string name_of(const TemplateToken& token) {
    switch (token.kind) {
      case Kind::comma: return "','";
      case Kind::declare: return "':='";
      case Kind::assign: return "'='";
      default: return "'" + token.text + "'";
    }
  }

  void word(TemplateOperand& operand) {
    const std::string text = take().text;
    operand.kind = TemplateOperand::Kind::literal;
    if (text == "true" || text == "false") return void(operand.literal.content = text == "true");
    operand.kind = TemplateOperand::Kind::nil;
    if (text == "nil") return;
    operand.kind = TemplateOperand::Kind::function;
    operand.function = find_template_function(text);
    if (operand.function != nullptr) return;
    if (text == "value" || text == "labels" || text == "level") fail(operand.offset, "write '$" + text + "'");
    fail(operand.offset, unknown_template_function(text));
  }

  void parenthesis(TemplateOperand& operand, std::size_t depth) {
    take();
    operand.kind = TemplateOperand::Kind::pipeline;
    operand.pipeline = std::make_shared<TemplatePipeline>(pipeline(depth + 1, 1));
    if (!is(Kind::right_parenthesis)) fail(operand.offset, "'(' is never closed");
    take();
  }

  bool known(const std::string& name) const {
    return std::find(variables_.begin(), variables_.end(), name) != variables_.end();
  }
  void check_known(const std::string& name, std::size_t offset) {
    if (!known(name)) fail(offset, unknown(name));
  }
  std::string unknown(const std::string& name) const {
    std::string all;
    for (const auto& variable : variables_) {
      if (!variable.empty()) all += (all.empty() ? "$" : ", $") + variable;
    }
    return "unknown variable '$" + name + "'; known are " + (all.empty() ? "$ alone" : all);
  }

  std::vector<TemplateToken> tokens_;
  std::size_t at_ = 0;
  TemplateMistake& mistake_;
  TemplateTree tree_;
  std::size_t ranges_ = 0;  // that are open
  std::vector<std::string> variables_{"", "labels", "value", "level", "externalLabels", "externalURL"};
};

}  // namespace

std::optional<TemplateTree> parse_template(std::string_view text, TemplateMistake& mistake) {
  auto tokens = read_tokens(text, mistake);
  if (!tokens) return std::nullopt;
  try {
    return Parser(std::move(*tokens), mistake).parse();
  } catch (const Stop&) {
    return std::nullopt;
  }
}

}  // namespace sidewatch
