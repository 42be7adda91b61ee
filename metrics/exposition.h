// The /metrics page: Prometheus text 0.0.4 and OpenMetrics 1.0, and the choice between them.
//
// On the hot path: label text is cached in the catalog, numbers go through to_chars into one growing buffer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "metrics/store.h"
#include "metrics/text.h"

namespace sidewatch {

enum class ExpositionFormat { prometheus_text, openmetrics };

// The complete page. `series` as Store::snapshot() gives them (ordered by family); `buffer` is cleared and filled, and
// keeps its capacity from page to page.
void render_exposition(std::span<const SeriesValue> series, ExpositionFormat format, std::string& buffer);

// The Content-Type of a page of this format.
std::string_view content_type(ExpositionFormat format);

// What an Accept header asks for; absent, empty, malformed or unknown means prometheus_text. RFC 9110 section 12.5.1:
// the highest q-value wins, the earlier of two equals.
ExpositionFormat choose_format(std::string_view accept);

// Whether an Accept-Encoding header allows gzip (q=0 refuses it).
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace sidewatch
