// A collector is shown as a target, its pass as a scrape.
#include "agent/api/status.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include "agent/api/envelope.h"
#include "agent/api/params.h"
#include "agent/version.h"
#include "base/json.h"
#include "config/literals.h"

namespace sidewatch {
namespace {

// The Prometheus whose API this is: Grafana asks which functions and endpoints it may use by version.
constexpr std::string_view api_version = "2.42.0";
constexpr std::int64_t usually_listed = 10;  // in each table of status/tsdb, as in Prometheus
constexpr std::int64_t most_listed = 1000;
constexpr std::string_view never = "0001-01-01T00:00:00Z";

struct Both {
  QueryContext queries;
  StatusContext status;

  std::string wall(Time time) const { return to_rfc3339(to_wall(time, queries.clock.wall_step())); }
};

std::string_view health(const CollectorView& collector) {
  if (!collector.last_pass && collector.trouble.empty()) return "unknown";
  return collector.well ? "up" : "down";
}

void write_target(JsonWriter& json, const CollectorView& collector, const Both& both) {
  const Labels& common = both.queries.store.catalog().common_labels();
  const std::string interval = config::write_duration(collector.interval);
  json.begin_object();
  json.key("discoveredLabels").begin_object().key("__watches__").text(collector.watches);
  json.key("job").text(collector.name).end_object();
  json.key("labels").begin_object();
  for (const auto& label : common) {
    if (label.name != "job") json.key(label.name).text(label.value);
  }
  json.key("job").text(collector.name).end_object();
  json.key("scrapePool").text(collector.name);
  json.key("scrapeUrl").text("collector:" + collector.name);
  json.key("globalUrl").text("collector:" + collector.name);
  json.key("lastError").text(collector.trouble);
  json.key("lastScrape").text(collector.last_pass ? both.wall(*collector.last_pass) : std::string(never));
  json.key("lastScrapeDuration").number(collector.seconds);
  json.key("health").text(health(collector));
  json.key("scrapeInterval").text(interval).key("scrapeTimeout").text(interval);
  json.end_object();
}

ApiData targets(const Both& both, const HttpRequest& request) {
  const std::string state = request.param("state").value_or("");
  const std::string pool = request.param("scrapePool").value_or("");
  const bool active = state.empty() || state == "any" || state == "active";
  JsonWriter json;
  json.begin_object().key("activeTargets").begin_array();
  for (const auto& collector : *both.status.collectors.read()) {
    if (active && (pool.empty() || pool == collector.name)) write_target(json, collector, both);
  }
  json.end_array().key("droppedTargets").begin_array().end_array().end_object();
  return ApiData::of(json.take());
}

ApiData buildinfo(const Both&, const HttpRequest&) {
  JsonWriter json;
  json.begin_object().key("version").text(api_version).key("revision").text("sidewatch " + std::string(version()));
  for (const char* unknown : {"branch", "buildUser", "buildDate", "goVersion"}) json.key(unknown).text("");
  json.key("application").text("sidewatch").key("applicationVersion").text(version()).end_object();
  return ApiData::of(json.take());
}

ApiData config_text(const Both& both, const HttpRequest&) {
  JsonWriter json;
  json.begin_object().key("yaml").text(both.status.config.read()->text).end_object();
  return ApiData::of(json.take());
}

ApiData flags(const Both& both, const HttpRequest&) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : both.status.flags) json.key(name).text(value);
  return ApiData::of(json.end_object().take());
}

std::int64_t threads_of_this_process() {
  std::error_code failure;
  std::int64_t count = 0;
  for (std::filesystem::directory_iterator task("/proc/self/task", failure), end; !failure && task != end;
       task.increment(failure)) {
    ++count;
  }
  return count;
}

ApiData runtimeinfo(const Both& both, const HttpRequest&) {
  const auto config = both.status.config.read();
  std::error_code failure;
  JsonWriter json;
  json.begin_object();
  json.key("startTime").text(both.wall(both.status.started));
  json.key("CWD").text(std::filesystem::current_path(failure).string());
  json.key("reloadConfigSuccess").boolean(config->reloaded_well);
  json.key("lastConfigTime").text(both.wall(config->read_at));
  json.key("corruptionCount").integer(0);
  json.key("goroutineCount").integer(threads_of_this_process());  // the nearest thing here
  json.key("GOMAXPROCS").integer(std::thread::hardware_concurrency());
  json.key("GOGC").text("").key("GODEBUG").text("");
  json.key("storageRetention").text(config::write_duration(both.status.retention));
  return ApiData::of(json.end_object().take());
}

