// See function_reference.h.
#include "metrics/promql/function_reference.h"

#include <array>

#include "metrics/promql/functions.h"

namespace sidewatch::promql {
namespace {

constexpr std::string_view introduction =
    "# Functions and aggregations\n\n"
    "They are those of Prometheus, and compute what Prometheus 2.42 computes to the last bit where it has them (sums "
    "and what the mathematical library computes, such as `sin`: to within rounding).\n\n"
    "A *vector* is what a selector gives, `up{job=\"api\"}`; a *range* is one with a duration, `up[5m]`, or a "
    "subquery, `rate(x[1m])[1h:1m]`; a *number* is a scalar; a *text* stands in quotes. What is in brackets may be "
    "left out, what `...` follows may be repeated. Unless something else is said, the result has the labels of the "
    "argument without the metric's name.\n\n"
    "## Functions\n\n"
    "| function | what it gives |\n|---|---|\n";

constexpr std::string_view between =
    "\nSamples are numbers here, so the functions that only native histograms have find nothing. `info` does not "
    "exist: the agent has no `target_info` whose labels it could add; say `* on (...) group_left (...)`. Nor do "
    "`timeseries_gen` and, as functions, `start`, `end`, `range` and `step`.\n\n"
    "Where a bucket of a classic histogram counts less than the one below it (buckets are not read all at one moment), "
    "or differs from it by rounding alone (by less than 1e-12 of both), it counts as many. Dates are in UTC. "
    "A label that `label_join` or `label_replace` makes has at most 64 KiB.\n\n"
    "## Aggregations\n\n"
    "`sum by (job, code) (...)` keeps these labels, `sum without (instance) (...)` all but these, `sum(...)` none.\n\n"
    "| aggregation | what it gives for each group |\n|---|---|\n";

constexpr std::string_view end =
    "\nOf equal values `topk` and `bottomk` keep those that come first; NaN is last in both. `limit_ratio(0.1, v)` and "
    "`limit_ratio(-0.9, v)` share nothing and are everything together; which series they choose depends on the labels "
    "alone, but is not Prometheus's choice.\n\n"
    "Prometheus 2.42 does not have `first_over_time`, `mad_over_time`, `ts_of_*_over_time`, `sort_by_label`, "
    "`sort_by_label_desc`, `double_exponential_smoothing`, `histogram_quantiles`, `max_of`, `min_of`, `limitk` and `limit_ratio`. Where it computes otherwise is in "
    "[query.md](query.md).\n";

struct AggregationMeaning {
  std::string_view spelling;
  std::string_view meaning;
};
constexpr std::array aggregations = {
    AggregationMeaning{"avg(vector)", "the mean"},
    AggregationMeaning{"bottomk(number, vector)", "so many samples with the least values, whole"},
    AggregationMeaning{"count(vector)", "how many samples there are"},
    AggregationMeaning{"count_values(text, vector)", "how many samples have each value; the value becomes a label"},
    AggregationMeaning{"group(vector)", "1"},
    AggregationMeaning{"limit_ratio(number, vector)", "a share (0 to 1) of the samples, whole, always the same series"},
    AggregationMeaning{"limitk(number, vector)", "so many samples, whole"},
    AggregationMeaning{"max(vector)", "the greatest value"},
    AggregationMeaning{"min(vector)", "the least value"},
    AggregationMeaning{"quantile(number, vector)", "the quantile (0 to 1) of the values"},
    AggregationMeaning{"stddev(vector)", "the standard deviation"},
    AggregationMeaning{"stdvar(vector)", "the variance"},
    AggregationMeaning{"sum(vector)", "the sum"},
    AggregationMeaning{"topk(number, vector)", "so many samples with the greatest values, whole"},
};

std::string_view word_for(ValueType type) {
  switch (type) {
    case ValueType::scalar: return "number";
    case ValueType::vector: return "vector";
    case ValueType::matrix: return "range";
    case ValueType::string: return "text";
  }
  return {};
}

// round(vector[, number]), label_join(vector, text, text[, text...]); the optional ones are all of one type
std::string spelled(const Function& function) {
  const bool repeated = function.optional_arguments == any_number || function.optional_arguments > 1;
  const bool unlimited = function.optional_arguments == any_number;
  const std::size_t needed = function.arguments.size() -
                             (unlimited ? 1 : static_cast<std::size_t>(function.optional_arguments));
  std::string out = std::string(function.name) + "(";
  for (std::size_t i = 0; i < needed; ++i) out += (i == 0 ? "" : ", ") + std::string(word_for(function.arguments[i]));
  if (needed < function.arguments.size()) {
    out += needed == 0 ? "[" : "[, ";
    out += word_for(function.arguments[needed]);
    out += repeated ? "...]" : "]";
  }
  return out + ")";
}

}  // namespace

std::string functions_as_markdown() {
  std::string out(introduction);
  for (const Function& function : functions()) {
    out += "| `" + spelled(function) + "` | " + std::string(function.meaning) + " |\n";
  }
  out += between;
  for (const AggregationMeaning& aggregation : aggregations) {
    out += "| `" + std::string(aggregation.spelling) + "` | " + std::string(aggregation.meaning) + " |\n";
  }
  out += end;
  return out;
}

}  // namespace sidewatch::promql
