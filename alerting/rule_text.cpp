// Reading expressions and templates of rules; see rule_text.h.

#include "alerting/rule_text.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "metrics/promql/ast.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

constexpr std::size_t max_name_bytes = 200;

}  // namespace

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string place(const config::Mark& mark) {
  if (mark.line == 0) return mark.file;
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

// What came out of ${...} has no place inside.
config::Mark place_inside(const Located<std::string>& text, std::string_view where) {
  int line = 0;
  int column = 0;
  const char* end = where.data() + where.size();
  const auto first = std::from_chars(where.data(), end, line);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return text.mark;
  if (std::from_chars(first.ptr + 1, end, column).ec != std::errc()) return text.mark;
  return config::place_in(text, line, column);
}

config::Mark place_inside(const Located<std::string>& text, std::size_t offset) {
  const std::string_view before = std::string_view(text.value).substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::string_view line = lines == 0 ? before : before.substr(before.rfind('\n') + 1);
  return config::place_in(text, static_cast<int>(lines) + 1, static_cast<int>(count_characters(line)) + 1);
}

Template read_template(Section& section, const Located<std::string>& text, TemplateChecks checks) {
  auto parsed = Template::parse(text.value, checks);
  if (parsed) return std::move(*parsed);
  section.problem(place_inside(text, parsed.error().where), "template: " + parsed.error().what);
  return {};
}

std::string read_rule_name(Section& section, std::string_view key, const Located<std::string>& name) {
  if (section.has(key) && name.value.empty()) section.problem(key, "the name is empty");
  if (name.value.size() > max_name_bytes) section.problem(key, "the name is longer than 200 bytes");
  return name.value;
}

std::optional<promql::Expression> read_expression(Section& section, const Located<std::string>& text) {
  if (text.value.empty()) {  // missing: reported already
    if (text.mark.line != 0) section.problem(text.mark, "expr is empty; it is the value to judge, as PromQL");
    return std::nullopt;
  }
  auto expression = promql::Expression::parse(text.value);
  if (!expression) {
    const std::string& what = expression.error().what;
    const bool lacks_range = what.starts_with("expected type range vector");
    section.problem(place_inside(text, expression.error().where),
                    "expr: " + what + (lacks_range ? "; say how far to look back, as in NAME[5m]" : ""));
    return std::nullopt;
  }
  const auto type = expression->type();
  if (type == promql::ValueType::matrix || type == promql::ValueType::string) {
    section.problem(text.mark, "expr must give one value per entity, but this is a " +
                                   std::string(promql::to_string(type)));
  }
  return std::move(*expression);
}

bool check_label_name(Section& section, std::string_view name, const config::Mark& mark) {
  if (is_legal_label_name(name)) return true;
  section.problem(mark, quoted(name) + " is not a label name; letters, digits and '_', no digit first");
  return false;
}

NamedTemplates read_templates(Section& section, const LocatedTexts& texts, RuleSource source,
                              const NamedTemplates& inherited) {
  const auto checks = source == RuleSource::configuration ? TemplateChecks::all : TemplateChecks::syntax;
  std::map<std::string, Template> found(inherited.begin(), inherited.end());
  for (const auto& [name, text] : texts) found[name] = read_template(section, text, checks);
  return {found.begin(), found.end()};
}

}  // namespace sidewatch
