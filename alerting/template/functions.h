// The functions that templates can call: those of Go's text/template and those of Prometheus (template/template.go).
//
// A function fails by throwing a TemplateFailure, which the renderer turns into the text that stands in the place of
// the whole template.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template.h"
#include "alerting/template/value.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// What one rendering may still use up.
struct TemplateBudget {
  std::size_t steps = 100'000;  // nodes, iterations and calls
  std::size_t queries = 20;
};

struct TemplateCall {
  std::span<const TemplateValue> arguments;
  const TemplateData& data;
  TemplateBudget& budget;
};

struct TemplateFunction {
  std::string_view name;
  std::size_t min_arguments = 1;
  std::size_t max_arguments = 1;
  TemplateValue (*call)(const TemplateCall& call) = nullptr;  // null: `and`, `or`, which do not evaluate all arguments
};

inline constexpr std::size_t any_arguments = 1000;

const TemplateFunction* find_template_function(std::string_view name);  // null: there is none
std::string template_function_names();                                  // "and, args, call, ...", in order of name
std::string unknown_template_function(std::string_view name);           // what to say of a name that is none

// By family: each in a file of its own.
std::span<const TemplateFunction> core_template_functions();    // comparison, len, index, print, escapes
std::span<const TemplateFunction> number_template_functions();  // humanize and its kin
std::span<const TemplateFunction> text_template_functions();    // toUpper, match, stripPort, ...
std::span<const TemplateFunction> query_template_functions();   // query, first, value, label, ...

// --- what functions share ---

// The argument as a text; anything else fails as in Go: "wrong type for value; expected string; got float64".
const std::string& text_argument(const TemplateCall& call, std::size_t index);
const TemplateSample& sample_argument(const TemplateCall& call, std::size_t index);
const TemplateSamples& samples_argument(const TemplateCall& call, std::size_t index);

// A number, or a text that is one.
double number_argument(const TemplateCall& call, std::size_t index);

}  // namespace sidewatch
