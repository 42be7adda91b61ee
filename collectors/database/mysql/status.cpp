// SHOW GLOBAL STATUS: about 500 rows of a name and a value, each a metric of its own or one of a few families, as
// mysqld_exporter has them. What is no number is left out.
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/series_row.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

constexpr std::string_view status_prefix = "mysql_global_status_";
constexpr std::string_view status_help = "Generic metric from SHOW GLOBAL STATUS.";
constexpr std::string_view pages_prefix = "innodb_buffer_pool_pages_";

// A family: the names behind the prefix become the values of one label.
struct StatusFamily {
  std::string_view prefix;
  std::string_view label;
  Metric metric;
};
constexpr std::array kStatusFamilies{
    StatusFamily{"com_", "command",
                 counter("mysql_global_status_commands_total", "Total number of executed MySQL commands.")},
    StatusFamily{"handler_", "handler",
                 counter("mysql_global_status_handlers_total", "Total number of executed MySQL handlers.")},
    StatusFamily{"connection_errors_", "error",
                 counter("mysql_global_status_connection_errors_total", "Total number of MySQL connection errors.")},
    StatusFamily{"innodb_rows_", "operation",
                 counter("mysql_global_status_innodb_row_ops_total", "Total number of MySQL InnoDB row operations.")},
    StatusFamily{"performance_schema_", "instrumentation",
                 counter("mysql_global_status_performance_schema_lost_total",
                         "Total number of MySQL instrumentations that could not be loaded or created due to memory "
                         "constraints.")},
};
constexpr Metric pages_metric = gauge("mysql_global_status_buffer_pool_pages", "Innodb buffer pool pages by state.");
constexpr Metric dirty_pages_metric =
    gauge("mysql_global_status_buffer_pool_dirty_pages", "Innodb buffer pool dirty pages.");
constexpr Metric page_changes_metric =
    counter("mysql_global_status_buffer_pool_page_changes_total", "Innodb buffer pool page state changes.");

constexpr Metric connections_metric = gauge("sidewatch_mysql_connections", "Connections that clients hold.");
constexpr Metric connections_limit_metric =
    gauge("sidewatch_mysql_connections_limit", "Connections that clients may hold (max_connections).");
constexpr Metric connection_usage_metric =
    gauge("sidewatch_mysql_connection_usage_ratio", "Connections held, of those that may be.", "ratio");

constexpr Metric galera_info_metric = gauge("mysql_galera_status_info", "PXC/Galera status information.");
constexpr std::array kLatencyParts{
    gauge("mysql_galera_evs_repl_latency_min_seconds", "PXC/Galera group communication latency. Min value.", "seconds"),
    gauge("mysql_galera_evs_repl_latency_avg_seconds", "PXC/Galera group communication latency. Avg value.", "seconds"),
    gauge("mysql_galera_evs_repl_latency_max_seconds", "PXC/Galera group communication latency. Max value.", "seconds"),
    gauge("mysql_galera_evs_repl_latency_stdev", "PXC/Galera group communication latency. Standard Deviation."),
    gauge("mysql_galera_evs_repl_latency_sample_size", "PXC/Galera group communication latency. Sample Size."),
};

