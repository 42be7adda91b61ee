// From a text to a template that can be rendered; how it is read and what it does stands in alerting/template/.

#include "alerting/template.h"

#include <algorithm>
#include <utility>

#include "alerting/template/lint.h"
#include "alerting/template/parser.h"
#include "alerting/template/renderer.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

// "line:column" of a byte offset, both 1-based, columns in characters.
std::string place_of(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if (!continues_character(text[i])) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace

Result<Template> Template::parse(std::string_view text, TemplateChecks checks) {
  if (text.size() > max_template_bytes) return Error{"the template is longer than 16 KiB", "1:1"};
  Template result;
  result.text_ = std::string(text);
  if (text.find("{{") == std::string_view::npos) return result;  // nothing to be done when it is rendered
  TemplateMistake mistake;
  auto tree = parse_template(text, mistake);
  if (!tree) return Error{std::move(mistake.what), place_of(text, mistake.offset)};
  if (checks == TemplateChecks::all) {
    if (const auto found = find_mistake(*tree)) return Error{found->what, place_of(text, found->offset)};
  }
  result.tree_ = std::make_shared<const TemplateTree>(std::move(*tree));
  return result;
}

std::string Template::render(const TemplateData& data) const {
  std::string text;
  try {
    text = tree_ == nullptr ? text_ : render_tree(*tree_, data);
  } catch (const TemplateFailure& failure) {
    text = "<error expanding template: error executing template: " + failure.what + ">";
  }
  text.resize(cut_at_character(text, max_rendered_bytes).size());
  return text;
}

}  // namespace sidewatch
