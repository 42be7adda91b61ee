// Protocol buffers, written field by field, for tests that send what no library of ours would.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sidewatch::wire {

inline std::string varint(std::uint32_t field, std::uint64_t value) {
  std::string out;
  append_varint(out, field << 3);
  append_varint(out, value);
  return out;
}
inline std::string zigzag(std::uint32_t field, std::int64_t value) {
  std::string out;
  append_varint(out, field << 3);
  append_signed(out, value);
  return out;
}
inline std::string fixed(std::uint32_t field, std::uint64_t value) {
  std::string out;
  append_varint(out, field << 3 | 1);
  append_u64(out, value);
  return out;
}
inline std::string real(std::uint32_t field, double value) { return fixed(field, std::bit_cast<std::uint64_t>(value)); }
inline std::string bytes(std::uint32_t field, std::string_view value) {
  std::string out;
  append_varint(out, field << 3 | 2);
  append_text(out, value);
  return out;
}
inline std::string reals(std::uint32_t field, const std::vector<double>& values) {
  std::string packed;
  for (const double value : values) append_u64(packed, std::bit_cast<std::uint64_t>(value));
  return bytes(field, packed);
}
inline std::string fixeds(std::uint32_t field, const std::vector<std::uint64_t>& values) {
  std::string packed;
  for (const auto value : values) append_u64(packed, value);
  return bytes(field, packed);
}
inline std::string varints(std::uint32_t field, const std::vector<std::uint64_t>& values) {
  std::string packed;
  for (const auto value : values) append_varint(packed, value);
  return bytes(field, packed);
}

}  // namespace sidewatch::wire
