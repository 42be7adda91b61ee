#include "alerting/human_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/time.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

std::string digits_of(double value) {
  constexpr int significant = 4;
  constexpr double plain_from = 1e-4;
  constexpr double plain_to = 1e15;
  if (value == 0) return "0";
  const double size = std::abs(value);
  char text[64];
  if (size < plain_from || size >= plain_to) {
    return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, significant).ptr};
  }
  const int whole = static_cast<int>(std::floor(std::log10(size))) + 1;
  const int decimals = std::max(0, significant - std::max(whole, 0));
  std::string fixed(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr);
  if (fixed.find('.') != std::string::npos) {
    fixed.erase(fixed.find_last_not_of('0') + 1);
    if (fixed.back() == '.') fixed.pop_back();
  }
  return fixed;
}

template <std::size_t count>
std::string scaled(double value, double step, const std::array<std::string_view, count>& units) {
  std::size_t at = 0;
  // What would be written as 1024 (or 1000) of one is 1 of the next.
  while (at + 1 < count && std::abs(value) >= step * 0.9995) {
    value /= step;
    ++at;
  }
  return digits_of(value) + " " + std::string(units[at]);
}

std::string bytes(double value) {
  static constexpr std::array<std::string_view, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  return scaled(value, 1024, units);
}

std::string hertz(double value) {
  static constexpr std::array<std::string_view, 5> units = {"Hz", "kHz", "MHz", "GHz", "THz"};
  return scaled(value, 1000, units);
}

std::string seconds(double value) {
  constexpr double in_words_from = 60;
  constexpr double in_words_to = 1e12;
  const double size = std::abs(value);
  if (size >= in_words_from && size < in_words_to) {
    return (value < 0 ? "-" : "") + to_words(std::chrono::seconds(static_cast<std::int64_t>(std::llround(size))));
  }
  if (size >= 1 || size == 0) return digits_of(value) + " s";
  if (size >= 1e-3) return digits_of(value * 1e3) + " ms";
  if (size >= 1e-6) return digits_of(value * 1e6) + " µs";
  return digits_of(value * 1e9) + " ns";
}

}  // namespace

std::string human_value(double value, std::string_view unit) {
  if (std::isnan(value)) return "no value";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr std::string_view each_second = "/s";
  if (unit.size() > each_second.size() && unit.ends_with(each_second)) {
    const auto of = unit.substr(0, unit.size() - each_second.size());
    // Seconds in each second are a share of the time.
    if (of == "seconds") return digits_of(value) + " s/s";
    return human_value(value, of) + std::string(each_second);
  }
  if (unit == "bytes") return bytes(value);
  if (unit == "seconds") return seconds(value);
  if (unit == "ratio") return digits_of(value * 100) + " %";
  if (unit == "percent") return digits_of(value) + " %";
  if (unit == "hertz") return hertz(value);
  if (unit == "celsius") return digits_of(value) + " °C";
  if (unit == "volts") return digits_of(value) + " V";
  return unit.empty() ? digits_of(value) : digits_of(value) + " " + std::string(unit);
}

std::string sparkline(std::span<const double> values, std::size_t max_columns) {
  if (values.size() > max_columns) values = values.last(max_columns);
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  std::size_t known = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
    ++known;
  }
  if (known < 2) return "";
  constexpr char32_t lowest_block = 0x2581;
  constexpr double steps = 7;
  std::string line;
  for (const double value : values) {
    if (std::isnan(value)) {
      line += ' ';
      continue;
    }
    const double clamped = std::clamp(value, lowest, highest);
    // In halves: the distance of two numbers need not be one.
    const double share = highest > lowest ? (clamped / 2 - lowest / 2) / (highest / 2 - lowest / 2) : 0;
    append_utf8(line, lowest_block + static_cast<char32_t>(std::lround(std::clamp(share, 0.0, 1.0) * steps)));
  }
  return line;
}

}  // namespace sidewatch
