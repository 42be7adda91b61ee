// What a query may cost, and how an evaluation ends that would cost more.
//
// Samples are counted twice: those that are read bound the work, those that are in memory at the same time bound the
// memory. Reading takes time, so the caller is asked every now and then whether there is any left.
#pragma once

#include <cstddef>
#include <string>

#include "metrics/promql/ast.h"
#include "metrics/promql/expression.h"

namespace sidewatch::promql {

// Thrown from the depths of an evaluation; never leaves this folder.
struct EvaluationFailure {
  std::string what;
  std::size_t offset;  // in the expression's text, in bytes
  QueryErrorKind kind = QueryErrorKind::execution;
};

// Of one query, its subqueries included.
class Budget {
 public:
  Budget(const Options& options, const RangeSpec& query);

  void begin_step(const Node& node);
  void touch(std::size_t samples, const Node& node) {  // samples are being read
    touched_ += samples;
    work_ += samples;
    if (touched_ > max_touched_ || work_ >= work_between_looks) look(node);
  }
  void hold(std::size_t samples, const Node& node);        // samples stay in memory...
  void release(std::size_t samples) { held_ -= samples; }  // ...until now

  const Options& options() const { return options_; }
  const RangeSpec& query() const { return query_; }  // as it was asked: `@ start()` and `@ end()`

 private:
  static constexpr std::size_t work_between_looks = 1000;  // samples read between two looks at the time

  void look(const Node& node);

  const Options& options_;
  const RangeSpec query_;
  const std::size_t max_touched_;
  std::size_t touched_ = 0;
  std::size_t work_ = 0;  // touched since the last look at the time
  std::size_t held_ = 0;
};

}  // namespace sidewatch::promql
