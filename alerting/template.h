// Annotation templates: "Memory at {{ $value | humanize }}% on {{ $labels.instance }}".
//
// The language is Go's text/template with Prometheus's functions. A template is read and checked once, when the
// configuration is. What can only go wrong when it is rendered gives a text that says so, as in Prometheus.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/notification.h"
#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// What else a template can ask for. Borrowed while it is rendered.
struct TemplateScope {
  Labels external_labels;    // $externalLabels: the agent's labels
  std::string external_url;  // $externalURL
  // What `query` is given: the value of an expression at the time of rendering. Empty: queries fail.
  std::function<Result<promql::Vector>(std::string_view expression)> query;
};

// How a number that no function has formatted stands in the text.
enum class NumberStyle {
  as_go,  // 1e+06, as in Prometheus
  plain,  // 1000000
};

struct TemplateData {
  double value = 0;
  Labels labels;
  Level level = Level::ok;
  const TemplateScope* scope = nullptr;  // null: nothing beyond the alert itself
  NumberStyle numbers = NumberStyle::plain;
};

enum class TemplateChecks {
  syntax,  // what Prometheus refuses to load
  all,     // and what would go wrong whenever it is rendered
};

struct TemplateTree;  // alerting/template/tree.h

class Template {
 public:
  Template() = default;  // renders as ""

  // Error::where is "line:column" in `text`, 1-based, columns in characters; Error::what names what is known.
  static Result<Template> parse(std::string_view text, TemplateChecks checks = TemplateChecks::all);

  // At most max_rendered_bytes, cut at a character.
  std::string render(const TemplateData& data) const;

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool asks() const { return text_.find("query") != std::string::npos; }  // its text may change while its alert does not

 private:
  std::string text_;
  std::shared_ptr<const TemplateTree> tree_;  // null: there is nothing to be done, it is its own text
};

inline constexpr std::size_t max_template_bytes = 16 * 1024;
inline constexpr std::size_t max_rendered_bytes = 16 * 1024;

}  // namespace sidewatch