class StatusSink final : public RowSink {
 public:
  explicit StatusSink(const SinkContext& context)
      : catalog_(context.catalog),
        labels_(context.labels),
        shared_(context.shared),
        connections_(catalog_.series(connections_metric, labels_)),
        limit_(catalog_.series(connections_limit_metric, labels_)),
        usage_(catalog_.series(connection_usage_metric, labels_)) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 2) return Failure{FailureKind::malformed, "the answer has no two columns", false};
    galera_ = {};
    series_.begin();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto name = rows.cell(row, 0).value_or("");
      const auto text = rows.cell(row, 1).value_or("");
      if (const auto value = number_in(text)) {
        batch.add(series_.get(name, [&] { return make(name); }), *value);
        derive(name, *value, batch);
      } else {
        galera_.take(name, text);
      }
    }
    add_galera(batch);
    series_.end();
    return std::nullopt;
  }

 private:
  struct Galera {
    std::string_view local_state, cluster_state, provider, latency;
    void take(std::string_view name, std::string_view text) {
      if (name == "wsrep_local_state_uuid") local_state = text;
      if (name == "wsrep_cluster_state_uuid") cluster_state = text;
      if (name == "wsrep_provider_version") provider = text;
      if (name == "wsrep_evs_repl_latency") latency = text;
    }
  };

  // The series of one row; none where it is only the sum of others.
  SeriesHandle make(std::string_view raw) {
    const std::string name = name_of(raw);
    const std::string_view view = name;
    if (view.starts_with(pages_prefix)) return make_pages(view.substr(pages_prefix.size()));
    for (const auto& family : kStatusFamilies) {
      if (view.starts_with(family.prefix)) {
        return catalog_.series(family.metric, labels_.with(family.label, view.substr(family.prefix.size())));
      }
    }
    return catalog_.series(untyped(std::string(status_prefix).append(name), status_help), labels_);
  }

  SeriesHandle make_pages(std::string_view state) {
    if (state == "total") return {};
    if (state == "dirty") return catalog_.series(dirty_pages_metric, labels_);
    for (const auto* one : {"data", "free", "misc", "old"}) {
      if (state == one) return catalog_.series(pages_metric, labels_.with("state", state));
    }
    return catalog_.series(page_changes_metric, labels_.with("operation", state));
  }

  void derive(std::string_view name, double value, Batch& batch) {
    if (name == "Threads_connected") {
      batch.add(connections_, value);
      if (shared_.max_connections <= 0) return;
      batch.add(limit_, shared_.max_connections);
      batch.add(usage_, value / shared_.max_connections);
    } else if (name == "Innodb_deadlocks") {
      shared_.counts_deadlocks = true;
      if (!deadlocks_) deadlocks_ = catalog_.series(deadlocks_metric, labels_);
      batch.add(deadlocks_, value);
    }
  }

  // "0.000214/0.000412/0.001/0.0002/17"
  void add_galera(Batch& batch) {
    if (!galera_.local_state.empty()) {
      std::string key("galera\n");
      key.append(galera_.local_state).append("\n").append(galera_.cluster_state).append("\n").append(galera_.provider);
      batch.add(series_.get(key,
                            [&] {
                              return catalog_.series(galera_info_metric,
                                                     labels_.with("wsrep_local_state_uuid", galera_.local_state)
                                                         .with("wsrep_cluster_state_uuid", galera_.cluster_state)
                                                         .with("wsrep_provider_version", galera_.provider));
                            }),
                1);
    }
    std::array<double, kLatencyParts.size()> values{};
    std::string_view rest = galera_.latency;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), values[i]);
      const bool last = i + 1 == values.size();
      const bool whole = end == rest.data() + rest.size();
      if (error != std::errc() || (last ? !whole : whole || *end != '/')) return;
      if (!last) rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      batch.add(series_.get(kLatencyParts[i].name, [&] { return catalog_.series(kLatencyParts[i], labels_); }), values[i]);
    }
  }

  Catalog& catalog_;
  const Labels labels_;
  Shared& shared_;
  SeriesRow series_;
  SeriesHandle connections_;
  SeriesHandle limit_;
  SeriesHandle usage_;
  SeriesHandle deadlocks_;
  Galera galera_;
};

}  // namespace

constexpr Metric deadlocks_metric =
    counter("sidewatch_mysql_deadlocks_total", "Transactions that InnoDB rolled back to end a deadlock.");

std::unique_ptr<RowSink> make_status_sink(const SinkContext& context) { return std::make_unique<StatusSink>(context); }

std::vector<Metric> status_metrics() {
  std::vector<Metric> all{untyped("mysql_global_status_*", status_help), pages_metric, dirty_pages_metric,
                          page_changes_metric, galera_info_metric, connections_metric, connections_limit_metric,
                          connection_usage_metric, deadlocks_metric};
  for (const auto& family : kStatusFamilies) all.push_back(family.metric);
  all.insert(all.end(), kLatencyParts.begin(), kLatencyParts.end());
  return all;
}

}  // namespace sidewatch::database::mysql
