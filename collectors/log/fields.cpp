#include "collectors/log/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "metrics/text.h"

namespace sidewatch::log {
namespace {

constexpr std::string_view end_of_pointer = " \t,$";

bool continues_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The name at the start of `text`, which stands behind a dollar sign; empty where it is only a dollar sign.
std::string_view name_at_start(std::string_view text) {
  if (text.starts_with('/')) return text.substr(0, text.find_first_of(end_of_pointer));
  const auto end = std::find_if_not(text.begin(), text.end(), continues_name);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::optional<std::size_t> group_of(std::string_view name, const std::vector<std::string>& groups) {
  const auto named = std::find(groups.begin(), groups.end(), name);
  if (named != groups.end() && !name.empty()) return static_cast<std::size_t>(named - groups.begin()) + 1;
  std::size_t number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number > groups.size()) return std::nullopt;
  return number;
}

std::vector<std::string> path_of(std::string_view name) {
  if (!name.starts_with('/')) return {std::string(name)};
  std::vector<std::string> path;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '/') {
      path.emplace_back();
    } else if (name[at] == '~' && at + 1 < name.size() && (name[at + 1] == '0' || name[at + 1] == '1')) {
      path.back() += name[++at] == '0' ? '~' : '/';
    } else {
      path.back() += name[at];
    }
  }
  return path;
}

std::string names_that_there_are(const FieldNames& names) {
  std::string list;
  for (const auto* groups : {names.own_groups, names.entry_groups}) {
    if (groups == nullptr) continue;
    for (const auto& name : *groups) {
      if (!name.empty()) list += (list.empty() ? "" : ", ") + name;
    }
  }
  return list.empty() ? "the pattern has no named groups; name one as in (?P<status>\\d+)" : "there are " + list;
}

const JsonValue& step_into(const JsonValue& value, const std::string& step) {
  if (value.kind() != JsonValue::Kind::array) return value[step];
  std::size_t index = 0;
  const auto parsed = std::from_chars(step.data(), step.data() + step.size(), index);
  const bool is_index = parsed.ec == std::errc() && parsed.ptr == step.data() + step.size();
  return is_index && index < value.items().size() ? value.items()[index] : value["no such member"];
}

void append_json(const JsonValue& value, std::string& out) {
  switch (value.kind()) {
    case JsonValue::Kind::boolean: out += value.boolean_or(false) ? "true" : "false"; return;
    case JsonValue::Kind::number:
      if (const auto whole = value.integer_or(0); whole != 0 || value.integer_or(1) == 0) {
        out += std::to_string(whole);
      } else {
        append_value(out, value.number_or(0));
      }
      return;
    case JsonValue::Kind::text:
      for (const char c : value.text_or("")) {
        if (c == '\0') out += "\xEF\xBF\xBD";
        else out += c;
      }
      return;
    case JsonValue::Kind::null:
    case JsonValue::Kind::array:
    case JsonValue::Kind::object: return;
  }
}

}  // namespace

Result<Field> find_field(std::string_view name, const FieldNames& names) {
  const bool pointer = name.starts_with('/');
  if (names.own_groups != nullptr && !pointer) {
    if (const auto group = group_of(name, *names.own_groups)) return Field{Field::From::own_groups, *group, {}};
  }
  if (names.entry_groups != nullptr && !pointer) {
    if (const auto group = group_of(name, *names.entry_groups)) return Field{Field::From::entry_groups, *group, {}};
  }
  if ((names.json || names.unknown) && !name.empty()) return Field{Field::From::json, 0, path_of(name)};
  if (pointer) return Error{"'" + std::string(name) + "' is a place in JSON, which needs format: json", ""};
  return Error{"there is no group '" + std::string(name) + "'; " + names_that_there_are(names), ""};
}

void LineParts::append(const Field& field, std::string& out) const {
  if (field.from != Field::From::json) {
    const auto& groups = field.from == Field::From::own_groups ? own_groups : entry_groups;
    if (field.group < groups.size()) out += groups[field.group];
    return;
  }
  const JsonValue* value = &json;
  for (const auto& step : field.path) value = &step_into(*value, step);
  append_json(*value, out);
}

Result<FieldText> FieldText::parse(std::string_view text, const FieldNames& names) {
  FieldText parsed;
  std::string literal;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    literal += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    const auto name = name_at_start(text);
    if (name.empty()) {
      literal += '$';
      continue;
    }
    text.remove_prefix(name.size());
    auto field = find_field(name, names);
    if (!field) return field.error();
    parsed.pieces_.push_back({std::exchange(literal, {}), std::move(*field)});
  }
  if (!literal.empty()) parsed.pieces_.push_back({std::move(literal), std::nullopt});
  return parsed;
}

bool FieldText::is_constant() const {
  return std::none_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.field.has_value(); });
}

bool FieldText::uses_json() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.field && piece.field->from == Field::From::json; });
}

bool FieldText::uses_own_groups() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.field && piece.field->from == Field::From::own_groups; });
}

void FieldText::append_to(std::string& out, const LineParts& parts) const {
  for (const auto& piece : pieces_) {
    out += piece.literal;
    if (piece.field) parts.append(*piece.field, out);
  }
}

}  // namespace sidewatch::log
