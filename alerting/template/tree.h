// A template once read: what stands in it, in order, and the templates that it defines.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerting/template/lexer.h"
#include "alerting/template/value.h"

namespace sidewatch {

struct TemplateFunction;
struct TemplatePipeline;

// One value: a literal, the dot, a variable, what a function or parentheses give, each with `.fields` behind it.
struct TemplateOperand {
  enum class Kind { literal, nil, dot, variable, function, pipeline };
  Kind kind = Kind::dot;
  std::size_t offset = 0;
  TemplateValue literal;
  std::string name;                            // of the variable, without '$'
  const TemplateFunction* function = nullptr;
  std::shared_ptr<TemplatePipeline> pipeline;  // in parentheses
  std::vector<std::string> fields;
};

// A value alone, or a function with its arguments.
struct TemplateCommand {
  std::vector<TemplateOperand> operands;
};

// Each command gets what the one before it gives as its last argument.
struct TemplatePipeline {
  std::size_t offset = 0;
  std::vector<std::string> variables;  // that it sets; a range sets up to two
  bool assigns = false;                // to variables that exist: `=`
  std::vector<TemplateCommand> commands;
};

struct TemplateNode {
  enum class Kind { text, action, condition, with, range, call, break_loop, continue_loop };
  Kind kind = Kind::text;
  std::size_t offset = 0;
  std::string text;                     // text; of a call: the template's name
  TemplatePipeline pipeline;            // of a call: none, or one that gives its data
  std::vector<TemplateNode> body;
  std::vector<TemplateNode> otherwise;  // of condition, with, range
};

struct TemplateTree {
  std::vector<TemplateNode> nodes;
  std::map<std::string, std::vector<TemplateNode>> defined;
  std::optional<TemplateMistake> certain;  // the first thing that Go reads although it cannot but fail
};

}  // namespace sidewatch
