#include "collectors/json/config.h"

#include <set>
#include <utility>

#include "collectors/json/json.h"
#include "metrics/text.h"

namespace sidewatch {
namespace json {
namespace {

using namespace std::chrono_literals;

std::string fingerprint_of(const JsonConfig& config) {
  std::string text = config.url.value + '\n' + std::to_string(config.timeout.value_or(Duration(0)).count()) + '\n' +
                     fingerprint_of(config.access) + '\n' + std::to_string(config.body_size_limit.count) + '\n' +
                     std::to_string(config.max_series) + (config.any_status ? "any" : "") +
                     config.series_labels().to_string();
  const auto add = [&text](const std::map<std::string, std::string>& map) {
    for (const auto& [name, value] : map) text += '\t' + name + '=' + value;
    text += '\n';
  };
  for (const MetricMapping& metric : config.metrics) {
    text += '\n' + metric.path.value + '\t' + metric.name.value + '\t' + std::to_string(static_cast<int>(metric.type)) +
            '\t' + metric.help + '\t' + std::to_string(metric.scale) + (metric.numeric_strings ? "n" : "-") +
            (metric.optional ? "o" : "-");
    for (const std::string& key : metric.keys) text += '\t' + key;
    add(metric.labels);
    add(metric.labels_from);
    add(metric.values);
  }
  return text;
}

void check(config::Section& section, const JsonConfig& config) {
  if (section.has("name") && config.name.value.empty()) section.problem("name", "it needs a name");
  if (config.interval && config.timeout && *config.timeout > *config.interval) {
    section.problem("timeout", "this timeout is longer than interval: the next request would be due before this one is given up");
  }
  for (const auto& [name, value] : config.labels) {
    if (!is_legal_label_name(name)) section.problem("labels", "'" + name + "' is not the name of a label");
    if (name == "instance") section.problem("labels", "the label 'instance' is the name that stands behind name:");
  }
  if (section.has("url")) (void)check_url(section, config.url, config.access);
  if (config.metrics.empty()) section.problem("metrics", "say which values become metrics: [{path: /mem/heap, name: app_heap_bytes}]");
}

CollectorPlan plan_of(const JsonConfig& config) {
  CollectorPlan plan;
  plan.name = "json:" + config.name.value;
  plan.interval = config.interval;
  if (config.timeout) plan.timeout = {*config.timeout, config.timeout_mark};
  plan.watches = "the JSON at " + url_without_secrets(config.url.value) +
                 (config.access.unix_socket.empty() ? "" : " through " + config.access.unix_socket);
  plan.fingerprint = fingerprint_of(config);
  plan.make = [shared = std::make_shared<const JsonConfig>(config)](const CollectorContext& context) {
    return make_json_collector(shared, context);
  };
  return plan;
}

}  // namespace

Labels JsonConfig::series_labels() const {
  std::vector<Label> all = {{"instance", name.value}};
  for (const auto& [key, value] : labels) all.push_back({key, value});
  return Labels(std::move(all));
}

void declare(config::Section& section, JsonConfig& config) {
  section.required("name", config.name, "what you call it: the label instance of all its series, such as checkout");
  section.required("url", config.url, "the JSON that is asked for, such as http://127.0.0.1:8080/actuator/health");
  section.optional("interval", config.interval, "how often it is asked for; agent.interval when absent",
                   config::between(500ms, 1h));
  section.optional("timeout", config.timeout,
                   "how long an answer may take, no longer than interval; 5s or the interval when absent",
                   config::between(50ms, 2min));
  config.timeout_mark = section.mark("timeout");
  section.optional("labels", config.labels, "more labels of its series, such as {team: shop}");
  declare_access(section, config.access, {"accept", "accept-encoding"});
  section.optional("any_status", config.any_status,
                   "take the JSON of an answer that is an error as well: Spring's /actuator/health answers 503 when it is "
                   "down; otherwise 200 only");
  section.optional("body_size_limit", config.body_size_limit, "a larger answer (unpacked) is not taken",
                   config::between(config::Bytes{1024}, config::Bytes{std::uint64_t{64} << 20}));
  section.optional("max_series", config.max_series,
                   "series that are made of the answers, those that ended and are still remembered (history.retention) among "
                   "them; further ones share one series of their metric, with the label overflow",
                   config::between(1, 100'000));
  section.list("metrics", config.metrics, "which values become which metrics");
  if (!section.describing()) check(section, config);
}

}  // namespace json

void configure_json(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<json::JsonConfig> sources;
  collectors.list("json", sources,
                  "JSON that is asked for over HTTP (Spring's actuator, expvar, php-fpm's status): the values that are "
                  "named become metrics");
  std::set<std::string> names;
  for (const auto& source : sources) {
    if (!names.insert(source.name.value).second) {
      collectors.problem(source.name.mark, "there is already a json named '" + source.name.value + "'");
      continue;
    }
    plans.push_back(json::plan_of(source));
  }
}

std::vector<MetricGroup> json_metric_groups() { return json::metric_groups(); }

}  // namespace sidewatch
