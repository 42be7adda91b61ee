// See lint.h.

#include "alerting/template/lint.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "alerting/template/functions.h"
#include "alerting/template/printf.h"

namespace sidewatch {
namespace {

using Kind = TemplateOperand::Kind;

struct Found {
  TemplateMistake mistake;
};

[[noreturn]] void report(std::size_t offset, std::string what) { throw Found{{offset, std::move(what)}}; }

// A value of the type that the operand surely has; absent: it may be anything.
std::optional<TemplateValue> sample_of(const TemplateOperand& operand, bool dot_is_root) {
  const auto& fields = operand.fields;
  if (operand.kind == Kind::literal) return operand.literal;
  if (operand.kind == Kind::variable && operand.name == "value" && fields.empty()) return TemplateValue{0.5};
  if (operand.kind == Kind::variable && operand.name == "labels" && fields.size() == 1) return TemplateValue{std::string("x")};
  if (operand.kind == Kind::dot && dot_is_root && fields.size() == 1 && fields[0] == "Value") return TemplateValue{0.5};
  if (operand.kind == Kind::dot && dot_is_root && fields.size() == 2 && fields[0] == "Labels") {
    return TemplateValue{std::string("x")};
  }
  return std::nullopt;
}

class Checker {
 public:
  explicit Checker(const TemplateTree& tree) : tree_(tree) {}

  void check() {
    walk(tree_.nodes, true);
    for (const auto& [name, nodes] : tree_.defined) walk(nodes, false);
  }

 private:
  void walk(const std::vector<TemplateNode>& nodes, bool dot_is_root) {
    for (const TemplateNode& node : nodes) {
      check(node.pipeline, dot_is_root);
      if (node.kind == TemplateNode::Kind::action) check_shown(node.pipeline);
      if (node.kind == TemplateNode::Kind::call && !tree_.defined.contains(node.text)) {
        report(node.offset, "the template \"" + node.text + "\" is not defined here");
      }
      const bool moves = node.kind == TemplateNode::Kind::with || node.kind == TemplateNode::Kind::range;
      walk(node.body, dot_is_root && !moves);
      walk(node.otherwise, dot_is_root);
    }
  }

  // {{ $labels }} alone shows "map[...]".
  static void check_shown(const TemplatePipeline& pipeline) {
    if (!pipeline.variables.empty() || pipeline.commands.size() != 1 || pipeline.commands[0].operands.size() != 1) return;
    const TemplateOperand& shown = pipeline.commands[0].operands[0];
    if (shown.kind == Kind::variable && shown.name == "labels" && shown.fields.empty()) {
      report(shown.offset, "name the label: $labels.NAME");
    }
  }

  void check(const TemplatePipeline& pipeline, bool dot_is_root) {
    for (std::size_t i = 0; i < pipeline.commands.size(); ++i) check(pipeline, i, dot_is_root);
  }

  void check(const TemplatePipeline& pipeline, std::size_t index, bool dot_is_root) {
    const TemplateCommand& command = pipeline.commands[index];
    for (const TemplateOperand& operand : command.operands) check(operand, dot_is_root);
    const TemplateOperand& head = command.operands.front();
    const bool piped = index > 0;
    if (head.kind != Kind::function) {
      if (piped) report(head.offset, "only a function can stand after '|'");
      if (command.operands.size() == 1) return;
      report(command.operands[1].offset, "two values follow each other; join them with '|' or a function");
    }
    const std::size_t count = command.operands.size() - 1 + (piped ? 1 : 0);
    const TemplateFunction& function = *head.function;
    if (count < function.min_arguments || count > function.max_arguments) {
      const std::string name(function.name);
      if (name == "value" && count == 0) report(head.offset, "write '$value'");
      report(head.offset, "'" + name + "' is given " + std::to_string(count) + " values" +
                              (count == 0 ? ", write '$value | " + name + "'" : ""));
    }
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      const TemplateOperand& operand = command.operands[i];
      if (operand.kind == Kind::function && operand.function->min_arguments > 0) {
        report(operand.offset, "write a function with its values in parentheses: (" +
                                   std::string(operand.function->name) + " ...)");
      }
    }
    std::vector<std::optional<TemplateValue>> arguments;
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      arguments.push_back(sample_of(command.operands[i], dot_is_root));
    }
    if (piped) arguments.push_back(sample_of_command(pipeline.commands[index - 1], index == 1, dot_is_root));
    const bool literal_format = command.operands.size() > 1 && command.operands[1].kind == Kind::literal;
    if (function.name == "printf" && literal_format) check_printf(head, arguments);
    check_comparison(head, arguments);
  }

