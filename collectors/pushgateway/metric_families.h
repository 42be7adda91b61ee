// Reads what client libraries in Go push unless they are told otherwise: io.prometheus.client.MetricFamily messages of
// protocol buffers, each with its length before it (prometheus/client_model, metrics.proto).
//
// Gives what a page of the text format would have given. Exemplars, times of making and native histograms are left out; a
// native histogram without classic buckets has its count, sum and +Inf bucket.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "metrics/page_reader.h"

namespace sidewatch::pushgateway {

// Whether a Content-Type says that this is how the body is written.
bool is_metric_families(std::string_view content_type);

// Error: a sentence. The bounds are those of a page.
Result<ReadPage> read_metric_families(std::string_view bytes, const PageOptions& options);

}  // namespace sidewatch::pushgateway
