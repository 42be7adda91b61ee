#include "agent/query/plot_scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sidewatch {
namespace {

struct Prefix {
  double size = 1;
  const char* name = "";
};

constexpr std::array binary_prefixes = {Prefix{1099511627776.0, "Ti"}, Prefix{1073741824.0, "Gi"},
                                        Prefix{1048576.0, "Mi"}, Prefix{1024.0, "Ki"}};
constexpr std::array decimal_prefixes = {Prefix{1e12, "T"}, Prefix{1e9, "G"}, Prefix{1e6, "M"}, Prefix{1e3, "k"}};
constexpr std::array small_prefixes = {Prefix{1, ""}, Prefix{1e-3, "m"}, Prefix{1e-6, "u"}, Prefix{1e-9, "n"}};

template <std::size_t count>
Prefix largest(const std::array<Prefix, count>& prefixes, double size) {
  for (const Prefix& prefix : prefixes) {
    if (size >= prefix.size * 0.9999999) return prefix;
  }
  return {};
}

Prefix prefix_for(double size, const PlotUnit& unit) {
  switch (unit.prefixes) {
    case PlotUnit::Prefixes::binary: return largest(binary_prefixes, size);
    case PlotUnit::Prefixes::decimal: return largest(decimal_prefixes, size);
    case PlotUnit::Prefixes::small: return size >= 1 ? Prefix{} : largest(small_prefixes, size);
    case PlotUnit::Prefixes::none: break;
  }
  return {};
}

std::string with_unit(double value, const Prefix& prefix, const PlotUnit& unit, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value / prefix.size == 0 ? 0.0 : value / prefix.size);
  const std::string rest = prefix.name + unit.symbol;
  return rest.empty() ? text : std::string(text) + " " + rest;
}

// The next of 1, 2, 5, 10, 20, ... that is not below `rough`.
double round_step(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power * 1.0000001) return factor * power;
  }
  return 10 * power;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

PlotUnit unit_of(std::string_view expression) {
  using Prefixes = PlotUnit::Prefixes;
  const bool per_second = contains(expression, "rate(") || contains(expression, "deriv(");
  const bool quotient = contains(expression, "/");
  if (quotient) return {};
  if (contains(expression, "_bytes")) return {Prefixes::binary, per_second ? "B/s" : "B"};
  if (contains(expression, "_seconds") && (!per_second || contains(expression, "quantile"))) return {Prefixes::small, "s"};
  return {};
}

PlotScale scale_for(double low, double high, std::size_t ticks, const PlotUnit& unit) {
  if (low == high) {  // a line in the middle
    const double room = low == 0 ? 1 : std::abs(low) / 2;
    low -= low > 0 ? std::min(room, low) : room;
    high += room;
  }
  if (low > 0 && low < high / 3) low = 0;  // close enough to show how far from nothing it is
  const Prefix prefix = prefix_for(std::max(std::abs(low), std::abs(high)), unit);
  const double step = round_step((high - low) / prefix.size / static_cast<double>(std::max<std::size_t>(ticks, 2) - 1));
  PlotScale scale;
  const double first = std::floor(low / prefix.size / step + 1e-9);
  const double last = std::max(std::ceil(high / prefix.size / step - 1e-9), first + 1);
  for (double i = first; i <= last && scale.ticks.size() < 100; ++i) {
    const double value = i * step * prefix.size;
    // As many digits as tell neighbours apart, and all of a whole number.
    const double size = std::max(std::abs(first), std::abs(last)) * step;
    const double apart = std::ceil(std::log10(size / step)) + 2;
    const int digits = static_cast<int>(std::clamp(std::max(apart, size < 1e6 ? std::ceil(std::log10(size)) + 1 : 0), 1.0, 15.0));
    scale.ticks.push_back({value, with_unit(value, prefix, unit, digits)});
  }
  scale.low = scale.ticks.front().value;
  scale.high = scale.ticks.back().value;
  return scale;
}

std::string value_in(double value, const PlotUnit& unit) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return with_unit(value, prefix_for(std::abs(value), unit), unit, 4);
}

}  // namespace sidewatch
