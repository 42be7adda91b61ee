// The rendered /metrics page, once per state of the store: every scrape between two collections gets the same bytes.
//
// Rendered on the first scrape that asks for a variant (text or OpenMetrics, plain or gzip), so an agent that nobody
// scrapes renders nothing. Any thread may ask; pages are shared, never copied.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "metrics/exposition.h"
#include "metrics/exposition_page.h"
#include "metrics/store.h"

namespace sidewatch {

using Page = std::shared_ptr<const std::string>;

class PageCache {
 public:
  // `exemplars` may be absent; otherwise they outlive the cache, as the store does.
  explicit PageCache(const Store& store, const Exemplars* exemplars = nullptr)
      : store_(store),
        drawings_{ExpositionPage(ExpositionFormat::prometheus_text),
                  ExpositionPage(ExpositionFormat::openmetrics, exemplars)} {}

  Page page(ExpositionFormat format, bool gzip);

 private:
  struct Variant {
    std::uint64_t version = 0;  // of the store, plus one: 0 is "never rendered"
    Page page;
  };

  Page plain(ExpositionFormat format, std::uint64_t version);
  Variant& variant(ExpositionFormat format, bool gzip);

  const Store& store_;
  std::mutex mutex_;
  std::array<Variant, 4> variants_;
  std::array<ExpositionPage, 2> drawings_;
};

}  // namespace sidewatch
