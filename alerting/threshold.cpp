// Reading and applying thresholds.

#include "alerting/threshold.h"

#include <array>
#include <cmath>
#include <utility>

#include "config/literals.h"

namespace sidewatch {
namespace {

// The longer spelling first: ">=" begins with ">".
constexpr std::array<std::pair<std::string_view, Comparison>, 6> operators = {{
    {">=", Comparison::greater_or_equal},
    {"<=", Comparison::less_or_equal},
    {"==", Comparison::equal},
    {"!=", Comparison::not_equal},
    {">", Comparison::greater},
    {"<", Comparison::less},
}};

bool compare(Comparison comparison, double value, double bound) {
  switch (comparison) {
    case Comparison::greater: return value > bound;
    case Comparison::greater_or_equal: return value >= bound;
    case Comparison::less: return value < bound;
    case Comparison::less_or_equal: return value <= bound;
    case Comparison::equal: return value == bound;
    case Comparison::not_equal: return value < bound || value > bound;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

bool Threshold::entered(double value) const { return compare(comparison, value, bound); }

bool Threshold::kept(double value) const { return compare(comparison, value, clear.value_or(bound)); }

bool Threshold::worse(double a, double b) const {
  if (std::isnan(a)) return false;
  if (std::isnan(b)) return true;
  switch (direction(comparison)) {
    case 1: return a > b;
    case -1: return a < b;
    default: return std::abs(a - bound) > std::abs(b - bound);
  }
}

std::string_view to_string(Comparison comparison) {
  for (const auto& [spelling, value] : operators) {
    if (value == comparison) return spelling;
  }
  return "";
}

int direction(Comparison comparison) {
  switch (comparison) {
    case Comparison::greater:
    case Comparison::greater_or_equal: return 1;
    case Comparison::less:
    case Comparison::less_or_equal: return -1;
    case Comparison::equal:
    case Comparison::not_equal: return 0;
  }
  return 0;
}

Result<double> parse_quantity(std::string_view text) {
  const std::string_view quantity = trimmed(text);
  if (quantity.ends_with('%')) return config::parse_percent(quantity);
  if (!quantity.ends_with('B')) return config::parse_number(quantity);
  const auto size = config::parse_size(quantity);
  if (!size) return size.error();
  return static_cast<double>(size->count);
}

Result<Threshold> parse_threshold(std::string_view text) {
  const std::string_view whole = trimmed(text);
  for (const auto& [spelling, comparison] : operators) {
    if (!whole.starts_with(spelling)) continue;
    const auto bound = parse_quantity(whole.substr(spelling.size()));
    if (!bound) return bound.error();
    return Threshold{comparison, *bound, {}};
  }
  if (whole.starts_with("=")) return Error{"write '==' for equal", ""};
  if (whole.empty()) return Error{"the threshold is empty; write for instance '> 80'", ""};
  if (parse_quantity(whole)) {
    return Error{"a threshold says on which side the problem is: write '> " + std::string(whole) + "' or '< " +
                     std::string(whole) + "'", ""};
  }
  return Error{quoted(whole) + " is not a threshold; write an operator and a number, for instance '> 80'", ""};
}

std::string to_string(const Threshold& threshold) {
  return std::string(to_string(threshold.comparison)) + " " + config::write_number(threshold.bound);
}

}  // namespace sidewatch
