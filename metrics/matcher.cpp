// Label conditions. See matcher.h.
//
// A dot does not match a newline, as in Prometheus before version 3; (?s) lets it.
#include "metrics/matcher.h"

#include <algorithm>

#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view special = "\\.+*?()[]{}^$|";
constexpr std::string_view punctuation = "\\.+*?()[]{}^$|-/: @";  // that means itself after a backslash

std::string_view symbol(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::equal: return "=";
    case Matcher::Op::not_equal: return "!=";
    case Matcher::Op::regex: return "=~";
    case Matcher::Op::not_regex: return "!~";
  }
  return "=";
}

// The words of a pattern that is nothing but words: "x|y|z", perhaps in parentheses, perhaps with escaped characters.
std::vector<std::string> words_of(std::string_view pattern) {
  if (pattern.size() > 2 && pattern.front() == '(' && pattern.back() == ')') {
    pattern = pattern.substr(1, pattern.size() - 2);
  }
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escaped = pattern[i] == '\\' && i + 1 < pattern.size() && punctuation.find(pattern[i + 1]) != pattern.npos;
    if (pattern[i] == '|') {
      words.emplace_back();
    } else if (escaped) {
      words.back() += pattern[++i];
    } else if (special.find(pattern[i]) != pattern.npos) {
      return {};
    } else {
      words.back() += pattern[i];
    }
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  if (words.front().empty()) words.clear();  // an absent label matches it
  return words;
}

}  // namespace

Matcher::Matcher(std::string name, Op op, std::string value, Regex regex)
    : name_(std::move(name)), op_(op), value_(std::move(value)), regex_(std::move(regex)) {
  if (op_ == Op::equal && !value_.empty()) only_.push_back(value_);
  if (op_ == Op::regex) only_ = words_of(value_);
}

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
    case Op::regex:
      return only_.empty() ? regex_.full_match(value) : std::binary_search(only_.begin(), only_.end(), value);
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
