// A text of a server as a number, where all of it is one. What else a number may be (ON, yes, 8kB) each engine knows.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace sidewatch::database {

// Decimal, "-1.5e3"; also "inf" and "nan". Nothing beyond what a double holds.
inline std::optional<double> whole_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace sidewatch::database
