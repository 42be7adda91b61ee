// See value.h.

#include "alerting/template/value.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace sidewatch {
namespace {

std::string special(double value) { return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"; }

std::string text_of(const Labels& labels) {
  std::string text = "map[";
  for (const auto& label : labels) text += (text.size() > 4 ? " " : "") + label.name + ":" + label.value;
  return text + "]";
}

// As Go prints a time: 2015-05-26 19:45:26.5 +0000 UTC.
std::string text_of(TemplateTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time.at);
  const std::chrono::year_month_day date(day);
  const auto ms = (time.at - day).count();
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(ms / 3'600'000), static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60));
  std::string text = buffer.data();
  if (ms % 1000 != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%03d", static_cast<int>(ms % 1000));
    text += buffer.data();
    while (text.back() == '0') text.pop_back();
  }
  return text + " +0000 UTC";
}

struct Printer {
  NumberStyle numbers;

  std::string operator()(std::monostate) const { return "<no value>"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    return numbers == NumberStyle::as_go ? number_as_go(value) : number_as_plain(value);
  }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(TemplateTime value) const { return text_of(value); }
  std::string operator()(TemplateRoot) const { return "{}"; }
  std::string operator()(const std::shared_ptr<const Labels>& value) const { return text_of(*value); }
  std::string operator()(const std::shared_ptr<const TemplateSample>& value) const {
    return "{" + text_of(value->labels) + " " + (*this)(value->value) + "}";
  }
  std::string operator()(const std::shared_ptr<const TemplateSamples>& value) const {
    std::string text = "[";
    for (const auto& sample : *value) text += (text.size() > 1 ? " " : "") + (*this)(sample);
    return text + "]";
  }
  std::string operator()(const std::shared_ptr<const TemplateArguments>& value) const {
    std::string text = "map[";
    for (const auto& [name, held] : *value) text += (text.size() > 4 ? " " : "") + name + ":" + to_text(held, numbers);
    return text + "]";
  }
};

struct Typist {
  std::string_view operator()(std::monostate) const { return "<nil>"; }
  std::string_view operator()(bool) const { return "bool"; }
  std::string_view operator()(std::int64_t) const { return "int"; }
  std::string_view operator()(double) const { return "float64"; }
  std::string_view operator()(const std::string&) const { return "string"; }
  std::string_view operator()(TemplateTime) const { return "*time.Time"; }
  std::string_view operator()(TemplateRoot) const { return "struct"; }
  std::string_view operator()(const std::shared_ptr<const Labels>&) const { return "map[string]string"; }
  std::string_view operator()(const std::shared_ptr<const TemplateSample>&) const { return "*template.sample"; }
  std::string_view operator()(const std::shared_ptr<const TemplateSamples>&) const { return "template.queryResult"; }
  std::string_view operator()(const std::shared_ptr<const TemplateArguments>&) const {
    return "map[string]interface {}";
  }
};

struct TruthTeller {
  bool operator()(std::monostate) const { return false; }
  bool operator()(bool value) const { return value; }
  bool operator()(std::int64_t value) const { return value != 0; }
  bool operator()(double value) const { return value != 0; }
  bool operator()(const std::string& value) const { return !value.empty(); }
  bool operator()(TemplateTime) const { return true; }
  bool operator()(TemplateRoot) const { return true; }
  bool operator()(const std::shared_ptr<const Labels>& value) const { return !value->empty(); }
  bool operator()(const std::shared_ptr<const TemplateSample>&) const { return true; }
  bool operator()(const std::shared_ptr<const TemplateSamples>& value) const { return !value->empty(); }
  bool operator()(const std::shared_ptr<const TemplateArguments>& value) const { return !value->empty(); }
};

}  // namespace

std::string_view type_name(const TemplateValue& value) { return std::visit(Typist{}, value.content); }

std::string to_text(const TemplateValue& value, NumberStyle numbers) {
  return std::visit(Printer{numbers}, value.content);
}

bool is_true(const TemplateValue& value) { return std::visit(TruthTeller{}, value.content); }

// strconv's 'g' with the shortest digits decides as if there were six of them.
std::string number_as_go(double value) {
  if (!std::isfinite(value)) return special(value);
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string scientific(buffer.data(), end.ptr);
  const char* digits = scientific.data() + scientific.find('e') + 1;
  int exponent = 0;
  std::from_chars(*digits == '+' ? digits + 1 : digits, scientific.data() + scientific.size(), exponent);
  if (exponent < -4 || exponent >= 6) return scientific;
  return number_as_plain(value);
}

std::string number_as_plain(double value) {
  if (!std::isfinite(value)) return special(value);
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-5 && size < 1e21);
  std::array<char, 64> buffer{};
  const auto end = plain ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed)
                         : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

}  // namespace sidewatch
