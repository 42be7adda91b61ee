// Any bytes as lines of a log, and as the texts of a configuration that labels are made of.
//
// Beside not crashing it must hold that labels are UTF-8 without NUL bytes and not too long, that counters only grow, and
// that every line that was taken is in exactly one series.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "collectors/log/counted.h"
#include "collectors/log/fields.h"
#include "collectors/log/interpreter.h"

namespace sidewatch::log {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

FieldText text_of(std::string_view text, const CapturingRegex& match) {
  const FieldNames names{nullptr, &match.group_names(), true};
  auto parsed = FieldText::parse(text, names);
  require(static_cast<bool>(parsed));
  return std::move(*parsed);
}

LineFormat format_of(bool json) {
  LineFormat format;
  format.json = json;
  format.match = *CapturingRegex::compile(json ? "(?P<word>\\{?)" : "(?P<word>[^= ]+)(=(?P<number>\\S*))?");
  return format;
}

std::vector<LogMetric> metrics_of(const LineFormat& format) {
  std::vector<LogMetric> metrics(3);
  metrics[0].name = "seen_total";
  metrics[0].labels.emplace_back("a", text_of(format.json ? "x$a" : "x$word", *format.match));
  metrics[0].labels.emplace_back("b", text_of(format.json ? "$/a/0/b" : "$number", *format.match));
  metrics[1].name = "sum_total";
  metrics[1].value = text_of(format.json ? "$n" : "$number", *format.match);
  metrics[2].name = "took_seconds";
  metrics[2].type = MetricType::histogram;
  metrics[2].buckets = {0.1, 1};
  metrics[2].value = metrics[1].value;
  return metrics;
}

void check_labels(std::string_view labels) {
  while (!labels.empty()) {
    const auto end = labels.find('\0');
    require(end != std::string_view::npos);
    require(end <= 256 && is_utf8(labels.substr(0, end)));
    labels.remove_prefix(end + 1);
  }
}

void check_lines(std::string_view text, bool json) {
  Catalog catalog({}, {});
  static const LineFormat of_text = format_of(false);
  static const LineFormat of_json = format_of(true);
  const auto& format = json ? of_json : of_text;
  Interpreter interpreter(format, metrics_of(format));
  Counted counted(catalog, interpreter.metrics(), {}, {.max_series = 10, .ttl = Duration(0)});
  double seen = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    for (const auto& found : interpreter.read(text.substr(0, end))) {
      check_labels(found.labels);
      require(std::isfinite(found.value));
      require(found.metric != 1 || found.value >= 0);
      if (found.metric == 0) ++seen;
      counted.add(found);
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  Batch batch;
  counted.write(batch, time_at_ms(1000));
  double counted_lines = 0;
  for (const auto& sample : batch.samples()) {
    if (catalog.info(sample.series)->family->name == "seen_total") counted_lines += sample.value;
  }
  require(counted_lines == seen);
  require(counted.series() <= 10);
}

void check_template(std::string_view text) {
  const std::vector<std::string> groups{"status", ""};
  LineParts parts;
  parts.own_groups = {"ab", "a", "b"};
  parts.json = JsonValue::parse(R"({"a":[{"b":1}]})").value();
  for (const bool json : {false, true}) {
    const auto parsed = FieldText::parse(text, {&groups, nullptr, json});
    if (!parsed) continue;
    std::string out;
    parsed->append_to(out, parts);
    require(!parsed->is_constant() || out == text);
    const auto pattern = CapturingRegex::compile(text);
    if (pattern) (void)pattern->matches("status=200");
  }
}

}  // namespace
}  // namespace sidewatch::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::log::check_lines(text, false);
  sidewatch::log::check_lines(text, true);
  sidewatch::log::check_template(text.substr(0, 200));
  return 0;
}
