// From which value on it is a problem, and from which value on it no longer is.
//
// A level is entered at its bound and left at its clear value: `> 80` with clear 75 is entered above 80 and left at 75
// or below. NaN satisfies no comparison in either direction; whoever compares treats it as "no data" before.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

enum class Comparison { greater, greater_or_equal, less, less_or_equal, equal, not_equal };
std::string_view to_string(Comparison comparison);  // ">", ">=", "<", "<=", "==", "!="

struct Threshold {
  Comparison comparison = Comparison::greater;
  double bound = 0;
  std::optional<double> clear;  // absent: left where it is entered

  bool entered(double value) const;  // at this level, coming from below
  bool kept(double value) const;     // still at this level, once there
  // Whether `a` is the worse of two values as this threshold sees it; anything is worse than NaN.
  bool worse(double a, double b) const;

  bool operator==(const Threshold&) const = default;
};

// Which way is up: +1 for > and >=, -1 for < and <=, 0 for == and !=.
int direction(Comparison comparison);

// "> 80", ">= 90%" (is 90), "< 512MiB", "!= 0". The error says how to write it.
Result<Threshold> parse_threshold(std::string_view text);

// A number, a percentage or a size, as config/literals.h reads them.
Result<double> parse_quantity(std::string_view text);

std::string to_string(const Threshold& threshold);  // "> 80"

}  // namespace sidewatch
