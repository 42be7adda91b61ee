// The functions that annotation templates can call, as Prometheus defines them (template/template.go): humanize,
// humanize1024, humanizeDuration, humanizePercentage, printf, toUpper, toLower. They never fail: what is not a number
// stays the text it is.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sidewatch {

using TemplateValue = std::variant<double, std::string>;

struct TemplateFunction {
  std::string_view name;
  std::size_t min_arguments = 1;
  std::size_t max_arguments = 1;
  TemplateValue (*call)(std::span<const TemplateValue> arguments) = nullptr;
};

const TemplateFunction* find_template_function(std::string_view name);  // null: there is none
std::string template_function_names();                                  // "humanize, humanize1024, ..."

// The value as it stands in a text: the shortest digits that read back equal.
std::string to_text(const TemplateValue& value);

// What is wrong with a printf format that is given `arguments` values; absent: nothing.
std::optional<std::string> printf_problem(std::string_view format, std::size_t arguments);

}  // namespace sidewatch
