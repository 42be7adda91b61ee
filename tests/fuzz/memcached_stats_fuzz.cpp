// Any text as what memcached (or whoever listens there) answers to `stats` and its kin.
//
// Beside not crashing it must hold that what is read is a part of the text, that the way through it ends, and that a name
// of the server's never becomes an illegal one of ours.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/database/memcached/stats.h"
#include "metrics/text.h"

namespace sidewatch::database::memcached {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_lines(std::string_view text) {
  std::string_view rest = text;
  std::string_view name;
  std::string_view value;
  while (true) {
    const std::size_t before = rest.size();
    if (!next_stat(rest, name, value)) break;
    require(rest.size() < before);
    require(name.find('\n') == std::string_view::npos && value.find('\n') == std::string_view::npos);
    require(name.size() + value.size() <= before);
  }
}

void check_samples(std::string_view text) {
  Catalog catalog({}, {});
  SeriesCache series(catalog, {});
  Batch batch;
  StatsSamples stats;
  for (int pass = 0; pass < 2; ++pass) {
    stats.add({.general = text, .settings = text, .slabs = text, .items = text}, series, batch);
    series.end_round();
  }
  for (const auto& sample : batch.samples()) {
    require(is_legal_metric_name(catalog.info(sample.series)->family->name));
  }
}

}  // namespace
}  // namespace sidewatch::database::memcached

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::database::memcached::check_lines(text);
  sidewatch::database::memcached::check_samples(text);
  return 0;
}