// Name and count, the largest counts first.
using Counts = std::map<std::string, std::int64_t>;
void write_largest(JsonWriter& json, std::string_view key, const Counts& counts, std::size_t limit) {
  std::vector<std::pair<std::string_view, std::int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (sorted.size() > limit) sorted.resize(limit);
  json.key(key).begin_array();
  for (const auto& [name, count] : sorted) {
    json.begin_object().key("name").text(name).key("value").integer(count).end_object();
  }
  json.end_array();
}

struct Cardinality {
  std::int64_t series = 0;
  Counts by_metric, values_of, bytes_of, by_pair;
};

Cardinality cardinality(const Catalog& catalog) {
  Cardinality found;
  std::map<std::string, std::set<std::string>> values;
  const auto count = [&](const std::string& name, const std::string& value) {
    ++found.by_pair[name + "=" + value];
    if (values[name].insert(value).second) found.bytes_of[name] += static_cast<std::int64_t>(value.size());
  };
  for (const SeriesId id : catalog.select({})) {
    const auto info = catalog.info(id);
    if (!info) continue;
    ++found.series;
    ++found.by_metric[info->family->name];
    count("__name__", info->family->name);
    for (const auto& label : info->labels) count(label.name, label.value);
  }
  for (const auto& [name, distinct] : values) found.values_of[name] = static_cast<std::int64_t>(distinct.size());
  return found;
}

// Prometheus's tables, and one of ours: for which metrics series were asked for that a budget kept out, and how often.
ApiData tsdb(const Both& both, const HttpRequest& request) {
  const Catalog& catalog = both.queries.store.catalog();
  const auto asked = number_param(request, "limit").value_or(usually_listed);
  if (asked < 1) throw invalid_parameter("limit", "limit must be positive");
  const auto limit = static_cast<std::size_t>(std::min(asked, most_listed));
  const Cardinality found = cardinality(catalog);
  Counts refused;
  for (const auto& of : catalog.refusals()) refused[of.metric] = static_cast<std::int64_t>(of.requests);
  const Time now = both.queries.clock.now();
  const Duration wall_step = both.queries.clock.wall_step();
  const Time oldest = std::max(both.status.started, now - both.status.retention);
  const auto wall_ms = [&](Time time) { return to_wall(time, wall_step).time_since_epoch().count(); };
  JsonWriter json;
  json.begin_object().key("headStats").begin_object();
  json.key("numSeries").integer(found.series);
  json.key("numLabelPairs").integer(static_cast<std::int64_t>(found.by_pair.size()));
  json.key("chunkCount").integer(found.series);
  json.key("minTime").integer(wall_ms(oldest)).key("maxTime").integer(wall_ms(now)).end_object();
  write_largest(json, "seriesCountByMetricName", found.by_metric, limit);
  write_largest(json, "labelValueCountByLabelName", found.values_of, limit);
  write_largest(json, "memoryInBytesByLabelName", found.bytes_of, limit);
  write_largest(json, "seriesCountByLabelValuePair", found.by_pair, limit);
  write_largest(json, "refusedByMetricName", refused, limit);
  return ApiData::of(json.end_object().take());
}

}  // namespace

void add_status_routes(std::vector<HttpRoute>& routes, const QueryContext& queries, const StatusContext& status) {
  const Both both{queries, status};
  const auto add = [&](const char* path, ApiData (*handler)(const Both&, const HttpRequest&),
                       HttpRoute::Runs runs = HttpRoute::Runs::at_once) {
    add_api_route(routes, path, [both, handler](const HttpRequest& request) { return handler(both, request); }, runs);
  };
  add("/api/v1/targets", targets);
  add("/api/v1/status/buildinfo", buildinfo);
  add("/api/v1/status/config", config_text);
  add("/api/v1/status/flags", flags);
  add("/api/v1/status/runtimeinfo", runtimeinfo);
  add("/api/v1/status/tsdb", tsdb, HttpRoute::Runs::on_worker);
}

}  // namespace sidewatch
