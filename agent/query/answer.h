// What `sidewatch query` asks and what it is given: by an agent over HTTP (the JSON of Prometheus's API, so that a
// Prometheus may answer as well), or by an evaluation over a file of samples in this process.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/http_client.h"
#include "base/time.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

struct QueryRequest {
  std::string expression;
  std::optional<Time> at;      // absent: now; over a file the time of its newest sample
  std::optional<Duration> range;  // a range query over so long, up to `at`
  Duration step{0};            // of the range query; positive
};

struct QueryAnswer {
  promql::ValueType type = promql::ValueType::vector;
  std::vector<promql::Series> series;  // a vector has one point each, a scalar is one series without labels
  std::string text;                    // of a string
  std::vector<std::string> warnings;
  Time at;                             // the instant, or the end of the range
};

struct QueryFailure {
  enum class Kind {
    expression,  // it cannot be read
    evaluation,  // it can, but has no value
    environment  // nobody answered, or the file cannot be read
  };
  Kind kind = Kind::environment;
  std::string sentence;
  std::string place = {};  // in the expression, "line:column"; empty: none is known
};

using QueryOutcome = std::variant<QueryAnswer, QueryFailure>;

// `url` is that of an agent or a Prometheus, without /api/v1.
QueryOutcome ask_agent(const std::string& url, const QueryRequest& request, Time now);

// In a sentence, why nobody answered at the `url` that was given as --url, within `patience`.
std::string why_not_reached(const HttpError& error, const std::string& url, Duration patience);

// `body` is what the API answered; `url` is named in errors.
QueryOutcome read_api_answer(std::string_view body, Time at, const std::string& url);

// `path` names a file of samples, "-" standard input. See metrics/openmetrics_reader.h for its formats. Samples without
// timestamps are of the time `at` (or `now`).
QueryOutcome ask_file(const std::string& path, const QueryRequest& request, Time now);

inline constexpr std::size_t max_sample_file_bytes = std::size_t{512} << 20;
inline constexpr std::size_t max_api_answer_bytes = std::size_t{256} << 20;

}  // namespace sidewatch
