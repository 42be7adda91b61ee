#include "collectors/log/metric_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "collectors/own_names.h"
#include "metrics/text.h"

namespace sidewatch::log {
namespace {

using config::Located;
using config::Section;

// What the client libraries of Prometheus take where nothing is said.
const std::vector<double> kDefaultBuckets{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
constexpr std::size_t max_buckets = 64;
constexpr std::size_t max_labels = 16;

using Texts = std::map<std::string, Located<std::string>>;

struct Written {
  Located<std::string> name;
  Texts when;
  Texts labels;
  std::optional<Located<std::string>> value;
  std::vector<Located<std::string>> buckets;
};

bool is_part_of(std::string_view name, const LogMetric& histogram) {
  if (histogram.type != MetricType::histogram || !name.starts_with(histogram.name)) return false;
  const auto ending = name.substr(histogram.name.size());
  return ending == "_bucket" || ending == "_sum" || ending == "_count";
}

// All digits: two scales that differ are not the same.
std::string exactly(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

void check_name(Section& section, const Written& written, const std::vector<LogMetric>& known, const LogMetric& metric) {
  const auto& name = written.name.value;
  if (!section.has("name")) return;
  if (!is_legal_metric_name(name)) {
    section.problem("name", "'" + name + "' is not the name of a metric: letters, digits and _ , as in nginx_requests_total");
  } else if (OwnNames().contain(name)) {
    section.problem("name", "'" + name + "' is one of the agent's own metrics: choose another name");
  }
  for (const auto& other : known) {
    if (is_part_of(name, other) || is_part_of(other.name, metric)) {
      section.problem("name", "'" + name + "' and '" + other.name + "' would be written to the same series: a histogram has _bucket, "
                              "_sum and _count of its name");
    }
    if (other.name == name && (other.type != metric.type || other.buckets != metric.buckets)) {
      section.problem("name", "there is a metric '" + name + "' already, of another type or with other buckets");
    }
  }
}

void check_label(Section& section, const std::string& name, const Located<std::string>& value) {
  if (!is_legal_label_name(name) || name.starts_with("__")) {
    section.problem(value.mark, "'" + name + "' is not the name of a label");
  } else if (name == "log" || name == "le" || name == "overflow") {
    section.problem(value.mark, "the label '" + name + "' is the agent's own: choose another name");
  }
}

void read_labels(Section& section, const Texts& labels, const FieldNames& names, LogMetric& metric) {
  for (const auto& [name, value] : labels) {
    check_label(section, name, value);
    auto text = FieldText::parse(value.value, names);
    if (text) metric.labels.emplace_back(name, std::move(*text));
    else section.problem(value.mark, text.error().what);
  }
  if (labels.size() > max_labels) section.problem("labels", "more than " + std::to_string(max_labels) + " labels");
}

void read_conditions(Section& section, const Texts& when, const FieldNames& names, LogMetric& metric) {
  for (const auto& [name, pattern] : when) {
    auto field = find_field(name.starts_with('$') ? std::string_view(name).substr(1) : std::string_view(name), names);
    auto compiled = Regex::compile(pattern.value);
    if (!field) section.problem(pattern.mark, field.error().what);
    if (!compiled) section.problem(pattern.mark, "is not a regular expression: " + compiled.error().what);
    if (field && compiled) metric.when.push_back({std::move(*field), std::move(*compiled)});
  }
}

void read_buckets(Section& section, const std::vector<Located<std::string>>& texts, LogMetric& metric) {
  if (metric.type != MetricType::histogram) {
    if (!texts.empty()) section.problem("buckets", "buckets are of a metric of type: histogram");
    return;
  }
  if (texts.empty()) metric.buckets = kDefaultBuckets;
  for (const auto& [text, mark, expanded, places] : texts) {
    double bound = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(bound)) {
      section.problem(mark, "'" + text + "' is not a number");
    } else if (!metric.buckets.empty() && bound <= metric.buckets.back()) {
      section.problem(mark, "the bounds must rise, and " + text + " does not");
    } else {
      metric.buckets.push_back(bound);
    }
  }
  if (metric.buckets.size() > max_buckets) {
    section.problem("buckets", "more than " + std::to_string(max_buckets) + " buckets");
  }
}

void read_value(Section& section, const Written& written, const FieldNames& names, LogMetric& metric) {
  if (!written.value) {
    if (metric.type == MetricType::counter) return;
    section.problem("value", "a gauge or a histogram needs the part of the line that is its value, such as value: $seconds");
    return;
  }
  auto text = FieldText::parse(written.value->value, names);
  if (!text) section.problem("value", text.error().what);
  else metric.value = std::move(*text);
}

std::string fingerprint_of(const LogMetric& metric, const Written& written) {
  std::string text = "\nm:" + metric.name + '\n' + metric.help + '\n' + std::string(to_string(metric.type)) + '\n' +
                     (metric.match ? metric.match->pattern() : "") + '\n' + exactly(metric.scale);
  for (const auto& [name, value] : written.when) text += "\nw:" + name + '=' + value.value;
  for (const auto& [name, value] : written.labels) text += "\nl:" + name + '=' + value.value;
  for (const auto& bucket : written.buckets) text += "\nb:" + bucket.value;
  return text + "\nv:" + (written.value ? written.value->value : "");
}

}  // namespace

std::optional<CapturingRegex> declare_pattern(Section& section, std::string_view key, std::string_view help) {
  std::optional<Located<std::string>> written;
  section.optional(key, written, help);
  if (!written || section.describing()) return std::nullopt;
  auto compiled = CapturingRegex::compile(written->value);
  if (compiled) return std::move(*compiled);
  section.problem(key, "is not a regular expression: " + compiled.error().what);
  return std::nullopt;
}

void declare_metric(Section& section, const LineFormat& format, std::vector<LogMetric>& metrics, std::string& fingerprint) {
  Written written;
  LogMetric metric;
  section.required("name", written.name, "what it is called: nginx_requests_total");
  section.choice("type", metric.type,
                 {{"counter", MetricType::counter}, {"gauge", MetricType::gauge}, {"histogram", MetricType::histogram}},
                 "counter: the sum of the values; gauge: the last one; histogram: how they are spread");
  section.optional("help", metric.help, "what it means, for people");
  metric.match = declare_pattern(section, "match",
                                 "a regular expression (RE2) that must be found in the line; its named groups, "
                                 "(?P<status>\\d+), are $status in labels and value");
  section.optional("when", written.when,
                   "parts of the line and the regular expression that each must match as a whole: {status: \"5..\"}");
  section.optional("labels", written.labels, "labels; $status is that part of the line, $/req/method that place in JSON");
  section.optional("value", written.value, "the number that is added, set or observed: $seconds; 1 when absent. Lines "
                                           "where it is empty or - are left out");
  section.optional("scale", metric.scale, "the value is multiplied by it: 0.001 makes seconds of milliseconds");
  section.optional("buckets", written.buckets, "upper bounds of a histogram's buckets, rising; from 0.005 to 10 when absent");
  if (section.describing()) return;
  const FieldNames names{metric.match ? &metric.match->group_names() : nullptr,
                         format.match ? &format.match->group_names() : nullptr, format.json,
                         format.match_is_wrong || (section.has("match") && !metric.match)};
  metric.name = written.name.value;
  if (metric.help.empty()) metric.help = "Counted in a log.";
  read_buckets(section, written.buckets, metric);
  check_name(section, written, metrics, metric);
  read_conditions(section, written.when, names, metric);
  read_labels(section, written.labels, names, metric);
  read_value(section, written, names, metric);
  if (!std::isfinite(metric.scale) || metric.scale == 0) section.problem("scale", "0 would make nothing of every value");
  fingerprint += fingerprint_of(metric, written);
  metrics.push_back(std::move(metric));
}

}  // namespace sidewatch::log
