#include "config/yaml_mistakes.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/wording.h"

namespace sidewatch::config {
namespace {

using Guess = std::optional<Mistake>;

bool is_blank_or_comment(std::string_view line) {
  const auto first = indentation(line);
  return first == line.size() || line[first] == '#';
}

// The last line before `before` that says something, or -1.
int content_line_before(const SourceText& source, int before) {
  int line = before - 1;
  while (line >= 0 && is_blank_or_comment(source.line(line))) --line;
  return line;
}

Mistake at_start_of(const SourceText& source, int line, std::string text) {
  return {source.position(line, static_cast<int>(indentation(source.line(line)))), std::move(text)};
}

bool has_key(std::string_view line) {
  return line.ends_with(':') || line.find(": ") != std::string_view::npos;
}

Guess tab_in_indentation(const ParserComplaint& complaint, const SourceText& source) {
  const auto line = source.line(complaint.at.line);
  const auto tab = line.substr(0, indentation(line)).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return Mistake{source.position(complaint.at.line, static_cast<int>(tab)), "a tab cannot indent, use spaces"};
}

Guess open_bracket(const ParserComplaint& complaint, const SourceText& source) {
  if (!complaint.open_flow) return std::nullopt;
  const auto open = *complaint.open_flow;
  const auto line = source.line(complaint.at.line);
  const auto column = static_cast<std::size_t>(complaint.at.column);
  if (column > 0 && column < line.size() && line.substr(column - 1, 2) == "${") {
    return Mistake{source.position(complaint.at.line, complaint.at.column - 1),
                   "${...} inside [ ] or { } needs quotes: \"${...}\""};
  }
  const auto offset = source.offset(open.line, open.column);
  const std::string bracket = source.text().substr(offset, 1) == "[" ? "[" : "{";
  const std::string closing = bracket == "[" ? "]" : "}";
  if (complaint.at.line >= complaint.end_line) {
    return Mistake{source.position(offset), "this " + bracket + " is never closed"};
  }
  return Mistake{source.position(offset), "this " + bracket + " is not closed where line " +
                                              std::to_string(complaint.at.line + 1) + " goes on: a ',' or '" + closing +
                                              "' is missing, or a text in it needs quotes"};
}

// A list item below a bracket that was left open. The parser stumbles over its dash before it says what is open.
Guess bracket_open_above(const ParserComplaint& complaint, const SourceText& source) {
  if (static_cast<std::size_t>(complaint.at.column) != indentation(source.line(complaint.at.line))) return std::nullopt;
  const int above = content_line_before(source, complaint.at.line);
  std::vector<std::size_t> open;
  char quote = '\0';
  const auto line = source.line(above);
  for (std::size_t column = 0; column < line.size(); ++column) {
    const char c = line[column];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '[') {
      open.push_back(column);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      open.pop_back();
    }
  }
  if (open.empty()) return std::nullopt;
  return Mistake{source.position(above, static_cast<int>(open.back())),
                 "this " + std::string(line.substr(open.back(), 1)) + " is not closed on its line, and the next line "
                 "begins a list item"};
}

// `warning: > 80`: without quotes the > begins a block of lines.
Mistake block_sign(const ParserComplaint& complaint, const SourceText& source) {
  const auto line = source.line(complaint.at.line);
  const auto sign = line.substr(0, static_cast<std::size_t>(complaint.at.column)).find_last_of("|>");
  const std::size_t column = sign == std::string_view::npos ? static_cast<std::size_t>(complaint.at.column) : sign;
  const std::string value(line.substr(column));
  return {source.position(complaint.at.line, static_cast<int>(column)),
          "a value that begins with " + value.substr(0, 1) + " needs quotes: \"" + value + "\""};
}

// `a: "abc` swallows everything up to the next quote and the parser stumbles over what follows that.
Guess quote_that_ran_on(const ParserComplaint& complaint, const SourceText& source) {
  if (!complaint.last_quoted || complaint.last_quoted->line >= complaint.at.line) return std::nullopt;
  const bool begins_line = static_cast<std::size_t>(complaint.at.column) <= indentation(source.line(complaint.at.line));
  if (begins_line && complaint.at.line < complaint.end_line) return std::nullopt;
  return Mistake{source.position(complaint.last_quoted->line, complaint.last_quoted->column),
                 "the closing quote of this text is missing"};
}

Guess last_line_has_no_colon(const ParserComplaint& complaint, const SourceText& source) {
  if (complaint.at.line < complaint.end_line) return std::nullopt;
  const int line = content_line_before(source, complaint.end_line);
  if (line < 0) return std::nullopt;
  return at_start_of(source, line, "this line is not 'key: value'");
}

Mistake unexpected_colon(const ParserComplaint& complaint, const SourceText& source) {
  const auto line = source.line(complaint.at.line);
  const auto before = line.substr(0, static_cast<std::size_t>(complaint.at.column));
  if (!has_key(std::string(before))) {
    const int above = content_line_before(source, complaint.at.line);
    const auto line_above = source.line(above);
    if (above >= 0 && !has_key(line_above) && !line_above.substr(indentation(line_above)).starts_with("-")) {
      return at_start_of(source, above, "this line is not 'key: value'");
    }
    return at_start_of(source, complaint.at.line,
                       "this line is indented as if it belonged to the value above it, or that value lacks quotes");
  }
  return {source.position(complaint.at.line, complaint.at.column),
          "a second ':' in one value, put the value in quotes"};
}

Mistake unexpected_text(const ParserComplaint& complaint, const SourceText& source) {
  const auto line = source.line(complaint.at.line);
  const auto at = source.position(complaint.at.line, complaint.at.column);
  if (static_cast<std::size_t>(complaint.at.column) > indentation(line)) {
    if (complaint.last_quoted && complaint.last_quoted->line == complaint.at.line) {
      return {at,
              "unexpected text after the closing quote; a quote inside is written '' in single and \\\" in double "
              "quotes"};
    }
    return {at, "unexpected text after the value, put the whole value in quotes"};
  }
  if (line.substr(indentation(line)).starts_with("- ")) return {at, "a list item where a key is expected"};
  if (!has_key(line)) return {at, "this line is not 'key: value'"};
  return {at, "this line is indented neither like the lines above it nor like a section around them"};
}

Mistake unknown_alias(const ParserComplaint& complaint, const SourceText& source) {
  std::string_view rest = std::string_view(source.text()).substr(source.offset(complaint.at.line, complaint.at.column));
  rest = rest.substr(0, rest.find_first_of(" \t\r\n,]}"));
  return {source.position(complaint.at.line, complaint.at.column),
          "the alias " + quote(rest) + " names nothing above it; a text that begins with * needs quotes"};
}

Mistake unusual_start(const ParserComplaint& complaint, const SourceText& source) {
  const auto line = source.line(complaint.at.line);
  const auto column = static_cast<std::size_t>(complaint.at.column);
  const auto start = column < line.size() ? line.substr(column, 1) : std::string_view();
  return {source.position(complaint.at.line, complaint.at.column),
          "a value cannot begin with " + quote(start) + ", put it in quotes"};
}

Mistake by_words(const ParserComplaint& complaint, const SourceText& source) {
  const std::string& words = complaint.words;
  const auto at = source.position(complaint.at.line, complaint.at.column);
  const auto says = [&](std::string_view beginning) { return std::string_view(words).starts_with(beginning); };
  if (says("illegal map value")) return unexpected_colon(complaint, source);
  if (says("end of map not found") || says("end of sequence not found")) return unexpected_text(complaint, source);
  if (says("unknown token")) return unusual_start(complaint, source);
  if (says("the referenced anchor is not defined")) return unknown_alias(complaint, source);
  if (says("illegal block entry")) {
    if (const auto bracket = bracket_open_above(complaint, source)) return *bracket;
    return {at, "a list item ('- ') must begin on a line of its own"};
  }
  if (says("unexpected character in block scalar") || says("cannot set zero indentation")) {
    return block_sign(complaint, source);
  }
  if (says("illegal map key")) return {at, "a value cannot begin with '? ', put it in quotes"};
  if (says("illegal flow end")) return {at, "this bracket closes nothing; a text that begins with it needs quotes"};
  if (says("unknown escape character") || says("bad character found while scanning hex") || says("invalid unicode")) {
    return {at, "a backslash sequence that does not exist in a text in double quotes; use single quotes or write \\\\"};
  }
  if (says("anchor not found") || says("illegal character found while scanning anchor") ||
      says("cannot assign multiple anchors")) {
    return {at, "a text that begins with & needs quotes"};
  }
  if (says("alias not found") || says("illegal character found while scanning alias") || says("aliases can't have")) {
    return {at, "a text that begins with * needs quotes"};
  }
  if (says("illegal document indicator in scalar")) return {at, "a text in quotes is not closed before this line"};
  if (says("illegal EOF in scalar")) return {at, "a text in quotes is never closed"};
  if (says("bad file")) return {at, "nested too deep"};
  return {at, "this is not YAML (" + words + ")"};
}

}  // namespace

