// See renderer.h.

#include "alerting/template/renderer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "alerting/template/functions.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_calls = 32;  // of templates in templates

enum class Flow { on, broken, continued };

class Renderer {
 public:
  Renderer(const TemplateTree& tree, const TemplateData& data) : tree_(tree), data_(data) {}

  std::string render() {
    push("", {TemplateRoot{}});
    push("labels", field_of({TemplateRoot{}}, "Labels"));
    push("value", {data_.value});
    push("level", {std::string(to_string(data_.level))});
    push("externalLabels", field_of({TemplateRoot{}}, "ExternalLabels"));
    push("externalURL", field_of({TemplateRoot{}}, "ExternalURL"));
    walk(tree_.nodes, {TemplateRoot{}});
    return std::move(out_);
  }

 private:
  struct Variable {
    std::string name;
    TemplateValue value;
  };

  [[noreturn]] static void fail(std::string what) { throw TemplateFailure{std::move(what)}; }

  void push(std::string name, TemplateValue value) { variables_.push_back({std::move(name), std::move(value)}); }
  void pop_to(std::size_t count) { variables_.resize(count); }

  void step() {
    if (budget_.steps == 0) fail("the template takes too many steps");
    --budget_.steps;
  }

  void write(const std::string& text) {
    if (out_.size() <= max_rendered_bytes) out_ += text;
  }

  // --- nodes ---

  Flow walk(const std::vector<TemplateNode>& nodes, const TemplateValue& dot) {
    for (const TemplateNode& node : nodes) {
      step();
      const Flow flow = walk(node, dot);
      if (flow != Flow::on) return flow;
    }
    return Flow::on;
  }

  Flow walk(const TemplateNode& node, const TemplateValue& dot) {
    switch (node.kind) {
      case TemplateNode::Kind::text: write(node.text); return Flow::on;
      case TemplateNode::Kind::action: show(node, dot); return Flow::on;
      case TemplateNode::Kind::condition:
      case TemplateNode::Kind::with: return choose(node, dot);
      case TemplateNode::Kind::range: return loop(node, dot);
      case TemplateNode::Kind::call: call(node, dot); return Flow::on;
      case TemplateNode::Kind::break_loop: return Flow::broken;
      case TemplateNode::Kind::continue_loop: return Flow::continued;
    }
    return Flow::on;
  }

  void show(const TemplateNode& node, const TemplateValue& dot) {
    const TemplateValue value = evaluate(node.pipeline, dot);
    if (node.pipeline.variables.empty()) write(to_text(value, data_.numbers));
  }

  Flow choose(const TemplateNode& node, const TemplateValue& dot) {
    const std::size_t known = variables_.size();
    const TemplateValue value = evaluate(node.pipeline, dot);
    const bool holds = is_true(value);
    const bool moves = node.kind == TemplateNode::Kind::with;
    const Flow flow = holds ? walk(node.body, moves ? value : dot) : walk(node.otherwise, dot);
    pop_to(known);
    return flow;
  }

  Flow loop(const TemplateNode& node, const TemplateValue& dot) {
    const std::size_t known = variables_.size();
    const TemplateValue value = value_of(node.pipeline, dot);
    const auto elements = elements_of(value);
    Flow flow = Flow::on;
    if (elements.empty()) flow = walk(node.otherwise, dot);
    for (const auto& [key, element] : elements) {
      step();
      set_loop_variables(node.pipeline, key, element);
      const Flow inner = walk(node.body, element);
      pop_to(known);
      if (inner == Flow::broken) break;
    }
    pop_to(known);
    return elements.empty() ? flow : Flow::on;
  }

  using Element = std::pair<TemplateValue, TemplateValue>;
  static std::vector<Element> elements_of(const TemplateValue& value) {
    std::vector<Element> elements;
    if (const auto* samples = value.as_shared<TemplateSamples>()) {
      for (std::size_t i = 0; i < samples->size(); ++i) {
        elements.push_back({{static_cast<std::int64_t>(i)}, {(*samples)[i]}});
      }
    } else if (const auto* labels = value.as_shared<Labels>()) {
      for (const auto& label : *labels) elements.push_back({{label.name}, {label.value}});
    } else if (const auto* arguments = value.as_shared<TemplateArguments>()) {
      for (const auto& [name, argument] : *arguments) elements.push_back({{name}, argument});
    } else if (value.as<std::monostate>() == nullptr) {
      fail("range can't iterate over " + to_text(value, NumberStyle::as_go));
    }
    return elements;
  }

  // One variable is the element; of two the first is its key.
  void set_loop_variables(const TemplatePipeline& pipeline, const TemplateValue& key, const TemplateValue& element) {
    const auto& names = pipeline.variables;
    const auto set = [&](const std::string& name, const TemplateValue& value) {
      if (pipeline.assigns) assign(name, value);
      else push(name, value);
    };
    if (names.size() == 1) set(names[0], element);
    if (names.size() < 2) return;
    set(names[0], key);
    set(names[1], element);
  }

  void call(const TemplateNode& node, const TemplateValue& dot) {
    const auto found = tree_.defined.find(node.text);
    if (found == tree_.defined.end()) fail("template \"" + node.text + "\" not defined");
    if (++calls_ > max_calls) fail("exceeded maximum template depth (" + std::to_string(max_calls) + ")");
    const TemplateValue data = node.pipeline.commands.empty() ? TemplateValue{} : evaluate(node.pipeline, dot);
    auto outside = std::exchange(variables_, {});
    push("", data);
    walk(found->second, data);
    variables_ = std::move(outside);
    --calls_;
  }

