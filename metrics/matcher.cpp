// Label conditions. See matcher.h.
//
// A dot does not match a newline, as in Prometheus before version 3; (?s) lets it.
#include "metrics/matcher.h"

#include "metrics/text.h"

namespace sidewatch {
namespace {

std::string_view symbol(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::equal: return "=";
    case Matcher::Op::not_equal: return "!=";
    case Matcher::Op::regex: return "=~";
    case Matcher::Op::not_regex: return "!~";
  }
  return "=";
}

}  // namespace

Matcher::Matcher(std::string name, Op op, std::string value, Regex regex)
    : name_(std::move(name)), op_(op), value_(std::move(value)), regex_(std::move(regex)) {}

Result<Matcher> Matcher::make(std::string name, Op op, std::string value) {
  Regex regex;
  if (op == Op::regex || op == Op::not_regex) {
    auto compiled = Regex::compile(value);
    if (!compiled) return compiled.error();
    regex = std::move(*compiled);
  }
  return Matcher(std::move(name), op, std::move(value), std::move(regex));
}

bool Matcher::matches(std::string_view value) const {
  switch (op_) {
    case Op::equal: return value == value_;
    case Op::not_equal: return value != value_;
    case Op::regex: return regex_.full_match(value);
    case Op::not_regex: return !regex_.full_match(value);
  }
  return false;
}

std::string Matcher::to_string() const {
  std::string text = name_;
  text += symbol(op_);
  text += '"';
  append_escaped_label_value(text, value_);
  text += '"';
  return text;
}

}  // namespace sidewatch