int separator_line(const SourceText& source, int end_line) {
  bool content = false;
  for (int line = 0; line < end_line; ++line) {
    const auto text = source.line(line);
    const bool separates = text.starts_with("---") || text.starts_with("...");
    if (separates && content) return line;
    const auto first = indentation(text);
    content = content || (!separates && first < text.size() && text[first] != '#' && text[0] != '%');
  }
  return -1;
}

Mistake explain(const ParserComplaint& complaint, const SourceText& source) {
  if (auto guess = tab_in_indentation(complaint, source)) return *guess;
  if (auto guess = quote_that_ran_on(complaint, source)) return *guess;
  if (auto guess = open_bracket(complaint, source)) return *guess;
  if (auto guess = last_line_has_no_colon(complaint, source)) return *guess;
  return by_words(complaint, source);
}

std::vector<Mistake> drop_duplicates(Node& mapping) {
  std::vector<Mistake> mistakes;
  std::map<std::string_view, Position> first;
  for (const auto& entry : mapping.entries) {
    const auto [found, is_new] = first.emplace(entry.key, entry.at);
    if (is_new) continue;
    mistakes.push_back({entry.at, "duplicate key " + quote(entry.key) + ", first written at " +
                                      std::to_string(found->second.line) + ":" + std::to_string(found->second.column)});
  }
  if (mistakes.empty()) return mistakes;
  std::vector<Entry> kept;
  for (const auto& entry : mapping.entries) {
    const Position& at = first.at(entry.key);
    if (at.line == entry.at.line && at.column == entry.at.column) kept.push_back(entry);
  }
  mapping.entries = std::move(kept);
  return mistakes;
}

// The dash is looked for before what the parser gives.
Position place_of_missing_item(const SourceText& source, ParserComplaint::Place place) {
  const auto offset = source.offset(place.line, place.column);
  const std::string_view text = source.text();
  const char here = offset < text.size() ? text[offset] : '\0';
  if (here == '~' || here == 'n' || here == 'N') return source.position(place.line, place.column);
  const auto before = text.substr(0, offset).find_last_not_of(" \t\r\n");
  const bool is_dash = before != std::string_view::npos && text[before] == '-';
  return is_dash ? source.position(before) : source.position(place.line, place.column);
}

}  // namespace sidewatch::config
