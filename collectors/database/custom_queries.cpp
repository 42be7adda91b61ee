#include "collectors/database/custom_queries.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "metrics/text.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_queries = 100;

void check_labels(config::Section& section, const CustomQuery& query) {
  std::set<std::string> names;
  for (const auto& [label, mark, expanded, places] : query.labels) {
    if (!is_legal_label_name(label)) {
      section.problem(mark, "'" + label + "' is not the name of a label; name the column otherwise: " +
                                "SELECT ... AS name");
    } else if (label == "instance") {
      section.problem(mark, "the label 'instance' is the name of the database; name the column otherwise: "
                            "SELECT instance AS ...");
    } else if (label.starts_with("__")) {
      section.problem(mark, "labels that begin with '__' are set by sidewatch itself");
    } else if (!names.insert(label).second) {
      section.problem(mark, "'" + label + "' is listed twice");
    }
  }
}

std::uint32_t version_or(const std::string& text, std::uint32_t fallback) {
  return text.empty() ? fallback : parse_version(text).value_or(fallback);
}

// "10.11" as an upper bound means every 10.11, "15" every 15.
std::uint32_t last_of(const std::string& text) {
  const auto number = version_or(text, UINT32_MAX);
  const auto dots = std::count(text.begin(), text.end(), '.');
  if (text.empty() || dots >= 2) return number;
  return number + (dots == 1 ? 99 : 9999);
}

Versions versions_of(const CustomQuery& query) {
  return {version_or(query.min_version, 0), last_of(query.max_version)};
}

void check_versions(config::Section& section, const CustomQuery& query) {
  for (const auto& [key, text] : {std::pair("min_version", &query.min_version), {"max_version", &query.max_version}}) {
    if (text->empty() || parse_version(*text)) continue;
    section.problem(key, "'" + *text + "' is not a version, write for example 12 or 8.0.22");
    return;
  }
  const Versions versions = versions_of(query);
  if (versions.min <= versions.max) return;
  section.problem("max_version", "max_version " + query.max_version + " is before min_version " + query.min_version +
                                     ": no server would be asked");
}

bool overlap(const Versions& a, const Versions& b) { return a.min <= b.max && b.min <= a.max; }

// Two queries that write one series would overwrite each other. Those that no server is asked both may.
void check_metrics(config::Section& section, const std::vector<CustomQuery>& queries) {
  struct Filled {
    const CustomQuery* by;
    const CustomMetric* metric;
  };
  std::multimap<std::string_view, Filled> filled;
  for (const auto& query : queries) {
    for (const auto& metric : query.metrics) {
      const auto [begin, end] = filled.equal_range(metric.name);
      for (auto other = begin; other != end; ++other) {
        const auto& [by, with] = other->second;
        if (metric.name.empty() || query.name.mark.line == 0) break;
        if (overlap(versions_of(query), versions_of(*by))) {
          section.problem(query.name.mark, "the metric " + metric.name + " is filled by '" + by->name.value +
                                               "' already" + (by == &query ? ", from another column" : ""));
          break;
        }
        if (metric.type != with->type) {
          section.problem(query.name.mark,
                          "the metric " + metric.name + " has another type in '" + by->name.value + "'");
          break;
        }
      }
      filled.emplace(metric.name, Filled{&query, &metric});
    }
  }
}

// A label that all series of the instance have would be overwritten by the column's.
void check_instance_labels(config::Section& section, const InstanceConfig& instance, const CustomQuery& query) {
  for (const auto& [label, mark, expanded, places] : query.labels) {
    if (instance.labels.count(label) == 0) continue;
    section.problem(mark, "all series of '" + instance.name.value + "' have the label '" + label +
                              "' already: name the column otherwise (SELECT " + label + " AS ...), or take it out of " +
                              "the database's labels");
  }
}

void check_together(config::Section& section, const std::vector<CustomQuery>& queries) {
  std::set<std::string> names;
  for (const auto& query : queries) {
    const auto& [name, mark] = std::pair(query.name.value, query.name.mark);
    if (mark.line == 0) continue;
    if (!names.insert(name).second) section.problem(mark, "there is already a query named '" + name + "'");
  }
  check_metrics(section, queries);
  if (queries.size() > max_queries) {
    section.problem("queries", "more than " + std::to_string(max_queries) + " queries");
  }
}

}  // namespace

