// Annotation templates: "Memory at {{ $value | humanize }}% on {{ $labels.instance }}".
//
// The syntax is Go's text/template as Prometheus uses it: actions in {{ }}, trim markers {{- -}}, comments, pipelines,
// function calls and parentheses. A template is read and checked once, when the configuration is; rendering then never
// fails: a label that is missing is empty. Everything is a pipeline in a list of nodes, so that control structures
// (if, range, with) become further kinds of node.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/notification.h"
#include "base/result.h"
#include "metrics/labels.h"

namespace sidewatch {

struct TemplateData {
  double value = 0;
  Labels labels;
  Level level = Level::ok;
};

struct TemplateNode;  // alerting/template.cpp

class Template {
 public:
  Template() = default;  // renders as ""

  // Error::where is "line:column" in `text`, 1-based, columns in characters; Error::what names what is known.
  static Result<Template> parse(std::string_view text);

  // At most max_rendered_bytes, cut at a character.
  std::string render(const TemplateData& data) const;

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
  std::shared_ptr<const std::vector<TemplateNode>> nodes_;
};

inline constexpr std::size_t max_template_bytes = 16 * 1024;
inline constexpr std::size_t max_rendered_bytes = 16 * 1024;

}  // namespace sidewatch
