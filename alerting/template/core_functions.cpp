// The functions that Go's text/template has by itself. Comparisons are as strict as there: 1 and 1.0 cannot be compared.

#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "alerting/template/functions.h"
#include "alerting/template/printf.h"

namespace sidewatch {
namespace {

[[noreturn]] void fail(std::string what) { throw TemplateFailure{std::move(what)}; }

enum class BasicKind { boolean, integer, number, text, other };

BasicKind kind_of(const TemplateValue& value) {
  if (value.as<bool>() != nullptr) return BasicKind::boolean;
  if (value.as<std::int64_t>() != nullptr) return BasicKind::integer;
  if (value.as<double>() != nullptr) return BasicKind::number;
  return value.as<std::string>() != nullptr ? BasicKind::text : BasicKind::other;
}

void check_comparable(const TemplateValue& a, const TemplateValue& b) {
  if (kind_of(a) == BasicKind::other || kind_of(b) == BasicKind::other) fail("invalid type for comparison");
  if (kind_of(a) != kind_of(b)) fail("incompatible types for comparison");
}

std::partial_ordering compare(const TemplateValue& a, const TemplateValue& b) {
  check_comparable(a, b);
  switch (kind_of(a)) {
    case BasicKind::boolean: return *a.as<bool>() <=> *b.as<bool>();
    case BasicKind::integer: return *a.as<std::int64_t>() <=> *b.as<std::int64_t>();
    case BasicKind::number: return *a.as<double>() <=> *b.as<double>();
    case BasicKind::text: return *a.as<std::string>() <=> *b.as<std::string>();
    case BasicKind::other: break;
  }
  return std::partial_ordering::unordered;
}

std::partial_ordering order(const TemplateCall& call) {
  if (kind_of(call.arguments[0]) == BasicKind::boolean) fail("invalid type for comparison");
  return compare(call.arguments[0], call.arguments[1]);
}

bool both_nil(const TemplateValue& a, const TemplateValue& b) {
  return a.as<std::monostate>() != nullptr && b.as<std::monostate>() != nullptr;
}

// Whether the first argument equals any of the others.
TemplateValue eq(const TemplateCall& call) {
  for (const TemplateValue& other : call.arguments.subspan(1)) {
    if (both_nil(call.arguments[0], other) || compare(call.arguments[0], other) == 0) return {true};
  }
  return {false};
}

TemplateValue ne(const TemplateCall& call) { return {!*eq(call).as<bool>()}; }
TemplateValue lt(const TemplateCall& call) { return {order(call) < 0}; }
TemplateValue le(const TemplateCall& call) { return {order(call) <= 0}; }
TemplateValue gt(const TemplateCall& call) { return {order(call) > 0}; }
TemplateValue ge(const TemplateCall& call) { return {order(call) >= 0}; }
TemplateValue negation(const TemplateCall& call) { return {!is_true(call.arguments[0])}; }

TemplateValue len(const TemplateCall& call) {
  const TemplateValue& value = call.arguments[0];
  const auto counted = [](std::size_t size) { return TemplateValue{static_cast<std::int64_t>(size)}; };
  if (const auto* text = value.as<std::string>()) return counted(text->size());
  if (const auto* labels = value.as_shared<Labels>()) return counted(labels->size());
  if (const auto* samples = value.as_shared<TemplateSamples>()) return counted(samples->size());
  if (const auto* arguments = value.as_shared<TemplateArguments>()) return counted(arguments->size());
  fail("len of type " + std::string(type_name(value)));
}

std::size_t position(const TemplateValue& value, std::size_t size, bool end_allowed) {
  const auto* number = value.as<std::int64_t>();
  if (number == nullptr) fail("cannot index slice/array with type " + std::string(type_name(value)));
  if (*number < 0 || static_cast<std::size_t>(*number) > size ||
      (!end_allowed && static_cast<std::size_t>(*number) == size)) {
    fail("index out of range: " + std::to_string(*number));
  }
  return static_cast<std::size_t>(*number);
}

TemplateValue element(const TemplateValue& value, const TemplateValue& key) {
  if (const auto* samples = value.as_shared<TemplateSamples>()) return {(*samples)[position(key, samples->size(), false)]};
  if (const auto* text = value.as<std::string>()) {
    return {static_cast<std::int64_t>(static_cast<unsigned char>((*text)[position(key, text->size(), false)]))};
  }
  const auto* name = key.as<std::string>();
  const auto* labels = value.as_shared<Labels>();
  const auto* arguments = value.as_shared<TemplateArguments>();
  if (labels == nullptr && arguments == nullptr) fail("can't index item of type " + std::string(type_name(value)));
  if (name == nullptr) fail("value has type " + std::string(type_name(key)) + "; should be string");
  if (labels != nullptr) return {std::string(labels->get(*name))};
  const auto found = arguments->find(*name);
  return found == arguments->end() ? TemplateValue{} : found->second;
}

TemplateValue index(const TemplateCall& call) {
  TemplateValue value = call.arguments[0];
  for (const TemplateValue& key : call.arguments.subspan(1)) value = element(value, key);
  return value;
}

TemplateValue slice(const TemplateCall& call) {
  const TemplateValue& value = call.arguments[0];
  const auto* text = value.as<std::string>();
  const auto* samples = value.as_shared<TemplateSamples>();
  if (text == nullptr && samples == nullptr) fail("can't slice item of type " + std::string(type_name(value)));
  const std::size_t size = text != nullptr ? text->size() : samples->size();
  const std::size_t from = call.arguments.size() > 1 ? position(call.arguments[1], size, true) : 0;
  const std::size_t to = call.arguments.size() > 2 ? position(call.arguments[2], size, true) : size;
  if (from > to) fail("invalid slice index: " + std::to_string(from) + " > " + std::to_string(to));
  if (text != nullptr) return {text->substr(from, to - from)};
  const auto at = [&](std::size_t offset) { return samples->begin() + static_cast<std::ptrdiff_t>(offset); };
  return {std::make_shared<const TemplateSamples>(at(from), at(to))};
}

// fmt.Sprint: a space between two values of which neither is a text; fmt.Sprintln: always one.
std::string joined(const TemplateCall& call, bool always_spaced) {
  std::string text;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const TemplateValue& value = call.arguments[i];
    const bool texts = i > 0 && (value.as<std::string>() != nullptr || call.arguments[i - 1].as<std::string>() != nullptr);
    if (i > 0 && (always_spaced || !texts)) text += ' ';
    text += value.as<std::monostate>() != nullptr ? "<nil>" : to_text(value, NumberStyle::as_go);
  }
  return text;
}

TemplateValue print(const TemplateCall& call) { return {joined(call, false)}; }
TemplateValue println(const TemplateCall& call) { return {joined(call, true) + "\n"}; }
TemplateValue printf(const TemplateCall& call) {
  return {print_formatted(text_argument(call, 0), call.arguments.subspan(1))};
}

// What the escaping functions work on: the text itself, or all arguments as print joins them.
std::string plain(const TemplateCall& call) { return joined(call, false); }

template <std::string (*Escape)(char)>
TemplateValue escaped(const TemplateCall& call) {
  std::string out;
  for (const char c : plain(call)) out += Escape(c);
  return {out};
}

std::string html(char c) {
  switch (c) {
    case '\0': return "\xEF\xBF\xBD";
    case '"': return "&#34;";
    case '\'': return "&#39;";
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    default: return {c};
  }
}

std::string hex(char c, std::string_view prefix) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return std::string(prefix) + digits[byte >> 4U] + digits[byte & 15U];
}

