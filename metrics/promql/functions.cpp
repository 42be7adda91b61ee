// The table of functions: a new one is a line here and its implementation. See functions.h.
#include "metrics/promql/functions.h"

#include <algorithm>
#include <iterator>

namespace sidewatch::promql {
namespace {

using enum ValueType;

// In order of name.
const Function table[] = {
    {"abs", {vector}, 0, vector, math::abs, "the value without its sign"},
    {"absent", {vector}, 0, vector, instant::absent,
     "1 with the labels that the selector equals, when there is no sample; nothing otherwise"},
    {"absent_over_time", {matrix}, 0, vector, range::present_over_time,
     "the same for a whole range", MetricName::dropped, instant::absent},
    {"acos", {vector}, 0, vector, math::acos, "the arc cosine, in radians"},
    {"acosh", {vector}, 0, vector, math::acosh, "the inverse hyperbolic cosine"},
    {"asin", {vector}, 0, vector, math::asin, "the arc sine, in radians"},
    {"asinh", {vector}, 0, vector, math::asinh, "the inverse hyperbolic sine"},
    {"atan", {vector}, 0, vector, math::atan, "the arc tangent, in radians"},
    {"atanh", {vector}, 0, vector, math::atanh, "the inverse hyperbolic tangent"},
    {"avg_over_time", {matrix}, 0, vector, range::avg_over_time, "the mean"},
    {"ceil", {vector}, 0, vector, math::ceil, "the next whole number up"},
    {"changes", {matrix}, 0, vector, range::changes, "how often the value changed"},
    {"clamp", {vector, scalar, scalar}, 0, vector, math::clamp,
     "the value, but at least the first and at most the second scalar"},
    {"clamp_max", {vector, scalar}, 0, vector, math::clamp_max, "the value, but at most the scalar"},
    {"clamp_min", {vector, scalar}, 0, vector, math::clamp_min, "the value, but at least the scalar"},
    {"cos", {vector}, 0, vector, math::cos, "the cosine of radians"},
    {"cosh", {vector}, 0, vector, math::cosh, "the hyperbolic cosine"},
    {"count_over_time", {matrix}, 0, vector, range::count_over_time, "how many samples there are"},
    {"day_of_month", {vector}, 1, vector, date::day_of_month,
     "the day of the month, from 1 (of time() without an argument, in UTC)"},
    {"day_of_week", {vector}, 1, vector, date::day_of_week, "the day of the week, 0 for Sunday"},
    {"day_of_year", {vector}, 1, vector, date::day_of_year, "the day of the year, from 1"},
    {"days_in_month", {vector}, 1, vector, date::days_in_month, "how many days the month has"},
    {"deg", {vector}, 0, vector, math::deg, "radians as degrees"},
    {"delta", {matrix}, 0, vector, range::delta, "the change of a gauge over the range"},
    {"deriv", {matrix}, 0, vector, range::deriv, "the slope of a gauge per second, by linear regression"},
    {"double_exponential_smoothing", {matrix, scalar, scalar}, 0, vector, range::double_exponential_smoothing,
     "the smoothed value of a gauge, by smoothing and trend factor (both between 0 and 1)"},
    {"exp", {vector}, 0, vector, math::exp, "e to the power of the value"},
    {"first_over_time", {matrix}, 0, vector, range::first_over_time,
     "the first sample, with its name", MetricName::kept},
    {"floor", {vector}, 0, vector, math::floor, "the next whole number down"},
    {"histogram_avg", {vector}, 0, vector, histogram::of_native,
     "nothing: only for native histograms, which do not exist here"},
    {"histogram_count", {vector}, 0, vector, histogram::of_native,
     "nothing: only for native histograms, which do not exist here"},
    {"histogram_fraction", {scalar, scalar, vector}, 0, vector, histogram::fraction,
     "the share of a histogram's observations between two values, from its buckets"},
    {"histogram_quantile", {scalar, vector}, 0, vector, histogram::quantile,
     "the quantile (0 to 1) of a histogram, from its buckets"},
    {"histogram_quantiles",
     {vector, string, scalar, scalar, scalar, scalar, scalar, scalar, scalar, scalar, scalar, scalar}, 9, vector,
     histogram::quantiles, "up to 10 quantiles of a histogram, told apart by a label (2nd)"},
    {"histogram_stddev", {vector}, 0, vector, histogram::of_native,
     "nothing: only for native histograms, which do not exist here"},
    {"histogram_stdvar", {vector}, 0, vector, histogram::of_native,
     "nothing: only for native histograms, which do not exist here"},
    {"histogram_sum", {vector}, 0, vector, histogram::of_native,
     "nothing: only for native histograms, which do not exist here"},
    {"holt_winters", {matrix, scalar, scalar}, 0, vector, range::double_exponential_smoothing,
     "the older name of double_exponential_smoothing"},
    {"hour", {vector}, 1, vector, date::hour, "the hour, from 0"},
    {"idelta", {matrix}, 0, vector, range::idelta, "the change between the last two samples"},
    {"increase", {matrix}, 0, vector, range::increase, "the growth of a counter over the range"},
    {"irate", {matrix}, 0, vector, range::irate, "the growth of a counter per second between the last two samples"},
    {"label_join", {vector, string, string, string}, any_number, vector, label::join,
     "sets a label (2nd) to the values of others (4th and further), joined by a separator (3rd)"},
    {"label_replace", {vector, string, string, string, string}, 0, vector, label::replace,
     "sets a label (2nd) to a text (3rd, with $1) where another (4th) matches a pattern (5th)"},
    {"last_over_time", {matrix}, 0, vector, range::last_over_time, "the last sample, with its name", MetricName::kept},
    {"ln", {vector}, 0, vector, math::ln, "the natural logarithm"},
    {"log10", {vector}, 0, vector, math::log10, "the decimal logarithm"},
    {"log2", {vector}, 0, vector, math::log2, "the binary logarithm"},
    {"mad_over_time", {matrix}, 0, vector, range::mad_over_time, "the median distance from the median"},
    {"max_of", {scalar, scalar}, 0, scalar, math::max_of, "the greater of two numbers"},
    {"max_over_time", {matrix}, 0, vector, range::max_over_time, "the greatest value"},
    {"min_of", {scalar, scalar}, 0, scalar, math::min_of, "the smaller of two numbers"},
    {"min_over_time", {matrix}, 0, vector, range::min_over_time, "the least value"},
    {"minute", {vector}, 1, vector, date::minute, "the minute, from 0"},
    {"month", {vector}, 1, vector, date::month, "the month, from 1"},
    {"pi", {}, 0, scalar, math::pi, "the number pi"},
    {"predict_linear", {matrix, scalar}, 0, vector, range::predict_linear,
     "the value in so many seconds, by linear regression"},
    {"present_over_time", {matrix}, 0, vector, range::present_over_time, "1 where there is a sample"},
    {"quantile_over_time", {scalar, matrix}, 0, vector, range::quantile_over_time,
     "the quantile (0 to 1) of the values"},
    {"rad", {vector}, 0, vector, math::rad, "degrees as radians"},
    {"rate", {matrix}, 0, vector, range::rate, "the growth of a counter per second"},
    {"resets", {matrix}, 0, vector, range::resets, "how often a counter started again"},
    {"round", {vector, scalar}, 1, vector, math::round, "the nearest multiple of the scalar (1), halves up"},
    {"scalar", {vector}, 0, scalar, instant::scalar,
     "the value of the one sample; NaN when there is none or more than one"},
    {"sgn", {vector}, 0, vector, math::sgn, "1 for a value above 0, -1 below, 0 for 0"},
    {"sin", {vector}, 0, vector, math::sin, "the sine of radians"},
    {"sinh", {vector}, 0, vector, math::sinh, "the hyperbolic sine"},
    {"sort", {vector}, 0, vector, sort::ascending, "in order of value, names kept"},
    {"sort_by_label", {vector, string}, any_number, vector, sort::by_label,
     "in order of the values of labels, digits as numbers"},
    {"sort_by_label_desc", {vector, string}, any_number, vector, sort::by_label_descending, "the same, the last first"},
    {"sort_desc", {vector}, 0, vector, sort::descending, "in order of value, the greatest first"},
    {"sqrt", {vector}, 0, vector, math::sqrt, "the square root"},
    {"stddev_over_time", {matrix}, 0, vector, range::stddev_over_time, "the standard deviation"},
    {"stdvar_over_time", {matrix}, 0, vector, range::stdvar_over_time, "the variance"},
    {"sum_over_time", {matrix}, 0, vector, range::sum_over_time, "the sum"},
    {"tan", {vector}, 0, vector, math::tan, "the tangent of radians"},
    {"tanh", {vector}, 0, vector, math::tanh, "the hyperbolic tangent"},
    {"time", {}, 0, scalar, instant::time, "seconds since 1970 at the instant of evaluation"},
    {"timestamp", {vector}, 0, vector, instant::timestamp,
     "when a selector's samples were taken, in seconds since 1970"},
    {"ts_of_first_over_time", {matrix}, 0, vector, range::ts_of_first_over_time, "when the first sample was taken"},
    {"ts_of_last_over_time", {matrix}, 0, vector, range::ts_of_last_over_time, "when the last sample was taken"},
    {"ts_of_max_over_time", {matrix}, 0, vector, range::ts_of_max_over_time,
     "when the greatest value was taken, the last time"},
    {"ts_of_min_over_time", {matrix}, 0, vector, range::ts_of_min_over_time,
     "when the least value was taken, the last time"},
    {"vector", {scalar}, 0, vector, instant::vector, "the scalar as a vector of one sample without labels"},
    {"year", {vector}, 1, vector, date::year, "the year"},
};

}  // namespace

std::span<const Function> functions() { return table; }

const Function* find_function(std::string_view name) {
  const auto found = std::ranges::lower_bound(table, name, {}, &Function::name);
  return found != std::end(table) && found->name == name ? &*found : nullptr;
}

const std::string& text_argument(const Call& call, std::size_t index) {
  return std::get<StringLiteral>(without_parentheses(*call.arguments[index]).kind).value;
}

bool wants_sample_times(const Call& call) {
  if (call.function->name != "timestamp") return false;
  return std::holds_alternative<VectorSelector>(without_parentheses(*call.arguments[0]).kind);
}

}  // namespace sidewatch::promql
