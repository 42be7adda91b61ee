// See budget.h.
#include "metrics/promql/budget.h"

namespace sidewatch::promql {
namespace {

constexpr std::size_t work_of_a_step = 20;  // as much as reading so many samples: it is more than nothing

std::size_t steps_of(const RangeSpec& query) {
  return static_cast<std::size_t>((query.end - query.start) / query.step) + 1;
}

}  // namespace

// A range query may read as much at each of its steps as a query of one instant.
Budget::Budget(const Options& options, const RangeSpec& query)
    : options_(options), query_(query), max_touched_(options.limits.max_touched_samples * steps_of(query)) {}

void Budget::begin_step(const Node& node) { touch(work_of_a_step, node); }

void Budget::hold(std::size_t samples, const Node& node) {
  held_ += samples;
  if (held_ <= options_.limits.max_samples) return;
  throw EvaluationFailure{"query processing would load too many samples into memory in query execution", node.offset};
}

void Budget::look(const Node& node) {
  if (touched_ > max_touched_) {
    throw EvaluationFailure{"query touches more samples than the limit of " +
                                std::to_string(options_.limits.max_touched_samples) + " (max_touched_samples)",
                            node.offset};
  }
  work_ = 0;
  if (!options_.out_of_time || !options_.out_of_time()) return;
  throw EvaluationFailure{"query timed out in expression evaluation", node.offset, QueryErrorKind::timeout};
}

}  // namespace sidewatch::promql
