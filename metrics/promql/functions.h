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
  MetricName metric_name = MetricName::dropped;  // of a RangeFunction's results
  InstantFunction afterwards = nullptr;          // of a RangeFunction: what its results, all together, become
};

// Of a bare selector timestamp() wants to know when the samples were taken: such an argument's values are their times,
// in seconds.
bool wants_sample_times(const Call& call);

// Null when there is no such function.
const Function* find_function(std::string_view name);

// Every function, in order of name.
std::span<const Function> functions();

// range_functions.cpp
namespace range {
std::optional<double> rate(const RangeWindow& window);
std::optional<double> increase(const RangeWindow& window);
std::optional<double> delta(const RangeWindow& window);
std::optional<double> irate(const RangeWindow& window);
std::optional<double> idelta(const RangeWindow& window);
std::optional<double> changes(const RangeWindow& window);
std::optional<double> resets(const RangeWindow& window);
std::optional<double> avg_over_time(const RangeWindow& window);
std::optional<double> min_over_time(const RangeWindow& window);
std::optional<double> max_over_time(const RangeWindow& window);
std::optional<double> sum_over_time(const RangeWindow& window);
std::optional<double> count_over_time(const RangeWindow& window);
std::optional<double> last_over_time(const RangeWindow& window);
std::optional<double> present_over_time(const RangeWindow& window);
}  // namespace range

// instant_functions.cpp
namespace instant {
Operand abs(const CallContext& context);
Operand absent(const CallContext& context);
Operand ceil(const CallContext& context);
Operand clamp(const CallContext& context);
Operand clamp_max(const CallContext& context);
Operand clamp_min(const CallContext& context);
Operand floor(const CallContext& context);
Operand round(const CallContext& context);
Operand scalar(const CallContext& context);
Operand time(const CallContext& context);
Operand vector(const CallContext& context);
}  // namespace instant

}  // namespace sidewatch::promql