std::string js(char c) {
  switch (c) {
    case '\\': return "\\\\";
    case '\'': return "\\'";
    case '"': return "\\\"";
    case '<':
    case '>':
    case '&':
    case '=': return hex(c, "\\u00");
    default: return static_cast<unsigned char>(c) < 0x20 ? hex(c, "\\u00") : std::string{c};
  }
}

std::string in_query(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (letter || c == '-' || c == '_' || c == '.' || c == '~') return {c};
  return c == ' ' ? "+" : hex(c, "%");
}

TemplateValue call_function(const TemplateCall& call) {
  if (call.arguments[0].as<std::monostate>() != nullptr) fail("call of nil");
  fail("non-function of type " + std::string(type_name(call.arguments[0])));
}

constexpr std::array<TemplateFunction, 19> functions = {{
    {"and", 1, any_arguments, nullptr},
    {"call", 1, any_arguments, call_function},
    {"eq", 2, any_arguments, eq},
    {"ge", 2, 2, ge},
    {"gt", 2, 2, gt},
    {"html", 1, any_arguments, escaped<html>},
    {"index", 1, any_arguments, index},
    {"js", 1, any_arguments, escaped<js>},
    {"le", 2, 2, le},
    {"len", 1, 1, len},
    {"lt", 2, 2, lt},
    {"ne", 2, 2, ne},
    {"not", 1, 1, negation},
    {"or", 1, any_arguments, nullptr},
    {"print", 0, any_arguments, print},
    {"printf", 1, any_arguments, printf},
    {"println", 0, any_arguments, println},
    {"slice", 1, 4, slice},
    {"urlquery", 1, any_arguments, escaped<in_query>},
}};

}  // namespace

std::span<const TemplateFunction> core_template_functions() { return functions; }

}  // namespace sidewatch