void declare(config::Section& section, CustomMetric& metric) {
  section.required("column", metric.column, "the column that holds its value");
  section.required("name", metric.name, "the metric's name, such as shop_orders");
  section.choice("type", metric.type,
                 {{"gauge", MetricType::gauge}, {"counter", MetricType::counter}, {"untyped", MetricType::untyped}},
                 "gauge: it goes up and down; counter: it only grows; untyped: neither is known");
  section.optional("help", metric.help, "what it says, for people");
  if (section.describing() || metric.name.empty()) return;
  if (!is_legal_metric_name(metric.name)) {
    section.problem("name", "'" + metric.name +
                                "' is not the name of a metric; letters, digits, '_' and ':', no digit first");
  } else if (metric.name.starts_with("sidewatch_")) {
    section.problem("name", "names that begin with sidewatch_ are the agent's own");
  }
}

void declare(config::Section& section, CustomQuery& query) {
  section.required("name", query.name, "what you call it: the label query of what is told about it");
  section.required("sql", query.sql, "one statement that reads");
  section.optional("labels", query.labels, "columns that become labels");
  section.list("metrics", query.metrics, "columns that become metrics; each row is one series of each");
  section.optional("every", query.every, "how often it is asked; absent: in each pass", config::between(1s, 24h));
  section.optional("timeout", query.timeout, "how long it may take; the timeout of the database when absent",
                   config::between(10ms, 60s));
  section.optional("max_rows", query.max_rows, "rows beyond these are left out, which is told as an error",
                   config::between(1, 10'000));
  section.optional("min_version", query.min_version, "only asked of a server of this version or a later one");
  section.optional("max_version", query.max_version, "only asked of a server of this version or an earlier one");
  if (section.describing()) return;
  check_versions(section, query);
  check_labels(section, query);
  if (section.has("name") && query.name.value.empty()) section.problem("name", "a query needs a name");
  if (section.has("sql") && query.sql.find_first_not_of(" \t\r\n;") == std::string::npos) {
    section.problem("sql", "there is no statement");
  }
  if (query.metrics.empty()) {
    section.problem(section.mark(), "has no metrics: say which columns become which, as in "
                                    "metrics: [{column: n, name: shop_orders}]");
  }
}

void declare_queries(config::Section& section, const InstanceConfig& instance, std::vector<CustomQuery>& queries) {
  section.list("queries", queries, "queries of your own, and what becomes of their columns");
  if (section.describing()) return;
  check_together(section, queries);
  for (const auto& query : queries) check_instance_labels(section, instance, query);
}

void add_queries(QuerySet& set, const std::vector<CustomQuery>& queries) {
  for (const auto& custom : queries) {
    Query query;
    query.name = custom.name.value;
    query.sql = custom.sql;
    query.versions = versions_of(custom);
    query.every = custom.every;
    query.timeout = custom.timeout;
    query.max_rows = static_cast<std::size_t>(custom.max_rows);
    std::vector<Column> columns;
    for (const auto& name : custom.labels) columns.push_back(label(name.value));
    for (const auto& metric : custom.metrics) {
      columns.push_back(value(metric.column, Metric{metric.name, metric.type, "", metric.help}));
    }
    set.add(query, std::move(columns));
  }
}

std::string fingerprint_of(const std::vector<CustomQuery>& queries) {
  std::string text;
  for (const auto& query : queries) {
    text += '\n' + query.name.value + '\t' + query.sql + '\t' + std::to_string(query.every.count()) + '\t' +
            std::to_string(query.timeout.count()) + '\t' + std::to_string(query.max_rows) + '\t' + query.min_version +
            '\t' + query.max_version;
    for (const auto& label : query.labels) text += "\tl:" + label.value;
    for (const auto& metric : query.metrics) {
      text += "\tm:" + metric.column + '=' + metric.name + ':' + std::string(to_string(metric.type)) + ':' + metric.help;
    }
  }
  return text;
}

}  // namespace sidewatch::database
