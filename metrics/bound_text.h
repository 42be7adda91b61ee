// A bound or a quantile as the labels `le` and `quantile` have it: the shortest digits that read back equal, "0.99".
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace sidewatch {

inline std::string bound_text(double bound) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bound).ptr;
  return {digits.data(), end};
}

}  // namespace sidewatch
