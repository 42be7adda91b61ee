// ask_file(): an evaluation in this process. See query_answer.h.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/query/answer.h"
#include "config/regular_file.h"
#include "metrics/openmetrics_reader.h"
#include "metrics/sample_feed.h"

namespace sidewatch {
namespace {

using Kind = QueryFailure::Kind;

// A person waits for this one and can stop it.
promql::Options file_options() {
  promql::Options options;
  options.limits = {.max_samples = 100'000'000, .max_touched_samples = 1'000'000'000, .max_series = 1'000'000};
  return options;
}

Result<std::string> read_standard_input() {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{std::strerror(errno), "standard input"};
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > max_sample_file_bytes) return Error{"is larger than 512 MiB", "standard input"};
  }
}

QueryFailure evaluation_failure(const Error& error, promql::QueryErrorKind kind) {
  const bool wrong_question = kind == promql::QueryErrorKind::bad_data;
  return {wrong_question ? Kind::expression : Kind::evaluation, error.what, error.where};
}

QueryOutcome over_range(const promql::Expression& expression, const Store& store, const QueryRequest& request, Time at) {
  auto matrix = promql::evaluate_range(expression, store, {at - *request.range, at, request.step}, file_options());
  if (!matrix) return evaluation_failure(matrix.error(), matrix.kind());
  return QueryAnswer{promql::ValueType::matrix, std::move(*matrix), "", {}, at};
}

QueryOutcome at_instant(const promql::Expression& expression, const Store& store, Time at) {
  auto value = promql::evaluate(expression, store, at, file_options());
  if (!value) return evaluation_failure(value.error(), value.kind());
  QueryAnswer answer{expression.type(), {}, "", {}, at};
  if (const auto* number = std::get_if<double>(&*value)) answer.series.push_back({Labels(), {{at, *number}}});
  if (auto* text = std::get_if<std::string>(&*value)) answer.text = std::move(*text);
  if (auto* matrix = std::get_if<promql::Matrix>(&*value)) answer.series = std::move(*matrix);
  if (auto* vector = std::get_if<promql::Vector>(&*value)) {
    for (auto& sample : *vector) answer.series.push_back({std::move(sample.labels), {{at, sample.value}}});
  }
  return answer;
}

}  // namespace

QueryOutcome ask_file(const std::string& path, const QueryRequest& request, Time now) {
  const auto expression = promql::Expression::parse(request.expression);
  if (!expression) return QueryFailure{Kind::expression, expression.error().what, expression.error().where};

  const bool standard_input = path == "-";
  auto text = standard_input ? read_standard_input() : config::read_regular_file(path, max_sample_file_bytes);
  if (!text) return QueryFailure{Kind::environment, text.error().text()};
  SamplesReadOptions options;
  options.untimed_at = request.at.value_or(now);
  auto samples = read_openmetrics(*text, options);
  if (!samples) {
    const std::string name = standard_input ? "standard input" : path;
    return QueryFailure{Kind::environment, name + ":" + samples.error().text()};
  }
  text->clear();
  text->shrink_to_fit();

  const Time at = request.at.value_or(samples->timed ? samples->newest : now);
  SampleFeed feed;
  for (auto& series : samples->series) feed.add(std::move(series));
  feed.advance(std::max(samples->newest, at));
  return request.range ? over_range(*expression, feed.store(), request, at) : at_instant(*expression, feed.store(), at);
}

}  // namespace sidewatch
