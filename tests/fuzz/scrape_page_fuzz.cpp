// Any bytes as a scraped page, in either format, with a relabelling and limits; and the same page twice.
//
// Beside not crashing it must hold that a page is taken whole or not at all, that the counts add up, and that a page which
// is read again, this time by what is known of it, gives the same samples.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "collectors/scrape/page_intake.h"

namespace sidewatch::scrape {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

IntakeOptions options_of(std::uint8_t choices) {
  IntakeOptions options;
  options.target_labels = Labels{{"job", "fuzz"}, {"instance", "h:1"}};
  options.honor_labels = (choices & 2) != 0;
  if ((choices & 4) != 0) options.limits = {.samples = 8, .labels = 6, .label_name_bytes = 16, .label_value_bytes = 32};
  if ((choices & 16) != 0) options.max_series = 3;
  if ((choices & 8) == 0) return options;
  using enum RelabelAction;
  for (const auto action : {replace, labelmap, hashmod, lowercase, labeldrop}) {
    RelabelRule& rule = options.relabelling.emplace_back();
    rule.action = action;
    rule.source_labels = {"__name__", "a"};
    rule.regex.value = action == labeldrop ? "b.*" : "(.*)(x.*)";
    rule.target_label = "t_$2";
    if (action == hashmod || action == lowercase) rule.target_label = "h";
    rule.modulus = 7;
    rule.compile();
  }
  return options;
}

bool same(const Batch& a, const Batch& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto& [series, value] = a.samples()[i];
    if (series != b.samples()[i].series) return false;
    if (std::bit_cast<std::uint64_t>(value) != std::bit_cast<std::uint64_t>(b.samples()[i].value)) return false;
  }
  return true;
}

void check(std::uint8_t choices, std::string_view page) {
  Catalog catalog{{.max_series = 200, .max_series_per_metric = 100, .max_labels = 8, .max_label_value_bytes = 32}, Labels{}};
  Exemplars exemplars({.per_series = 2, .in_all = 16});
  PageIntake intake(catalog, options_of(choices), &exemplars);
  const auto format = (choices & 1) != 0 ? ExpositionFormat::openmetrics : ExpositionFormat::prometheus_text;
  Batch first;
  PageCounts counts;
  const auto taken = intake.take({page, format, time_at_ms(1)}, first, counts);
  if (!taken) {
    require(first.size() == 0 && !taken.error().what.empty());
    return;
  }
  require(counts.kept <= counts.scraped && counts.added <= counts.kept && first.size() <= counts.kept);
  Batch second;
  PageCounts again;
  require(static_cast<bool>(intake.take({page, format, time_at_ms(2)}, second, again)));
  require(again.overflowed == counts.overflowed && again.added == 0 && again.scraped == counts.scraped && again.kept == counts.kept);
  require(again.duplicates == counts.duplicates && again.refused == counts.refused && same(first, second));
}

}  // namespace
}  // namespace sidewatch::scrape

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  sidewatch::scrape::check(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
