#include "alerting/routes/matchers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/wording.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view ends_a_bare_value = ",\"'{}";

// A place in the text, moving on.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at >= text.size(); }
  char here() const { return done() ? '\0' : text[at]; }
  void skip_blanks() {
    while (!done() && blanks.find(here()) != blanks.npos) ++at;
  }
  bool take(std::string_view word) {
    if (text.substr(at, word.size()) != word) return false;
    at += word.size();
    return true;
  }
};

std::string take_name(Cursor& cursor) {
  const std::size_t from = cursor.at;
  const auto may_stand = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  while (!cursor.done() && may_stand(cursor.here())) ++cursor.at;
  return std::string(cursor.text.substr(from, cursor.at - from));
}

std::optional<Matcher::Op> take_operator(Cursor& cursor) {
  if (cursor.take("=~")) return Matcher::Op::regex;
  if (cursor.take("!~")) return Matcher::Op::not_regex;
  if (cursor.take("!=")) return Matcher::Op::not_equal;
  if (cursor.take("=")) return Matcher::Op::equal;
  return std::nullopt;
}

// Behind the opening quote. Absent: it is not closed.
std::optional<std::string> take_quoted(Cursor& cursor) {
  std::string value;
  while (!cursor.done()) {
    const char c = cursor.text[cursor.at++];
    if (c == '"') return value;
    if (c != '\\' || cursor.done()) {
      value += c;
      continue;
    }
    const char escaped = cursor.text[cursor.at++];
    if (escaped == 'n') {
      value += '\n';
    } else {
      if (escaped != '"' && escaped != '\\') value += '\\';  // of a regular expression: \d
      value += escaped;
    }
  }
  return std::nullopt;
}

std::string take_bare(Cursor& cursor) {
  const std::size_t from = cursor.at;
  while (!cursor.done() && ends_a_bare_value.find(cursor.here()) == ends_a_bare_value.npos) ++cursor.at;
  std::string_view value = cursor.text.substr(from, cursor.at - from);
  while (!value.empty() && blanks.find(value.back()) != blanks.npos) value.remove_suffix(1);
  return std::string(value);
}

Error mistake(std::string what) { return Error{std::move(what), ""}; }

Result<Matcher> take_matcher(Cursor& cursor) {
  std::string name = take_name(cursor);
  if (!is_legal_label_name(name)) {
    return mistake(config::quote(cursor.text) + ": a matcher begins with the name of a label, as in severity=\"critical\"");
  }
  cursor.skip_blanks();
  const auto op = take_operator(cursor);
  if (!op || cursor.here() == '=') {
    return mistake(config::quote(cursor.text) + ": behind the label's name stands =, !=, =~ or !~, as in " + name +
                   "=\"critical\"");
  }
  cursor.skip_blanks();
  std::string value;
  if (cursor.take("\"")) {
    auto quoted = take_quoted(cursor);
    if (!quoted) return mistake(config::quote(cursor.text) + ": the quote behind " + name + " is not closed");
    value = std::move(*quoted);
  } else {
    value = take_bare(cursor);
    if (value.empty()) {
      return mistake(config::quote(cursor.text) + ": " + name + " has no value; put it in double quotes, \"\" for none");
    }
  }
  auto made = Matcher::make(name, *op, std::move(value));
  if (!made) return mistake("the regular expression for " + name + ": " + made.error().what);
  return made;
}

}  // namespace

Result<std::vector<Matcher>> parse_matchers(std::string_view text) {
  Cursor cursor{text};
  cursor.skip_blanks();
  const bool in_braces = cursor.take("{");
  std::vector<Matcher> matchers;
  while (true) {
    cursor.skip_blanks();
    if (in_braces && !matchers.empty() && cursor.here() == '}') break;  // {a="b",}
    auto matcher = take_matcher(cursor);
    if (!matcher) return matcher.error();
    matchers.push_back(std::move(*matcher));
    cursor.skip_blanks();
    if (!cursor.take(",")) break;
  }
  if (in_braces && !cursor.take("}")) return mistake(config::quote(text) + ": the brace { is not closed");
  cursor.skip_blanks();
  if (!cursor.done()) {
    return mistake(config::quote(text) + ": " + config::quote(text.substr(cursor.at)) +
                   " is too much; matchers are separated by commas, and a value with quotes or braces stands in double "
                   "quotes");
  }
  return matchers;
}

bool all_match(const std::vector<Matcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& matcher) { return matcher.matches(labels.get(matcher.name())); });
}

Labels labels_to_match(const Labels& labels, const std::string& host) {
  return host.empty() ? labels : labels.or_else(Labels{{"instance", host}});
}

std::string to_string(const std::vector<Matcher>& matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += (text.empty() ? "" : ", ") + matcher.to_string();
  return text;
}

}  // namespace sidewatch
