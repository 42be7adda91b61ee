// An ExportMetricsServiceRequest in JSON, shown to a visitor.
//
// The JSON is protocol buffers' own (names in lowerCamelCase, 64-bit integers as texts or numbers, bytes in Base64,
// infinities and NaN as texts) with what OTLP says beside: ids in hex, enums as numbers. Their names are taken too. Unknown
// members are left out.
#pragma once

#include <string_view>

#include "base/result.h"
#include "collectors/otlp/model.h"

namespace sidewatch::otlp {

inline constexpr std::size_t max_json_values = 200'000;  // of one request: each takes about 100 bytes while it is read

// An Error is a sentence about what is wrong with it, and the visitor was shown nothing.
Result<void> read_json_request(std::string_view body, Visitor& visitor);

}  // namespace sidewatch::otlp
