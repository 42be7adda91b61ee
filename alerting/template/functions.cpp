// The table of all functions, and how their arguments are read; see functions.h.

#include "alerting/template/functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/wording.h"

namespace sidewatch {
namespace {

const std::vector<TemplateFunction>& all_functions() {
  static const std::vector<TemplateFunction> all = [] {
    std::vector<TemplateFunction> functions;
    for (const auto family : {core_template_functions(), number_template_functions(), text_template_functions(),
                              query_template_functions()}) {
      functions.insert(functions.end(), family.begin(), family.end());
    }
    std::sort(functions.begin(), functions.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return functions;
  }();
  return all;
}

[[noreturn]] void wrong_type(std::string_view expected, const TemplateValue& got) {
  throw TemplateFailure{"wrong type for value; expected " + std::string(expected) + "; got " +
                        std::string(type_name(got))};
}

// As Go's strconv.ParseFloat reads it.
double parse_number(const std::string& text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool signed_twice = digits.starts_with('-');
  if (end != digits.data() + digits.size() || digits.empty() || error == std::errc::invalid_argument || signed_twice) {
    throw TemplateFailure{"strconv.ParseFloat: parsing \"" + text + "\": invalid syntax"};
  }
  if (error == std::errc::result_out_of_range) {
    throw TemplateFailure{"strconv.ParseFloat: parsing \"" + text + "\": value out of range"};
  }
  return negative ? -value : value;
}

}  // namespace

const TemplateFunction* find_template_function(std::string_view name) {
  const auto& all = all_functions();
  const auto found = std::lower_bound(all.begin(), all.end(), name,
                                      [](const TemplateFunction& f, std::string_view key) { return f.name < key; });
  return found == all.end() || found->name != name ? nullptr : &*found;
}

std::string template_function_names() {
  std::string names;
  for (const auto& function : all_functions()) names += (names.empty() ? "" : ", ") + std::string(function.name);
  return names;
}

std::string unknown_template_function(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& function : all_functions()) known.push_back(function.name);
  const std::string text = "unknown function '" + std::string(name) + "'";
  if (const auto meant = config::nearest(name, known)) return text + ", did you mean '" + std::string(*meant) + "'?";
  return text + "; known are " + template_function_names();
}

const std::string& text_argument(const TemplateCall& call, std::size_t index) {
  const auto* text = call.arguments[index].as<std::string>();
  if (text == nullptr) wrong_type("string", call.arguments[index]);
  return *text;
}

const TemplateSample& sample_argument(const TemplateCall& call, std::size_t index) {
  const auto* sample = call.arguments[index].as_shared<TemplateSample>();
  if (sample == nullptr) wrong_type("*template.sample", call.arguments[index]);
  return *sample;
}

const TemplateSamples& samples_argument(const TemplateCall& call, std::size_t index) {
  const auto* samples = call.arguments[index].as_shared<TemplateSamples>();
  if (samples == nullptr) wrong_type("template.queryResult", call.arguments[index]);
  return *samples;
}

double number_argument(const TemplateCall& call, std::size_t index) {
  const TemplateValue& value = call.arguments[index];
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* text = value.as<std::string>()) return parse_number(*text);
  throw TemplateFailure{"can't convert " + std::string(type_name(value)) + " to float"};
}

}  // namespace sidewatch
