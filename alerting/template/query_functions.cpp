// Looking into the store from a template: {{ with query "up" | first }}{{ .Labels.job }} {{ . | value }}{{ end }}.

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>

#include "alerting/template/functions.h"

namespace sidewatch {
namespace {

TemplateValue query(const TemplateCall& call) {
  const std::string& text = text_argument(call, 0);
  if (call.data.scope == nullptr || !call.data.scope->query) throw TemplateFailure{"there are no samples to ask"};
  if (call.budget.queries == 0) throw TemplateFailure{"too many queries in one template"};
  --call.budget.queries;
  auto result = call.data.scope->query(text);
  if (!result) throw TemplateFailure{result.error().text()};
  auto samples = std::make_shared<TemplateSamples>();
  for (auto& sample : *result) {
    samples->push_back(std::make_shared<const TemplateSample>(TemplateSample{std::move(sample.labels), sample.value}));
  }
  return {std::shared_ptr<const TemplateSamples>(std::move(samples))};
}

TemplateValue first(const TemplateCall& call) {
  const TemplateSamples& samples = samples_argument(call, 0);
  if (samples.empty()) throw TemplateFailure{"first() called on vector with no elements"};
  return {samples.front()};
}

TemplateValue label(const TemplateCall& call) {
  return {std::string(sample_argument(call, 1).labels.get(text_argument(call, 0)))};
}

TemplateValue value(const TemplateCall& call) { return {sample_argument(call, 0).value}; }

// The text that a query of type string gives; a sample has none.
TemplateValue strvalue(const TemplateCall& call) {
  return {std::string(sample_argument(call, 0).labels.get("__value__"))};
}

TemplateValue sort_by_label(const TemplateCall& call) {
  const std::string& name = text_argument(call, 0);
  auto sorted = std::make_shared<TemplateSamples>(samples_argument(call, 1));
  std::stable_sort(sorted->begin(), sorted->end(),
                   [&](const auto& a, const auto& b) { return a->labels.get(name) < b->labels.get(name); });
  return {std::shared_ptr<const TemplateSamples>(std::move(sorted))};
}

constexpr std::array<TemplateFunction, 6> functions = {{
    {"first", 1, 1, first},
    {"label", 2, 2, label},
    {"query", 1, 1, query},
    {"sortByLabel", 2, 2, sort_by_label},
    {"strvalue", 1, 1, strvalue},
    {"value", 1, 1, value},
}};

}  // namespace

std::span<const TemplateFunction> query_template_functions() { return functions; }

}  // namespace sidewatch
