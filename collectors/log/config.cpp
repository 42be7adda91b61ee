#include "collectors/log/config.h"

#include <algorithm>
#include <set>
#include <utility>

#include "collectors/log/log.h"
#include "collectors/log/metric_config.h"

namespace sidewatch {
namespace log {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_logs = 64;
constexpr std::size_t max_metrics = 64;  // of one log
constexpr std::size_t max_paths = 64;

void declare_limits(config::Section& section, LogConfig& config) {
  auto max_files = static_cast<std::int64_t>(config.files.max_files);
  auto max_series = static_cast<std::int64_t>(config.counted.max_series);
  config::Bytes max_bytes{config.files.max_bytes};
  config::Bytes max_catch_up{config.files.max_catch_up};
  section.optional("ttl", config.counted.ttl, "a series that no line was for during so long is dropped; 0s: never",
                   config::between(0s, 168h));
  section.optional("max_series", max_series,
                   "a label set beyond these goes to the series with overflow=\"true\" of its metric, which is counted",
                   config::between(1, 100'000));
  section.optional("max_files", max_files, "of more files than these only the newest are read", config::between(1, 1000));
  section.optional("max_bytes", max_bytes, "read in one pass; what is over waits for the next",
                   config::between(config::Bytes{1 << 20}, config::Bytes{std::uint64_t{1} << 32}));
  section.optional("max_catch_up", max_catch_up,
                   "how much of what was written while the agent did not run is read: the newest of it; 0B: nothing. It takes "
                   "an agent.state_dir",
                   config::between(config::Bytes{0}, config::Bytes{std::uint64_t{1} << 32}));
  section.optional("max_time", config.files.max_time, "spent in one pass; what is not read by then waits for the next",
                   config::between(10ms, 1min));
  config.files.max_files = static_cast<std::size_t>(max_files);
  config.counted.max_series = static_cast<std::size_t>(max_series);
  config.files.max_bytes = max_bytes.count;
  config.files.max_catch_up = max_catch_up.count;
}

void read_paths(config::Section& section, const std::vector<config::Located<std::string>>& paths, LogConfig& config) {
  for (const auto& path : paths) {
    if (!path.value.starts_with('/')) {
      section.problem(path.mark, "'" + path.value + "' is not an absolute path (it must start with '/')");
    }
    config.files.paths.push_back(path.value);
  }
  if (section.has("path") && paths.empty()) section.problem("path", "without a path nothing can be read");
  if (!section.has("path")) section.problem("path", "missing key 'path': the log file, such as /var/log/nginx/access.log");
  if (paths.size() > max_paths) section.problem("path", "more than " + std::to_string(max_paths) + " paths");
}

// A group that is called json is the JSON text, where something stands around it.
std::optional<std::size_t> json_group_of(const LineFormat& format) {
  if (!format.json || !format.match) return std::nullopt;
  const auto& names = format.match->group_names();
  const auto found = std::find(names.begin(), names.end(), "json");
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin()) + 1;
}

std::string fingerprint_of(const LogConfig& config) {
  std::string text = config.fingerprint + '\n' + (config.format.json ? "json" : "text") + '\n' +
                     (config.format.match ? config.format.match->pattern() : "") + '\n' +
                     (config.files.from == Files::From::end ? "end" : "beginning");
  for (const auto number : {static_cast<std::uint64_t>(config.counted.ttl.count()), std::uint64_t{config.counted.max_series},
                            std::uint64_t{config.files.max_files}, config.files.max_bytes, config.files.max_catch_up,
                            static_cast<std::uint64_t>(config.files.max_time.count())}) {
    text += '\n' + std::to_string(number);
  }
  for (const auto& path : config.files.paths) text += "\np:" + path;
  return text;
}

CollectorPlan plan_of(LogConfig config) {
  CollectorPlan plan;
  plan.name = "log:" + config.name.value;
  plan.interval = config.interval;
  plan.watches = "the log " + (config.files.paths.empty() ? "" : config.files.paths.front());
  if (config.files.paths.size() > 1) plan.watches += " and " + std::to_string(config.files.paths.size() - 1) + " more";
  plan.watches += ", " + std::to_string(config.metrics.size()) + (config.metrics.size() == 1 ? " metric" : " metrics");
  plan.listens = true;  // it saves then where it is
  plan.fingerprint = fingerprint_of(config);
  plan.make = [config = std::move(config)](const CollectorContext& context) {
    return make_log_collector(config, context.catalog, context.bequests);
  };
  return plan;
}

}  // namespace

void declare(config::Section& section, LogConfig& config) {
  std::vector<config::Located<std::string>> paths;
  section.required("name", config.name, "what you call it: the label log of all its series, such as nginx");
  section.optional("path", paths,
                   "the file, or several; *, ? and [ stand for names as in a shell: /var/log/shop/*.log. Required");
  section.optional("interval", config.interval, "how often what is new is read; agent.interval when absent",
                   config::between(100ms, 1h));
  section.choice("from", config.files.from, {{"end", Files::From::end}, {"beginning", Files::From::beginning}},
                 "where reading begins in a file that is there when the agent starts");
  section.choice("format", config.format.json, {{"text", false}, {"json", true}},
                 "json: each line is a JSON object, whose members are $level, $/req/method");
  config.format.match = declare_pattern(section, "match",
                                        "what a line must look like to be looked at; its named groups are there for all "
                                        "metrics. With format: json a group json is where the object stands");
  config.format.match_is_wrong = section.has("match") && !config.format.match;
  section.each("metrics", "what is counted; a line is for every metric that it matches", [&](config::Section& metric) {
    declare_metric(metric, config.format, config.metrics, config.fingerprint);
  });
  declare_limits(section, config);
  if (section.describing()) return;
  read_paths(section, paths, config);
  config.format.json_group = json_group_of(config.format);
  if (section.has("name") && config.name.value.empty()) section.problem("name", "a log needs a name");
  if (!section.has("metrics")) section.problem("metrics", "missing key 'metrics': what is to be counted");
  else if (config.metrics.empty()) section.problem("metrics", "without a metric nothing is counted");
  if (config.metrics.size() > max_metrics) {
    section.problem("metrics", "more than " + std::to_string(max_metrics) + " metrics: make two entries of it");
  }
}

}  // namespace log

void configure_log(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<log::LogConfig> logs;
  collectors.list("log", logs, "log files whose lines are counted: through patterns, or as JSON");
  std::set<std::string> names;
  for (auto& log : logs) {
    if (!log.name.value.empty() && !names.insert(log.name.value).second) {
      collectors.problem(log.name.mark, "there is already a log named '" + log.name.value + "'");
    }
    plans.push_back(log::plan_of(std::move(log)));
  }
  if (names.size() > log::max_logs) {
    collectors.problem("log", "more than " + std::to_string(log::max_logs) + " logs");
  }
}

}  // namespace sidewatch