  // --- values ---

  TemplateValue evaluate(const TemplatePipeline& pipeline, const TemplateValue& dot) {
    TemplateValue value = value_of(pipeline, dot);
    for (const std::string& name : pipeline.variables) {
      if (pipeline.assigns) assign(name, value);
      else push(name, value);
    }
    return value;
  }

  TemplateValue value_of(const TemplatePipeline& pipeline, const TemplateValue& dot) {
    TemplateValue value;
    bool first = true;
    for (const TemplateCommand& command : pipeline.commands) {
      value = evaluate(command, dot, first ? nullptr : &value);
      first = false;
    }
    return value;
  }

  TemplateValue evaluate(const TemplateCommand& command, const TemplateValue& dot, const TemplateValue* piped) {
    const TemplateOperand& head = command.operands.front();
    if (head.kind == TemplateOperand::Kind::function) return apply(head, command, dot, piped);
    if (head.kind == TemplateOperand::Kind::nil) fail("nil is not a command");
    if (command.operands.size() > 1 || piped != nullptr) fail("can't give argument to non-function");
    return evaluate(head, dot);
  }

  TemplateValue apply(const TemplateOperand& head, const TemplateCommand& command, const TemplateValue& dot,
                      const TemplateValue* piped) {
    step();
    const TemplateFunction& function = *head.function;
    const std::size_t count = command.operands.size() - 1 + (piped != nullptr ? 1 : 0);
    if (count < function.min_arguments || count > function.max_arguments) {
      fail("wrong number of args for " + std::string(function.name) + ": want " +
           (count < function.min_arguments ? (function.max_arguments == any_arguments ? "at least " : "") +
                                                 std::to_string(function.min_arguments)
                                           : std::to_string(function.max_arguments)) +
           " got " + std::to_string(count));
    }
    if (function.call == nullptr) return choose_first(function.name == "or", command, dot, piped);
    std::vector<TemplateValue> arguments;
    for (std::size_t i = 1; i < command.operands.size(); ++i) arguments.push_back(evaluate(command.operands[i], dot));
    if (piped != nullptr) arguments.push_back(*piped);
    try {
      return function.call({arguments, data_, budget_});
    } catch (const TemplateFailure& failure) {
      const bool about_type = failure.what.starts_with("wrong type for value");
      fail((about_type ? "" : "error calling " + std::string(function.name) + ": ") + failure.what);
    }
  }

  // `and` gives the first argument that is not true, `or` the first that is, and no later one is looked at.
  TemplateValue choose_first(bool truth, const TemplateCommand& command, const TemplateValue& dot,
                             const TemplateValue* piped) {
    TemplateValue value;
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      value = evaluate(command.operands[i], dot);
      if (is_true(value) == truth) return value;
    }
    return piped != nullptr ? *piped : value;
  }

  TemplateValue evaluate(const TemplateOperand& operand, const TemplateValue& dot) {
    TemplateValue value;
    switch (operand.kind) {
      case TemplateOperand::Kind::literal: return operand.literal;
      case TemplateOperand::Kind::nil: return {};
      case TemplateOperand::Kind::dot: value = dot; break;
      case TemplateOperand::Kind::variable: value = find(operand.name).value; break;
      case TemplateOperand::Kind::function: return apply(operand, {{operand}}, dot, nullptr);
      case TemplateOperand::Kind::pipeline: value = evaluate(*operand.pipeline, dot); break;
    }
    for (const std::string& name : operand.fields) value = field_of(value, name);
    return value;
  }

  Variable& find(const std::string& name) {
    const auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                                    [&](const Variable& variable) { return variable.name == name; });
    if (found == variables_.rend()) fail("undefined variable: $" + name);
    return *found;
  }

  void assign(const std::string& name, TemplateValue value) { find(name).value = std::move(value); }

  TemplateValue field_of(const TemplateValue& value, const std::string& name) const {
    if (value.as<TemplateRoot>() != nullptr) return root_field(name);
    if (const auto* labels = value.as_shared<Labels>()) return {std::string(labels->get(name))};
    if (const auto* sample = value.as_shared<TemplateSample>()) {
      if (name == "Labels") return {std::make_shared<const Labels>(sample->labels)};
      if (name == "Value") return {sample->value};
    }
    if (const auto* arguments = value.as_shared<TemplateArguments>()) {
      const auto found = arguments->find(name);
      return found == arguments->end() ? TemplateValue{} : found->second;
    }
    if (value.as<std::monostate>() != nullptr) fail("nil data; no entry for key \"" + name + "\"");
    fail("can't evaluate field " + name + " in type " + std::string(type_name(value)));
  }

  TemplateValue root_field(const std::string& name) const {
    const TemplateScope* scope = data_.scope;
    if (name == "Labels") return {std::make_shared<const Labels>(data_.labels)};
    if (name == "Value") return {data_.value};
    if (name == "Level") return {std::string(to_string(data_.level))};
    if (name == "ExternalLabels") return {std::make_shared<const Labels>(scope == nullptr ? Labels{} : scope->external_labels)};
    if (name == "ExternalURL") return {scope == nullptr ? std::string() : scope->external_url};
    fail("can't evaluate field " + name + " in type struct");
  }

  const TemplateTree& tree_;
  const TemplateData& data_;
  TemplateBudget budget_;
  std::vector<Variable> variables_;
  std::size_t calls_ = 0;
  std::string out_;
};

}  // namespace

std::string render_tree(const TemplateTree& tree, const TemplateData& data) { return Renderer(tree, data).render(); }

}  // namespace sidewatch
