// What a query may cost. See evaluator.h.
#include "metrics/promql/evaluator.h"

namespace sidewatch::promql {
namespace {

constexpr std::size_t work_between_looks = 1000;  // samples read between two looks at the time
constexpr std::size_t work_of_a_step = 100;       // as much as reading so many samples

}  // namespace

// A range query may read as much at each of its steps as a query of one instant: what bounds it as a whole is time.
void Budget::begin_step(const Node& node) {
  if (query_.start != query_.end) touched_ = 0;
  watch_the_time(work_of_a_step, node);
}

void Budget::touch(std::size_t samples, const Node& node) {
  touched_ += samples;
  const std::size_t limit = options_.limits.max_touched_samples;
  if (touched_ > limit) {
    throw EvaluationFailure{"query touches more samples than the limit of " + std::to_string(limit) +
                                " (max_touched_samples)",
                            node.offset};
  }
  watch_the_time(samples, node);
}

void Budget::hold(std::size_t samples, const Node& node) {
  held_ += samples;
  if (held_ <= options_.limits.max_samples) return;
  throw EvaluationFailure{"query processing would load too many samples into memory in query execution", node.offset};
}

void Budget::watch_the_time(std::size_t work, const Node& node) {
  work_ += work;
  if (work_ < work_between_looks) return;
  work_ = 0;
  if (!options_.out_of_time || !options_.out_of_time()) return;
  throw EvaluationFailure{"query timed out in expression evaluation", node.offset, QueryErrorKind::timeout};
}

}  // namespace sidewatch::promql
