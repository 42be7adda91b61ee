// The table of functions: a new one is a line here and its implementation. See functions.h.
#include "metrics/promql/functions.h"

#include <algorithm>
#include <iterator>

namespace sidewatch::promql {
namespace {

using enum ValueType;

// In order of name.
const Function table[] = {
    {"abs", {vector}, 0, vector, instant::abs},
    {"absent", {vector}, 0, vector, instant::absent},
    {"avg_over_time", {matrix}, 0, vector, range::avg_over_time},
    {"ceil", {vector}, 0, vector, instant::ceil},
    {"changes", {matrix}, 0, vector, range::changes},
    {"clamp", {vector, scalar, scalar}, 0, vector, instant::clamp},
    {"clamp_max", {vector, scalar}, 0, vector, instant::clamp_max},
    {"clamp_min", {vector, scalar}, 0, vector, instant::clamp_min},
    {"count_over_time", {matrix}, 0, vector, range::count_over_time},
    {"delta", {matrix}, 0, vector, range::delta},
    {"floor", {vector}, 0, vector, instant::floor},
    {"idelta", {matrix}, 0, vector, range::idelta},
    {"increase", {matrix}, 0, vector, range::increase},
    {"irate", {matrix}, 0, vector, range::irate},
    {"last_over_time", {matrix}, 0, vector, range::last_over_time, MetricName::kept},
    {"max_over_time", {matrix}, 0, vector, range::max_over_time},
    {"min_over_time", {matrix}, 0, vector, range::min_over_time},
    {"present_over_time", {matrix}, 0, vector, range::present_over_time},
    {"rate", {matrix}, 0, vector, range::rate},
    {"resets", {matrix}, 0, vector, range::resets},
    {"round", {vector, scalar}, 1, vector, instant::round},
    {"scalar", {vector}, 0, scalar, instant::scalar},
    {"sum_over_time", {matrix}, 0, vector, range::sum_over_time},
    {"time", {}, 0, scalar, instant::time},
    {"vector", {scalar}, 0, vector, instant::vector},
};

}  // namespace

std::span<const Function> functions() { return table; }

const Function* find_function(std::string_view name) {
  const auto found = std::ranges::lower_bound(table, name, {}, &Function::name);
  return found != std::end(table) && found->name == name ? &*found : nullptr;
}

bool wants_sample_times(const Call& call) {
  if (call.function->name != "timestamp") return false;
  return std::holds_alternative<VectorSelector>(without_parentheses(*call.arguments[0]).kind);
}

}  // namespace sidewatch::promql
