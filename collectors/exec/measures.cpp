#include "collectors/exec/measures.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"
#include "collectors/exec/nagios.h"
#include "metrics/page_reader.h"
#include "metrics/text.h"

namespace sidewatch::exec {

constexpr Metric value_metric{"exec_value", MetricType::gauge, "", "The number that a command of format: value wrote."};
constexpr Metric perfdata_value_metric{"exec_perfdata_value", MetricType::gauge, "",
                                       "Performance data of a Nagios plugin, in seconds, bytes, percent or as it is."};
constexpr Metric perfdata_warn_metric{"exec_perfdata_warn", MetricType::gauge, "",
                                      "Where the plugin begins to warn: above bound=\"high\", below bound=\"low\"; with "
                                      "bad=\"inside\" between them."};
constexpr Metric perfdata_crit_metric{"exec_perfdata_crit", MetricType::gauge, "",
                                      "Where the plugin finds it critical, as exec_perfdata_warn."};
constexpr Metric perfdata_min_metric{"exec_perfdata_min", MetricType::gauge, "", "The least that the value can be."};
constexpr Metric perfdata_max_metric{"exec_perfdata_max", MetricType::gauge, "", "The most that the value can be."};

namespace {

constexpr std::size_t max_shown_bytes = 60;  // of output that is quoted in a message
constexpr std::size_t max_depth = 8;         // of JSON objects whose members are taken

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

Error too_many(const ReadingOptions& options) {
  return {"gave more than " + std::to_string(options.max_series) + " series (max_series)", ""};
}

Measure measure_of(const Metric& metric, Labels labels, double value) {
  return {std::string(metric.name), metric.type, "", std::string(metric.help), std::move(labels), value};
}

void add_range(const Metric& metric, const std::optional<NagiosRange>& range, const Labels& labels,
               std::vector<Measure>& measures) {
  if (!range) return;
  const Labels whole = range->inside ? labels.with("bad", "inside") : labels;
  if (std::isfinite(range->high)) measures.push_back(measure_of(metric, whole.with("bound", "high"), range->high));
  if (range->low_said) measures.push_back(measure_of(metric, whole.with("bound", "low"), range->low));
}

Reading read_nagios(std::string_view output, const ReadingOptions& options) {
  Reading reading;
  auto parsed = parse_nagios(output, options.max_series);
  reading.text = std::move(parsed.text);
  if (parsed.not_understood > 0) {
    reading.trouble = std::to_string(parsed.not_understood) + " pieces of its performance data are not label=value";
  }
  if (parsed.left_out > 0) reading.trouble = too_many(options).what;
  std::set<std::string> labels_seen;
  for (const auto& value : parsed.values) {
    if (!labels_seen.insert(value.label).second) {
      reading.trouble = "gave the performance data '" + value.label + "' twice; the first counts";
      continue;
    }
    const Labels labels{{"name", options.name}, {"label", value.label}, {"unit", value.unit}};
    std::vector<Measure> measures;
    if (value.value) measures.push_back(measure_of(perfdata_value_metric, labels, *value.value));
    add_range(perfdata_warn_metric, value.warn, labels, measures);
    add_range(perfdata_crit_metric, value.crit, labels, measures);
    if (value.min) measures.push_back(measure_of(perfdata_min_metric, labels, *value.min));
    if (value.max) measures.push_back(measure_of(perfdata_max_metric, labels, *value.max));
    if (reading.measures.size() + measures.size() > options.max_series) {
      reading.trouble = too_many(options).what;
      break;
    }
    std::move(measures.begin(), measures.end(), std::back_inserter(reading.measures));
  }
  return reading;
}

Result<Reading> read_prometheus(std::string_view output, const ReadingOptions& options) {
  PageOptions page_options;
  page_options.format = format_by_end(output);
  page_options.max_samples = options.max_series;
  const auto page = read_page(output, page_options);
  if (!page) return Error{"wrote no Prometheus text: line " + page.error().where + ": " + page.error().what, ""};
  Reading reading;
  for (const auto& sample : page->samples) {
    reading.measures.push_back({sample.name, sample.type, page->unit_of(sample), page->help_of(sample), sample.labels,
                                sample.value});
  }
  return reading;
}

std::optional<double> number_of(const JsonValue& value) {
  if (value.kind() == JsonValue::Kind::number) return value.number_or(0);
  if (value.kind() == JsonValue::Kind::boolean) return value.boolean_or(false) ? 1 : 0;
  return std::nullopt;
}

// {"queue": {"depth": 3}} is queue_depth 3. Texts, lists and null are left out.
void take_members(const JsonValue& object, const std::string& prefix, std::size_t depth, std::vector<Measure>& measures) {
  for (std::size_t i = 0; i < object.names().size(); ++i) {
    const std::string name = prefix + object.names()[i];
    const auto& value = object.items()[i];
    if (const auto number = number_of(value)) {
      measures.push_back({mend_metric_name(name), MetricType::gauge, "", "", {}, *number});
    } else if (value.kind() == JsonValue::Kind::object && depth < max_depth) {
      take_members(value, name + "_", depth + 1, measures);
    }
  }
}

const JsonValue* find_place(const JsonValue& top, std::string_view pointer) {
  const JsonValue* value = &top;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const auto end = std::min(pointer.find('/'), pointer.size());
    std::string step(pointer.substr(0, end));
    pointer.remove_prefix(end);
    for (const auto& [escaped, plain] : {std::pair("~1", "/"), std::pair("~0", "~")}) {
      for (auto at = step.find(escaped); at != std::string::npos; at = step.find(escaped, at + 1)) step.replace(at, 2, plain);
    }
    if (value->kind() == JsonValue::Kind::array) {
      std::size_t index = 0;
      const auto parsed = std::from_chars(step.data(), step.data() + step.size(), index);
      if (parsed.ptr != step.data() + step.size() || step.empty() || index >= value->items().size()) return nullptr;
      value = &value->items()[index];
    } else {
      if (!value->has(step)) return nullptr;
      value = &(*value)[step];
    }
  }
  return value;
}

Result<Reading> read_json(std::string_view output, const ReadingOptions& options) {
  const auto json = JsonValue::parse(output);
  if (!json) return Error{"wrote no JSON: " + json.error().what, ""};
  if (json->kind() != JsonValue::Kind::object && options.values.empty()) {
    return Error{"wrote JSON that is no object, such as {\"queue_depth\": 3}", ""};
  }
  Reading reading;
  if (options.values.empty()) take_members(*json, "", 0, reading.measures);
  for (const auto& [name, place] : options.values) {
    const auto* found = find_place(*json, place);
    const auto number = found != nullptr ? number_of(*found) : std::nullopt;
    if (number) {
      reading.measures.push_back({name, MetricType::gauge, "", "", {}, *number});
    } else {
      reading.trouble = "wrote no number at " + place;
    }
  }
  if (reading.measures.size() > options.max_series) return too_many(options);
  std::set<std::string_view> names;
  for (auto& measure : reading.measures) {
    if (!names.insert(measure.name).second) return Error{"wrote two numbers that are both called " + measure.name, ""};
    measure.labels = Labels{{"name", options.name}};
    measure.help = "Written by a command.";
  }
  return reading;
}

Result<Reading> read_value(std::string_view output, const ReadingOptions& options) {
  const auto text = trim(output);
  const auto number = sample_number(text);
  if (!number) {
    return Error{text.empty() ? "wrote nothing where a number was expected"
                              : "wrote '" + std::string(text.substr(0, max_shown_bytes)) + "' where a number was expected",
                 ""};
  }
  Reading reading;
  reading.measures.push_back(measure_of(value_metric, Labels{{"name", options.name}}, *number));
  return reading;
}

}  // namespace

Result<Reading> read_output(std::string_view output, const ReadingOptions& options) {
  switch (options.format) {
    case Format::nagios: return read_nagios(output, options);
    case Format::prometheus: return read_prometheus(output, options);
    case Format::json: return read_json(output, options);
    case Format::value: return read_value(output, options);
  }
  return Error{"", ""};
}

}  // namespace sidewatch::exec
