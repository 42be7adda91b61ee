#include "config/reference.h"

#include "config/section_impl.h"
#include "config/shape.h"

namespace sidewatch::config {
namespace {

using Type = Field::Type;

std::string type_words(const Field& field) {
  switch (field.type) {
    case Type::text: return "text";
    case Type::boolean: return "true or false";
    case Type::duration: return "duration";
    case Type::integer: return "whole number";
    case Type::number: return "number";
    case Type::size: return "size";
    case Type::secret: return "secret";
    case Type::pattern: return "regular expression";
    case Type::choice: break;
    case Type::texts: return "list of texts";
    case Type::text_map: return "map of texts";
    case Type::secret_map: return "map of secrets";
    case Type::section: return "section";
    case Type::list: return "list of sections";
    case Type::text_or_section: return "text or section";
  }
  std::string words;
  for (const auto& word : field.words) words += (words.empty() ? "`" : ", `") + word + "`";
  return words;
}

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

// The name of a heading's anchor, as GitHub and GitLab make it: `rules[].warning` is #ruleswarning.
std::string anchor(std::string_view heading) {
  std::string text;
  for (const char c : heading) {
    if (c != '.' && c != '[' && c != ']') text += c;
  }
  return text;
}

std::string section_name(const Field& field, const std::string& path) {
  return (path.empty() ? "" : path + ".") + field.key + (field.type == Type::list ? "[]" : "");
}

std::string type_cell(const Field& field, const std::string& path) {
  const std::string words = cell(type_words(field));
  if (!field.nested || field.nested->fields.empty()) return words;
  return "[" + words + "](#" + anchor(section_name(field, path)) + ")";
}

std::string fallback_cell(const Field& field) {
  if (field.required) return "**required**";
  return field.fallback.empty() ? "" : "`" + cell(field.fallback) + "`";
}

void append_table(std::string& out, const Shape& shape, const std::string& path) {
  out += "| key | what it is | type | default |\n|---|---|---|---|\n";
  for (const auto& field : shape.fields) {
    const std::string range = field.low.empty() ? "" : ", " + field.low + " to " + field.high;
    out += "| `" + cell(field.key) + "` | " + cell(field.help) + " | " + type_cell(field, path) + range + " | " +
           fallback_cell(field) + " |\n";
  }
}

void append_sections(std::string& out, const Shape& shape, const std::string& path) {
  for (const auto& field : shape.fields) {
    if (!field.nested || field.nested->fields.empty()) continue;
    const std::string name = section_name(field, path);
    out += "\n## `" + name + "`\n\n" + field.help + "\n\n";
    append_table(out, *field.nested, name);
    append_sections(out, *field.nested, name);
  }
}

}  // namespace

Reference Reference::of(const std::function<void(Section&)>& declare_all) {
  auto shape = std::make_shared<Shape>();
  shape->fields.push_back({.key = "include",
                           .type = Type::texts,
                           .help = "further files to read, relative to this one; patterns like conf.d/*.yaml are "
                                   "read in the order of their names"});
  Section top(Section::Impl::describe(shape, 0));
  declare_all(top);
  Reference reference;
  reference.shape_ = std::move(shape);
  return reference;
}

std::string Reference::markdown(std::string_view title) const {
  std::string out = "# " + std::string(title) + "\n\n";
  out += "One YAML file. A key that is not listed here is an error, and so is a value of another type.\n\n"
         "- Durations are written `30s`, `5m`, `1h30m` or `250ms`, sizes `512MiB` (1024-based) or `10KB` (1000-based), "
         "percentages `90%`. Where a number is expected, a size stands for its bytes and a percentage for its number.\n"
         "- Every value may contain `${NAME}` (an environment variable), `${NAME:-default}` and `${file:/path}` "
         "(what a file holds); `$$` stands for one `$`. A secret that is exactly `${file:/path}` is read again at each use, so "
         "it can be changed without a reload.\n"
         "- A text that begins with `>`, `{`, `[`, `*`, `&`, `@` or holds `: ` or ` #` needs quotes: `\"> 80\"`.\n"
         "- A list of texts may be one text alone. *Text or section* means: a short form in one text, or the section "
         "with the keys behind the link.\n\n";
  append_table(out, *shape_, "");
  append_sections(out, *shape_, "");
  return out;
}

}  // namespace sidewatch::config
