// Functions of one number, applied to every sample of an instant vector; the metric's name goes, for the value is no
// longer the metric's.
#include <cmath>
#include <limits>
#include <numbers>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::math {
namespace {

template <class F>
Operand map(const CallContext& context, F&& function) {
  Items items = std::move(context.arguments[0].items);
  for (Item& item : items) item = {context.pool.without_name(item.labels), function(item.value)};
  return Operand::of(std::move(items));
}

// Go's minimum and maximum: an infinity in the right direction beats NaN, which beats every number.
double smaller(double a, double b) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a == -infinity || b == -infinity) return -infinity;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
double larger(double a, double b) { return -smaller(-a, -b); }

}  // namespace

Operand abs(const CallContext& context) {
  return map(context, [](double value) { return std::abs(value); });
}
Operand acos(const CallContext& context) {
  return map(context, [](double value) { return std::acos(value); });
}
Operand acosh(const CallContext& context) {
  return map(context, [](double value) { return std::acosh(value); });
}
Operand asin(const CallContext& context) {
  return map(context, [](double value) { return std::asin(value); });
}
Operand asinh(const CallContext& context) {
  return map(context, [](double value) { return std::asinh(value); });
}
Operand atan(const CallContext& context) {
  return map(context, [](double value) { return std::atan(value); });
}
Operand atanh(const CallContext& context) {
  return map(context, [](double value) { return std::atanh(value); });
}
Operand ceil(const CallContext& context) {
  return map(context, [](double value) { return std::ceil(value); });
}
Operand cos(const CallContext& context) {
  return map(context, [](double value) { return std::cos(value); });
}
Operand cosh(const CallContext& context) {
  return map(context, [](double value) { return std::cosh(value); });
}
Operand deg(const CallContext& context) {
  return map(context, [](double value) { return value * 180 / std::numbers::pi; });
}
Operand exp(const CallContext& context) {
  return map(context, [](double value) { return std::exp(value); });
}
Operand floor(const CallContext& context) {
  return map(context, [](double value) { return std::floor(value); });
}
Operand ln(const CallContext& context) {
  return map(context, [](double value) { return std::log(value); });
}
Operand log10(const CallContext& context) {
  return map(context, [](double value) { return std::log10(value); });
}
Operand log2(const CallContext& context) {
  return map(context, [](double value) { return std::log2(value); });
}
Operand rad(const CallContext& context) {
  return map(context, [](double value) { return value * std::numbers::pi / 180; });
}
// Zero and NaN stay what they are.
Operand sgn(const CallContext& context) {
  return map(context, [](double value) { return value < 0 ? -1 : value > 0 ? 1 : value; });
}
Operand sin(const CallContext& context) {
  return map(context, [](double value) { return std::sin(value); });
}
Operand sinh(const CallContext& context) {
  return map(context, [](double value) { return std::sinh(value); });
}
Operand sqrt(const CallContext& context) {
  return map(context, [](double value) { return std::sqrt(value); });
}
Operand tan(const CallContext& context) {
  return map(context, [](double value) { return std::tan(value); });
}
Operand tanh(const CallContext& context) {
  return map(context, [](double value) { return std::tanh(value); });
}

Operand clamp(const CallContext& context) {
  const double least = context.arguments[1].scalar;
  const double most = context.arguments[2].scalar;
  if (most < least) return Operand::of(Items{});
  return map(context, [=](double value) { return larger(least, smaller(most, value)); });
}

Operand clamp_max(const CallContext& context) {
  return map(context, [most = context.arguments[1].scalar](double value) { return smaller(most, value); });
}

Operand clamp_min(const CallContext& context) {
  return map(context, [least = context.arguments[1].scalar](double value) { return larger(least, value); });
}

// To a multiple of the second argument (1); halves go up.
Operand round(const CallContext& context) {
  const double nearest = context.arguments.size() > 1 ? context.arguments[1].scalar : 1;
  const double inverse = 1 / nearest;
  return map(context, [=](double value) { return std::floor(value * inverse + 0.5) / inverse; });
}

Operand max_of(const CallContext& context) {
  return Operand::of(larger(context.arguments[0].scalar, context.arguments[1].scalar));
}

Operand min_of(const CallContext& context) {
  return Operand::of(smaller(context.arguments[0].scalar, context.arguments[1].scalar));
}

Operand pi(const CallContext&) { return Operand::of(std::numbers::pi); }

}  // namespace sidewatch::promql::math
