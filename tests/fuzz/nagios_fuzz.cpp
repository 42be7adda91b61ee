// Any bytes as what a program writes, in each of the formats.
//
// Beside not crashing it must hold that names are legal, that labels are UTF-8 and short, that performance data is finite, that no
// series is given twice and that there are no more than allowed.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "collectors/exec/measures.h"
#include "collectors/exec/nagios.h"
#include "metrics/text.h"

namespace sidewatch::exec {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_plugin(std::string_view text) {
  const auto parsed = parse_nagios(text, 20);
  require(is_utf8(parsed.text));
  require(parsed.values.size() <= 20);
  for (const auto& value : parsed.values) {
    require(!value.label.empty() && value.label.size() <= 200 && is_utf8(value.label));
    require(value.label.find('\n') == std::string::npos);
    require(!value.value || std::isfinite(*value.value));
    for (const auto& range : {value.warn, value.crit}) require(!range || range->low <= range->high);
  }
}

void check_format(std::string_view text, Format format) {
  ReadingOptions options;
  options.format = format;
  options.name = "fuzz";
  options.max_series = 50;
  if (format == Format::json && text.size() % 2 == 0) options.values = {{"a", "/a/0"}, {"b", "/~1~0/b"}};
  const auto reading = read_output(text, options);
  if (!reading) {
    require(!reading.error().what.empty());
    return;
  }
  require(reading->measures.size() <= options.max_series);
  std::set<std::pair<std::string, Labels>> seen;
  for (const auto& measure : reading->measures) {
    if (format != Format::prometheus) require(is_legal_metric_name(measure.name));
    require(seen.emplace(measure.name, measure.labels).second);
  }
}

}  // namespace
}  // namespace sidewatch::exec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch::exec;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_plugin(text);
  for (const auto format : {Format::nagios, Format::prometheus, Format::json, Format::value}) check_format(text, format);
  return 0;
}
