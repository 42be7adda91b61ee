#include "agent/api/exemplars.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/api/values.h"
#include "config/literals.h"
#include "metrics/promql/ast.h"

namespace sidewatch {
namespace {

using Selectors = std::vector<const promql::VectorSelector*>;

void collect(const promql::Node& node, Selectors& selectors);

struct Collect {
  Selectors& selectors;

  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& selector) const { selectors.push_back(&selector); }
  void operator()(const promql::MatrixSelector& matrix) const { selectors.push_back(&matrix.selector); }
  void operator()(const promql::Subquery& subquery) const { collect(*subquery.operand, selectors); }
  void operator()(const promql::Call& call) const {
    for (const auto& argument : call.arguments) collect(*argument, selectors);
  }
  void operator()(const promql::Aggregation& aggregation) const {
    if (aggregation.parameter) collect(*aggregation.parameter, selectors);
    collect(*aggregation.operand, selectors);
  }
  void operator()(const promql::Unary& unary) const { collect(*unary.operand, selectors); }
  void operator()(const promql::Binary& binary) const {
    collect(*binary.left, selectors);
    collect(*binary.right, selectors);
  }
  void operator()(const promql::Parenthesis& parenthesis) const { collect(*parenthesis.inner, selectors); }
};

void collect(const promql::Node& node, Selectors& selectors) { std::visit(Collect{selectors}, node.kind); }

Labels whole_labels(const SeriesInfo& info) { return info.labels.with("__name__", info.family->name); }

bool takes(const promql::VectorSelector& selector, const Labels& labels) {
  return std::ranges::all_of(selector.matchers,
                             [&](const Matcher& matcher) { return matcher.matches(labels.get(matcher.name())); });
}

void append_exemplar(std::string& out, const Exemplar& exemplar) {
  out += R"({"labels":)";
  append_json_labels(out, exemplar.labels);
  out += R"(,"value":)";
  append_json_value(out, exemplar.value);
  out += R"(,"timestamp":)";
  append_json_time(out, exemplar.at);
  out += '}';
}

}  // namespace

ApiData exemplars_of(const QueryContext& context, const promql::Expression& expression, WallTime start, WallTime end) {
  if (context.exemplars == nullptr) return ApiData::of("[]");
  Selectors selectors;
  collect(expression.root(), selectors);
  auto all = context.exemplars->all();
  for (auto& of : all) {
    std::erase_if(of.exemplars, [&](const Exemplar& exemplar) { return exemplar.at < start || exemplar.at > end; });
  }
  std::erase_if(all, [&](const Exemplars::OfSeries& of) {
    const Labels labels = whole_labels(*of.series);
    return of.exemplars.empty() ||
           std::ranges::none_of(selectors, [&](const auto* selector) { return takes(*selector, labels); });
  });
  std::ranges::sort(all, {}, [](const Exemplars::OfSeries& of) { return whole_labels(*of.series); });
  ApiData data;
  data.text += '[';
  const char* between_series = "";
  for (const auto& of : all) {
    data.text += std::exchange(between_series, ",");
    data.text += R"({"seriesLabels":)";
    append_json_labels(data.text, whole_labels(*of.series));
    data.text += R"(,"exemplars":[)";
    const char* between = "";
    for (const Exemplar& exemplar : of.exemplars) {
      data.text += std::exchange(between, ",");
      append_exemplar(data.text, exemplar);
    }
    data.text += "]}";
    if (data.text.size() > context.limits.max_response_bytes) {
      throw ApiError{ApiErrorKind::execution,
                     "the answer is larger than " + config::write_size({context.limits.max_response_bytes}) +
                         " (limits.max_query_response_bytes); ask for fewer series"};
    }
  }
  data.text += ']';
  return data;
}

}  // namespace sidewatch
