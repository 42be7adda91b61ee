#include "agent/api/series.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/api/envelope.h"
#include "agent/api/params.h"
#include "agent/api/values.h"
#include "base/json.h"
#include "config/literals.h"
#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using SeriesList = std::vector<FoundSeries>;

constexpr std::size_t series_between_checks = 256;
constexpr std::string_view name_label = "__name__";
constexpr std::string_view truncated = "results truncated due to limit";

// How many items an answer may have: `limit`, 0 for all.
std::size_t limit_of(const HttpRequest& request) {
  const auto limit = number_param(request, "limit");
  if (limit && *limit < 0) throw invalid_parameter("limit", "limit must be non-negative");
  return limit && *limit > 0 ? static_cast<std::size_t>(*limit) : static_cast<std::size_t>(-1);
}

struct Question {
  std::vector<std::string> selectors;  // none: every series
  Time from, to;
};

Question question_of(const QueryContext& context, const HttpRequest& request, std::string_view error_prefix) {
  const WallTime start = time_or(request, "start", earliest_wall);
  const WallTime end = time_or(request, "end", latest_wall);
  const Duration step = context.clock.wall_step();
  return {match_params(request, error_prefix), from_wall(start, step), from_wall(end, step)};
}

SeriesList answer_to(const QueryContext& context, const HttpRequest& request, const Question& question) {
  return series_matching(context, request, question.selectors, question.from, question.to);
}

void check_size(const QueryContext& context, const std::string& text) {
  if (text.size() <= context.limits.max_response_bytes) return;
  throw ApiError{ApiErrorKind::execution,
                 "the answer is larger than " + config::write_size({context.limits.max_response_bytes}) +
                     " (limits.max_query_response_bytes); ask for fewer series"};
}

ApiData series(const QueryContext& context, const HttpRequest& request) {
  if (request.param_values("match[]").empty()) throw ApiError{ApiErrorKind::bad_data, "no match[] parameter provided"};
  const Question question = question_of(context, request, "invalid parameter \"match[]\": ");
  const std::size_t limit = limit_of(request);
  ApiData data;
  data.text += '[';
  std::size_t count = 0;
  for (const auto& [id, info] : answer_to(context, request, question)) {
    if (count == limit) {
      data.warnings.emplace_back(truncated);
      break;
    }
    if (count++ > 0) data.text += ',';
    append_json_labels(data.text, info->labels.with(name_label, info->family->name));
    check_size(context, data.text);
  }
  data.text += ']';
  return data;
}

ApiData texts(const QueryContext& context, const std::set<std::string_view>& all, std::size_t limit) {
  ApiData data;
  data.text += '[';
  std::size_t count = 0;
  for (const auto text : all) {
    if (count == limit) {
      data.warnings.emplace_back(truncated);
      break;
    }
    if (count++ > 0) data.text += ',';
    data.text += json_quoted(text);
    check_size(context, data.text);
  }
  data.text += ']';
  return data;
}

ApiData label_names(const QueryContext& context, const HttpRequest& request) {
  const Question question = question_of(context, request, "");
  const std::size_t limit = limit_of(request);
  const SeriesList found = answer_to(context, request, question);
  std::set<std::string_view> names;
  if (!found.empty()) names.insert(name_label);
  for (const auto& [id, info] : found) {
    for (const auto& label : info->labels) names.insert(label.name);
  }
  return texts(context, names, limit);
}

ApiData label_values(const QueryContext& context, const HttpRequest& request) {
  const std::string name = request.capture("name");
  if (!is_legal_label_name(name)) {
    throw ApiError{ApiErrorKind::bad_data, "invalid label name: " + promql::quoted(name)};
  }
  const Question question = question_of(context, request, "");
  const std::size_t limit = limit_of(request);
  const SeriesList found = answer_to(context, request, question);
  std::set<std::string_view> values;
  for (const auto& [id, info] : found) {
    const std::string_view value = name == name_label ? std::string_view(info->family->name) : info->labels.get(name);
    if (!value.empty()) values.insert(value);
  }
  return texts(context, values, limit);
}

// As Prometheus speaks of a metric: a histogram is one metric, whatever its series are called.
std::string_view metric_name(const Family& family) {
  std::string_view name = family.name;
  if (family.type != MetricType::histogram && family.type != MetricType::summary) return name;
  for (const std::string_view part : {"_bucket", "_count", "_sum"}) {
    if (name.size() > part.size() && name.ends_with(part)) return name.substr(0, name.size() - part.size());
  }
  return name;
}

ApiData metadata(const QueryContext& context, const HttpRequest& request) {
  const std::string wanted = request.param("metric").value_or("");
  const auto limit = number_param(request, "limit");
  std::map<std::string, std::shared_ptr<const Family>, std::less<>> families;
  for (const SeriesId id : context.store.catalog().select({})) {
    const auto info = context.store.catalog().info(id);
    if (info) families.emplace(metric_name(*info->family), info->family);
  }
  JsonWriter json;
  json.begin_object();
  std::int64_t count = 0;
  for (const auto& [name, family] : families) {
    if (!wanted.empty() && name != wanted) continue;
    if (limit && *limit >= 0 && count >= *limit) break;
    ++count;
    json.key(name).begin_array().begin_object();
    json.key("type").text(family->type == MetricType::untyped ? "unknown" : to_string(family->type));
    json.key("help").text(family->help).key("unit").text(family->unit).end_object().end_array();
  }
  return ApiData::of(json.end_object().take());
}

}  // namespace

std::vector<FoundSeries> series_matching(const QueryContext& context, const HttpRequest& request,
                                         const std::vector<std::string>& selectors, Time from, Time to) {
  const Catalog& catalog = context.store.catalog();
  const Time until = request.received + context.limits.timeout;
  SeriesList found;
  std::set<SeriesId> taken;
  std::size_t looked_at = 0;
  const auto take = [&](const std::vector<SeriesId>& ids) {
    for (const SeriesId id : ids) {
      if (looked_at++ % series_between_checks == 0) {
        if (request.is_abandoned()) throw ApiError{ApiErrorKind::canceled, "query was canceled"};
        if (context.clock.now() >= until) throw ApiError{ApiErrorKind::timeout, "query timed out"};
      }
      if (!taken.insert(id).second || !context.store.has_samples(id, from, to)) continue;
      if (auto info = catalog.info(id)) found.push_back({id, std::move(info)});
    }
  };
  if (selectors.empty()) {
    take(catalog.select({}));
  }
  for (const auto& selector : selectors) {
    const auto matchers = parse_selector(selector);
    if (matchers) take(catalog.select(*matchers));
  }
  return found;
}

void add_series_routes(std::vector<HttpRoute>& routes, const QueryContext& context) {
  using Handler = ApiData (*)(const QueryContext&, const HttpRequest&);
  const auto add = [&](const char* path, Handler handler, ApiMethods methods) {
    add_api_route(routes, path, [context, handler](const HttpRequest& request) { return handler(context, request); },
                  HttpRoute::Runs::on_worker, methods);
  };
  add("/api/v1/series", series, ApiMethods::get_and_form);
  add("/api/v1/labels", label_names, ApiMethods::get_and_form);
  add("/api/v1/label/{name}/values", label_values, ApiMethods::get);
  add("/api/v1/metadata", metadata, ApiMethods::get);
}

}  // namespace sidewatch
