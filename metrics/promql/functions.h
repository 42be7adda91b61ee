// The functions of the language: one table of names, argument types and implementations.
//
// A function is one of two shapes. Over a range vector it sees one series' samples at a time and gives a value or
// nothing, whether a selector or a subquery made the range; everything else sees its evaluated arguments whole. An
// argument that cannot be (a smoothing factor of 2) ends the evaluation with a CallFailure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/regex.h"
#include "metrics/promql/ast.h"
#include "metrics/promql/operand.h"

namespace sidewatch::promql {

struct CallFailure {
  std::string what;
};

// One series' samples between both ends of the range, inclusive.
struct RangeWindow {
  std::span<const Point> points;  // never empty
  Time start;
  Time end;
  Duration range;                   // end - start
  std::span<const double> scalars;  // the function's other arguments, in order
  Time at;                          // when the expression is evaluated; `end` but for offset and @
};
using RangeFunction = std::optional<double> (*)(const RangeWindow& window);

// What a call remembers for the next evaluation; valid while the label pool is.
struct CallMemory {
  Derivation derived;     // the labels of a result, or of the group that a label set belongs to
  IndexByLabels groups;   // scratch
  bool prepared = false;  // the text arguments are looked at once
  Regex regex;
};

struct CallContext {
  Time at;
  LabelPool& pool;
  const Call& call;
  std::vector<Operand>& arguments;  // those that are strings are in `call`
  CallMemory& memory;
};
using InstantFunction = Operand (*)(const CallContext& context);

enum class MetricName : std::uint8_t { dropped, kept };

inline constexpr int any_number = -1;  // of optional arguments: the last may be left out and repeated

struct Function {
  std::string_view name;
  std::vector<ValueType> arguments;
  int optional_arguments;  // how many of the last may be left out
  ValueType returns;
  std::variant<RangeFunction, InstantFunction> implementation;
  std::string_view meaning;                      // for people
  MetricName metric_name = MetricName::dropped;  // of a RangeFunction's results
  InstantFunction afterwards = nullptr;          // of a RangeFunction: what its results, all together, become
};

// Of a bare selector timestamp() wants to know when the samples were taken: such an argument's values are their times,
// in seconds.
bool wants_sample_times(const Call& call);

// What a string argument says.
const std::string& text_argument(const Call& call, std::size_t index);

// Null when there is no such function.
const Function* find_function(std::string_view name);

// Every function, in order of name.
std::span<const Function> functions();

// range_functions.cpp
namespace range {
std::optional<double> changes(const RangeWindow& window);
std::optional<double> delta(const RangeWindow& window);
std::optional<double> idelta(const RangeWindow& window);
std::optional<double> increase(const RangeWindow& window);
std::optional<double> irate(const RangeWindow& window);
std::optional<double> rate(const RangeWindow& window);
std::optional<double> resets(const RangeWindow& window);
}  // namespace range

// over_time_functions.cpp
namespace range {
std::optional<double> avg_over_time(const RangeWindow& window);
std::optional<double> count_over_time(const RangeWindow& window);
std::optional<double> first_over_time(const RangeWindow& window);
std::optional<double> last_over_time(const RangeWindow& window);
std::optional<double> mad_over_time(const RangeWindow& window);
std::optional<double> max_over_time(const RangeWindow& window);
std::optional<double> min_over_time(const RangeWindow& window);
std::optional<double> present_over_time(const RangeWindow& window);
std::optional<double> quantile_over_time(const RangeWindow& window);
std::optional<double> stddev_over_time(const RangeWindow& window);
std::optional<double> stdvar_over_time(const RangeWindow& window);
std::optional<double> sum_over_time(const RangeWindow& window);
std::optional<double> ts_of_first_over_time(const RangeWindow& window);
std::optional<double> ts_of_last_over_time(const RangeWindow& window);
std::optional<double> ts_of_max_over_time(const RangeWindow& window);
std::optional<double> ts_of_min_over_time(const RangeWindow& window);
}  // namespace range

// trend_functions.cpp
namespace range {
std::optional<double> deriv(const RangeWindow& window);
std::optional<double> double_exponential_smoothing(const RangeWindow& window);
std::optional<double> predict_linear(const RangeWindow& window);
}  // namespace range

// instant_functions.cpp
namespace instant {
Operand absent(const CallContext& context);
Operand scalar(const CallContext& context);
Operand time(const CallContext& context);
Operand timestamp(const CallContext& context);
Operand vector(const CallContext& context);
}  // namespace instant

// math_functions.cpp
namespace math {
Operand abs(const CallContext& context);
Operand acos(const CallContext& context);
Operand acosh(const CallContext& context);
Operand asin(const CallContext& context);
Operand asinh(const CallContext& context);
Operand atan(const CallContext& context);
Operand atanh(const CallContext& context);
Operand ceil(const CallContext& context);
Operand clamp(const CallContext& context);
Operand clamp_max(const CallContext& context);
Operand clamp_min(const CallContext& context);
Operand cos(const CallContext& context);
Operand cosh(const CallContext& context);
Operand deg(const CallContext& context);
Operand exp(const CallContext& context);
Operand floor(const CallContext& context);
Operand ln(const CallContext& context);
Operand log10(const CallContext& context);
Operand log2(const CallContext& context);
Operand max_of(const CallContext& context);
Operand min_of(const CallContext& context);
Operand pi(const CallContext& context);
Operand rad(const CallContext& context);
Operand round(const CallContext& context);
Operand sgn(const CallContext& context);
Operand sin(const CallContext& context);
Operand sinh(const CallContext& context);
Operand sqrt(const CallContext& context);
Operand tan(const CallContext& context);
Operand tanh(const CallContext& context);
}  // namespace math

// date_functions.cpp
namespace date {
Operand day_of_month(const CallContext& context);
Operand day_of_week(const CallContext& context);
Operand day_of_year(const CallContext& context);
Operand days_in_month(const CallContext& context);
Operand hour(const CallContext& context);
Operand minute(const CallContext& context);
Operand month(const CallContext& context);
Operand year(const CallContext& context);
}  // namespace date

// histogram_functions.cpp
namespace histogram {
Operand fraction(const CallContext& context);
Operand of_native(const CallContext& context);
Operand quantile(const CallContext& context);
Operand quantiles(const CallContext& context);
}  // namespace histogram

// label_functions.cpp
namespace label {
Operand join(const CallContext& context);
Operand replace(const CallContext& context);
}  // namespace label

// sort_functions.cpp
namespace sort {
Operand ascending(const CallContext& context);
Operand by_label(const CallContext& context);
Operand by_label_descending(const CallContext& context);
Operand descending(const CallContext& context);
}  // namespace sort

}  // namespace sidewatch::promql
