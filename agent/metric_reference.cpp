#include "agent/metric_reference.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "agent/collector_set.h"
#include "agent/own_metrics.h"
#include "agent/push_routes.h"
#include "alerting/tick.h"
#include "metrics/catalog.h"

namespace sidewatch {
namespace {

constexpr std::string_view introduction =
    "# Metrics\n\n"
    "What `/metrics` serves and what rules can ask for. A `*` in a name stands for what the kernel calls it.\n\n"
    "A *counter* only rises; ask for its `rate(...[5m])` (per second) or `increase(...[1h])`. A *gauge* goes up and "
    "down and is judged as it is.\n\n"
    "Which labels a metric has is best seen on the page: `curl http://127.0.0.1:9766/metrics`. Those most often needed: "
    "`mode` (such as idle) and `cpu` of CPU time, `device` of disks and interfaces, `mountpoint` and `fstype` of "
    "filesystems, `groupname` and `memtype` (resident is what counts) of processes. The labels of `agent.labels` are on "
    "every series.\n";

std::vector<Metric> all_of(std::span<const Metric> metrics) { return {metrics.begin(), metrics.end()}; }

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '<') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void append(std::string& out, MetricGroup group) {
  std::sort(group.metrics.begin(), group.metrics.end(),
            [](const Metric& a, const Metric& b) { return a.name < b.name; });
  out += "\n## " + group.title + "\n\n" + group.about + "\n\n| name | type | unit | what it is |\n|---|---|---|---|\n";
  for (const Metric& metric : group.metrics) {
    out += "| `" + std::string(metric.name) + "` | " + std::string(to_string(metric.type)) + " | " +
           std::string(metric.unit) + " | " + cell(metric.help) + " |\n";
  }
}

}  // namespace

std::vector<MetricGroup> metric_groups() {
  std::vector<MetricGroup> groups;
  for (const auto& kind : collector_kinds()) {
    for (auto& group : kind.metrics()) groups.push_back(std::move(group));
  }
  groups.push_back({"collector runs", "how each collector is doing, by the label collector",
                    all_of(collector_run_metrics())});
  groups.push_back({"alerts", "what is pending or firing, by alertname, alertstate and level", {alerts_metric}});
  groups.push_back({"the agent", "rules, messages, the outbox, the HTTP server, the log, reloads",
                    all_of(own_metrics())});
  groups.push_back({"pushes", "what programs send to the agent's HTTP port, by the kind of collector that takes it",
                    all_of(push_metrics())});
  groups.push_back({"limits", "what a full series budget leaves (limits.max_series)", {overflow_metric}});
  return groups;
}

std::string metrics_as_markdown() {
  std::string out(introduction);
  for (auto& group : metric_groups()) append(out, std::move(group));
  return out;
}

}  // namespace sidewatch