  static std::optional<TemplateValue> sample_of_command(const TemplateCommand& command, bool first, bool dot_is_root) {
    return first && command.operands.size() == 1 ? sample_of(command.operands[0], dot_is_root) : std::nullopt;
  }

  void check(const TemplateOperand& operand, bool dot_is_root) {
    if (operand.kind == Kind::pipeline) check(*operand.pipeline, dot_is_root);
    const auto& fields = operand.fields;
    if (operand.kind == Kind::dot && dot_is_root && !fields.empty()) {
      static constexpr std::string_view known[] = {"Labels", "Value", "Level", "ExternalLabels", "ExternalURL"};
      if (std::find(std::begin(known), std::end(known), fields[0]) == std::end(known)) {
        report(operand.offset, "unknown field '." + fields[0] +
                                   "'; known are .Value, .Labels.NAME, .Level, .ExternalLabels.NAME and .ExternalURL");
      }
    }
    if (operand.kind != Kind::variable) return;
    const bool labels = operand.name == "labels" || operand.name == "externalLabels";
    const bool simple = operand.name == "value" || operand.name == "level" || operand.name == "externalURL";
    if (fields.size() > (labels ? 1U : simple ? 0U : fields.size())) {
      report(operand.offset, "only $labels has parts: $labels.NAME");
    }
  }

  static void check_comparison(const TemplateOperand& head, const std::vector<std::optional<TemplateValue>>& arguments) {
    const std::string_view name = head.function->name;
    if (name != "eq" && name != "ne" && name != "lt" && name != "le" && name != "gt" && name != "ge") return;
    bool number = false;
    bool integer = false;
    for (const auto& argument : arguments) {
      number = number || (argument && argument->as<double>() != nullptr);
      integer = integer || (argument && argument->as<std::int64_t>() != nullptr);
    }
    if (number && integer) report(head.offset, "a whole number cannot be compared with $value; write 5.0 instead of 5");
  }

  // A format that is known is tried on values of the types that are known.
  static void check_printf(const TemplateOperand& head, const std::vector<std::optional<TemplateValue>>& arguments) {
    const auto* format = arguments[0] ? arguments[0]->as<std::string>() : nullptr;
    if (format == nullptr) return;
    std::vector<TemplateValue> values;
    bool all_known = true;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      all_known = all_known && arguments[i];
      values.push_back(arguments[i].value_or(TemplateValue{}));
    }
    const std::string printed = print_formatted(*format, values);
    const std::size_t bad = printed.find("%!");
    if (bad == std::string::npos) return;
    const std::string_view problem = std::string_view(printed).substr(bad);
    if (problem.find("(MISSING)") != std::string_view::npos || problem.find("(EXTRA ") != std::string_view::npos) {
      report(head.offset, "printf is given " + std::to_string(values.size()) + " values, and its format \"" + *format +
                              "\" wants " + (problem.find("(MISSING)") != std::string_view::npos ? "more" : "fewer"));
    }
    if (!all_known) return;
    const std::string verb = problem.size() > 2 && problem[2] != '(' ? "%" + std::string(1, problem[2]) : "a lone %";
    report(head.offset, "printf cannot show this value with " + verb +
                            "; %v shows anything, %s and %q texts, %d whole numbers, %.1f and %g numbers such as $value");
  }

  const TemplateTree& tree_;
};

}  // namespace

std::optional<TemplateMistake> find_mistake(const TemplateTree& tree) {
  if (tree.certain) return tree.certain;
  try {
    Checker(tree).check();
  } catch (const Found& found) {
    return found.mistake;
  }
  return std::nullopt;
}

}  // namespace sidewatch
