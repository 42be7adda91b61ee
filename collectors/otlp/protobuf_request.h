// An ExportMetricsServiceRequest in protocol buffers, shown to a visitor.
//
// Fields may come in any order (a resource behind its metrics), so each message is looked through before what is in it.
// Field numbers are those of opentelemetry-proto 1.x; unknown ones are skipped, as the format asks.
#pragma once

#include <string_view>

#include "base/result.h"
#include "collectors/otlp/model.h"

namespace sidewatch::otlp {

// An Error is a sentence about what is wrong with it, and the visitor was shown nothing.
Result<void> read_protobuf_request(std::string_view body, Visitor& visitor);

}  // namespace sidewatch::otlp
