// The /metrics page: Prometheus text 0.0.4 and OpenMetrics 1.0, and the choice between them.
//
// On the hot path: label text is cached in the catalog, numbers go through to_chars into one growing buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/store.h"
#include "metrics/text.h"

namespace sidewatch {

class Exemplars;

enum class ExpositionFormat { prometheus_text, openmetrics };

// Where a page shows the value of a series.
struct ValuePlace {
  std::uint32_t series;  // its index among the series rendered
  std::uint32_t begin;   // of the number, which ends with the line
  MetricType type;
};

// The complete page. `series` as Store::snapshot() gives them (ordered by family); `buffer` is cleared and filled, and
// keeps its capacity from page to page. With `places`, these are added, in the page's order. With `exemplars`, OpenMetrics
// counters and buckets show their newest; how many did is returned.
std::size_t render_exposition(std::span<const SeriesValue> series, ExpositionFormat format, std::string& buffer,
                              std::vector<ValuePlace>* places = nullptr, const Exemplars* exemplars = nullptr);

// The Content-Type of a page of this format.
std::string_view content_type(ExpositionFormat format);

// What an Accept header asks for; absent, empty, malformed or unknown means prometheus_text. RFC 9110 section 12.5.1:
// the highest q-value wins, the earlier of two equals.
ExpositionFormat choose_format(std::string_view accept);

// Whether an Accept-Encoding header allows gzip (q=0 refuses it).
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace sidewatch
