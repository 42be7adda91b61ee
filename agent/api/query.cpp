// Requests speak wall time, the store its own timeline: both ends of a request are converted with the same step.
#include "agent/api/query.h"

#include <algorithm>
#include <utility>

#include "agent/api/envelope.h"
#include "agent/api/exemplars.h"
#include "agent/api/params.h"
#include "agent/api/values.h"
#include "base/json.h"
#include "metrics/promql/characters.h"

namespace sidewatch {
namespace {

using promql::QueryErrorKind;

constexpr std::int64_t max_points = 11'000;  // of one series, as Prometheus has it

// One query under way: when it must be over, and how its failures are told.
class Running {
 public:
  Running(const QueryContext& context, const HttpRequest& request, Duration timeout)
      : context_(context), request_(request), wall_step_(context.clock.wall_step()),
        until_(request.received + std::min(timeout, context.limits.timeout)) {
    if (over()) throw ApiError{ApiErrorKind::timeout, "query timed out in query queue"};
  }

  promql::Options options() const {
    promql::Options options = context_.limits.evaluation;
    options.out_of_time = [this] { return over(); };
    return options;
  }

  template <class T>
  T take(promql::Answer<T> answer) const {
    if (answer) return std::move(*answer);
    if (request_.is_abandoned()) throw ApiError{ApiErrorKind::canceled, "query was canceled in expression evaluation"};
    throw ApiError{kind_of(answer.kind()), answer.error().what};
  }

  ApiData data(const promql::Value& value, WallTime at) const {
    ApiData data;
    append_json_result(data.text, value, {at, wall_step_, context_.limits.max_response_bytes});
    return data;
  }

  Time on_timeline(WallTime wall) const { return from_wall(wall, wall_step_); }

 private:
  bool over() const { return request_.is_abandoned() || context_.clock.now() >= until_; }

  static ApiErrorKind kind_of(QueryErrorKind kind) {
    switch (kind) {
      case QueryErrorKind::bad_data: return ApiErrorKind::bad_data;
      case QueryErrorKind::execution: return ApiErrorKind::execution;
      case QueryErrorKind::timeout: return ApiErrorKind::timeout;
    }
    return ApiErrorKind::internal;
  }

  const QueryContext& context_;
  const HttpRequest& request_;
  const Duration wall_step_;
  const Time until_;
};

WallTime wall_now(const QueryContext& context) { return to_wall(context.clock.now(), context.clock.wall_step()); }

Duration timeout_of(const HttpRequest& request, const QueryContext& context) {
  const auto text = request.param("timeout").value_or("");
  if (text.empty()) return context.limits.timeout;
  const auto timeout = parse_api_duration(text);
  if (!timeout) throw invalid_parameter("timeout", timeout.error().what);
  return *timeout;
}

// Prometheus names the parameter in the errors of some endpoints only.
enum class ErrorStyle { names_parameter, plain };
promql::Expression expression_of(const HttpRequest& request, ErrorStyle style) {
  auto expression = promql::Expression::parse(request.param("query").value_or(""));
  if (expression) return std::move(*expression);
  const std::string why = promql::parse_error_text(expression.error());
  if (style == ErrorStyle::names_parameter) throw invalid_parameter("query", why);
  throw ApiError{ApiErrorKind::bad_data, why};
}

ApiData query(const QueryContext& context, const HttpRequest& request) {
  const WallTime at = time_or(request, "time", wall_now(context));
  const Duration timeout = timeout_of(request, context);
  const auto expression = expression_of(request, ErrorStyle::names_parameter);
  const Running running(context, request, timeout);
  return running.data(
      running.take(promql::evaluate(expression, context.store, running.on_timeline(at), running.options())), at);
}

struct Span {
  WallTime start, end;
  Duration step;
};

Span span_of(const HttpRequest& request) {
  const WallTime start = required_time(request, "start");
  const WallTime end = required_time(request, "end");
  if (end < start) throw invalid_parameter("end", "end timestamp must not be before start time");
  const auto step = parse_api_duration(request.param("step").value_or(""));
  if (!step) throw invalid_parameter("step", step.error().what);
  if (*step <= Duration(0)) {
    throw invalid_parameter("step",
                            "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((end - start) / *step > max_points) {
    throw ApiError{ApiErrorKind::bad_data,
                   "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
                   "(?step=XX)"};
  }
  return {start, end, *step};
}

ApiData query_range(const QueryContext& context, const HttpRequest& request) {
  const Span span = span_of(request);
  const Duration timeout = timeout_of(request, context);
  const auto expression = expression_of(request, ErrorStyle::plain);
  const Running running(context, request, timeout);
  const promql::RangeSpec range{running.on_timeline(span.start), running.on_timeline(span.end), span.step};
  return running.data(running.take(promql::evaluate_range(expression, context.store, range, running.options())),
                      span.start);
}

ApiData query_exemplars(const QueryContext& context, const HttpRequest& request) {
  const WallTime start = time_or(request, "start", earliest_wall);
  const WallTime end = time_or(request, "end", latest_wall);
  if (end < start) throw ApiError{ApiErrorKind::bad_data, "end timestamp must not be before start timestamp"};
  return exemplars_of(context, expression_of(request, ErrorStyle::plain), start, end);
}

ApiData format_query(const QueryContext&, const HttpRequest& request) {
  return ApiData::of(json_quoted(promql::format(expression_of(request, ErrorStyle::names_parameter))));
}

}  // namespace

void add_query_routes(std::vector<HttpRoute>& routes, const QueryContext& context) {
  const auto add = [&](const char* path, ApiData (*handler)(const QueryContext&, const HttpRequest&)) {
    add_api_route(routes, path, [context, handler](const HttpRequest& request) { return handler(context, request); },
                  HttpRoute::Runs::on_worker, ApiMethods::get_and_form);
  };
  add("/api/v1/query", query);
  add("/api/v1/query_range", query_range);
  add("/api/v1/query_exemplars", query_exemplars);
  add("/api/v1/format_query", format_query);
}

}  // namespace sidewatch
