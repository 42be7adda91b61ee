// OTLP requests in protocol buffers, written by hand from the documented field numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/protobuf.h"

namespace sidewatch::otlp::wire {

using namespace sidewatch::wire;

// A KeyValue whose value is a text, as a field of the message that it belongs to.
inline std::string attribute(std::uint32_t field, std::string_view key, std::string_view value) {
  return bytes(field, bytes(1, key) + bytes(2, bytes(1, value)));
}

// ResourceMetrics, ScopeMetrics and the request around metrics.
inline std::string request(const std::string& metrics, const std::string& resource_attributes = "",
                           const std::string& scope = "") {
  return bytes(1, bytes(1, resource_attributes) + bytes(2, bytes(1, scope) + metrics));
}

inline std::string metric(std::string_view name, std::string_view unit, std::uint32_t kind, const std::string& data) {
  return bytes(2, bytes(1, name) + bytes(3, unit) + bytes(kind, data));
}
inline std::string gauge(std::string_view name, std::string_view unit, const std::string& point) {
  return metric(name, unit, 5, bytes(1, point));
}
inline constexpr std::uint64_t delta = 1;
inline constexpr std::uint64_t cumulative = 2;
inline std::string sum(std::string_view name, std::string_view unit, std::uint64_t temporality, bool monotonic,
                       const std::string& point) {
  return metric(name, unit, 7, bytes(1, point) + varint(2, temporality) + varint(3, monotonic ? 1 : 0));
}

}  // namespace sidewatch::otlp::wire
