// What the endpoints that ask the store work with, and how far one question may go.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/time.h"
#include "metrics/exemplars.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

struct QueryLimits {
  promql::Options evaluation;                                  // without out_of_time, which each request has of its own
  Duration timeout = std::chrono::seconds(10);                 // limits.query_timeout: of one query, its wait included
  std::size_t max_response_bytes = std::size_t{16} << 20;      // limits.max_query_response_bytes
};

struct QueryContext {
  const Store& store;
  const Clock& clock;
  QueryLimits limits;
  const Exemplars* exemplars = nullptr;  // none: nobody has any
};

}  // namespace sidewatch
