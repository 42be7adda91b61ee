// Where this server is a replica: each column of SHOW ALL SLAVES STATUS (MariaDB), SHOW SLAVE STATUS or SHOW REPLICA
// STATUS (MySQL) that is a number, under its own name in lower case, one series for each source that it follows.
//
// MySQL 8.0.22 gave the columns new names (Seconds_Behind_Source), as mysqld_exporter then does; the names that
// dashboards and rules ask for are the old ones (seconds_behind_master), so both are there.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/series_row.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

constexpr std::string_view replica_prefix = "mysql_slave_status_";
constexpr std::string_view replica_help = "Generic metric from SHOW SLAVE STATUS.";
constexpr Metric gtid_io_metric =
    gauge("mysql_slave_status_gtid_io_pos", "Gtid_IO_Pos metric from SHOW SLAVE STATUS.");
constexpr Metric gtid_applied_metric =
    gauge("mysql_slave_status_gtid_slave_pos", "Gtid_Slave_Pos metric from SHOW SLAVE STATUS.");
constexpr Metric running_metric =
    gauge("sidewatch_mysql_replication_running", "Whether both threads of the replication run.");
constexpr Metric lag_metric = gauge(
    "sidewatch_mysql_replication_lag_seconds",
    "How far the replica is behind its source, less the delay that was asked for; absent while nobody knows.", "seconds");

// "seconds_behind_source" as it was called before: "seconds_behind_master".
std::string old_name_of(const std::string& name) {
  std::string old;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const auto end = std::min(name.find('_', begin), name.size());
    const auto word = std::string_view(name).substr(begin, end - begin);
    old += word == "source" ? "master" : word == "replica" ? "slave" : word;
    if (end < name.size()) old += '_';
    begin = end + 1;
  }
  return old;
}

class ReplicaSink final : public RowSink {
 public:
  explicit ReplicaSink(const SinkContext& context) : catalog_(context.catalog), labels_(context.labels) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    read_names(rows);
    series_.begin();
    for (std::size_t row = 0; row < rows.size(); ++row) take_row(rows, row, batch);
    series_.end();
    return std::nullopt;
  }

 private:
  struct ColumnNames {
    std::string raw;
    std::string name;  // in lower case
    std::string old;   // where it had another one
  };

  void read_names(const Rows& rows) {
    bool same = names_.size() == rows.columns();
    for (std::size_t i = 0; same && i < names_.size(); ++i) same = names_[i].raw == rows.name(i);
    if (same) return;
    names_.clear();
    for (std::size_t i = 0; i < rows.columns(); ++i) {
      auto name = name_of(rows.name(i));
      auto old = old_name_of(name);
      if (old == name) old.clear();
      names_.push_back({std::string(rows.name(i)), std::move(name), std::move(old)});
    }
  }

  std::string_view text(const Rows& rows, std::size_t row, std::string_view column) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].name == column || names_[i].old == column) return rows.cell(row, i).value_or("");
    }
    return {};
  }

  void take_row(const Rows& rows, std::size_t row, Batch& batch) {
    const Source source{text(rows, row, "master_host"), text(rows, row, "master_uuid"), text(rows, row, "channel_name"),
                        text(rows, row, "connection_name")};
    source.write_key(key_);
    const std::size_t stem = key_.size();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto value = number_in(rows.cell(row, i).value_or(""));
      if (!value) continue;
      add(names_[i].name, source, *value, batch);
      if (!names_[i].old.empty()) add(names_[i].old, source, *value, batch);
      key_.resize(stem);
    }
    add_positions(gtid_io_metric, text(rows, row, "gtid_io_pos"), source, batch);
    add_positions(gtid_applied_metric, text(rows, row, "gtid_slave_pos"), source, batch);
    derive(rows, row, source, batch);
  }

  struct Source {
    std::string_view host, uuid, channel, connection;
    void write_key(std::string& key) const {
      key.assign(host).append("\n").append(uuid).append("\n").append(channel).append("\n").append(connection).append("\n");
    }
    Labels labels(const Labels& base) const {
      return base.with("master_host", host)
          .with("master_uuid", uuid)
          .with("channel_name", channel)
          .with("connection_name", connection);
    }
  };

  const SeriesHandle& series_of(std::string_view what, const Source& source, const Metric& metric) {
    const std::size_t stem = key_.size();
    key_.append(what);
    const auto& series = series_.get(key_, [&] { return catalog_.series(metric, source.labels(labels_)); });
    key_.resize(stem);
    return series;
  }

  void add(const std::string& column, const Source& source, double value, Batch& batch) {
    const std::size_t stem = key_.size();
    key_.append(column);
    batch.add(series_.get(key_,
                          [&] {
                            const auto name = std::string(replica_prefix) + column;
                            return catalog_.series(untyped(name, replica_help), source.labels(labels_));
                          }),
              value);
    key_.resize(stem);
  }

  // "0-1-270,1-2-17": domain, server and number of the last transaction of each domain.
  void add_positions(const Metric& metric, std::string_view text, const Source& source, Batch& batch) {
    while (!text.empty()) {
      const auto end = std::min(text.find(','), text.size());
      add_position(metric, text.substr(0, end), source, batch);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  void add_position(const Metric& metric, std::string_view position, const Source& source, Batch& batch) {
    const auto first = position.find('-');
    const auto second = position.rfind('-');
    if (first == std::string_view::npos || first == second) return;
    const auto domain = position.substr(0, first);
    const auto server = position.substr(first + 1, second - first - 1);
    const auto number = number_in(position.substr(second + 1));
    if (!number) return;
    std::string key = key_;
    key.append(metric.name).append("\n").append(domain).append("-").append(server);
    batch.add(series_.get(key,
                          [&] {
                            return catalog_.series(
                                metric, source.labels(labels_).with("domain_id", domain).with("server_id", server));
                          }),
              *number);
  }

  void derive(const Rows& rows, std::size_t row, const Source& source, Batch& batch) {
    const bool receives = text(rows, row, "slave_io_running") == "Yes";
    const bool applies = text(rows, row, "slave_sql_running") == "Yes";
    batch.add(series_of("\nrunning", source, running_metric), receives && applies ? 1 : 0);
    const auto behind = number_in(text(rows, row, "seconds_behind_master"));
    if (!behind) return;
    const auto delay = number_in(text(rows, row, "sql_delay")).value_or(0);
    batch.add(series_of("\nlag", source, lag_metric), std::max(*behind - delay, 0.0));
  }

  Catalog& catalog_;
  const Labels labels_;
  std::vector<ColumnNames> names_;
  SeriesRow series_;
  std::string key_;  // of the row's source; what is asked for is added behind it
};

}  // namespace

std::unique_ptr<RowSink> make_replica_sink(const SinkContext& context) { return std::make_unique<ReplicaSink>(context); }

std::vector<Metric> replica_metrics() {
  return {untyped("mysql_slave_status_*", replica_help), gtid_io_metric, gtid_applied_metric, running_metric, lag_metric};
}

std::vector<AskedQuery> replication_queries(const MysqlConfig& config) {
  (void)config;
  const auto asked = [](std::string sql, Versions versions) {
    Query query;
    query.name = "slave_status";
    query.versions = versions;
    return AskedQuery{query, std::move(sql), {}, make_replica_sink};
  };
  constexpr std::uint32_t renamed = 80022;
  return {asked("SHOW ALL SLAVES STATUS", mariadb()), asked("SHOW SLAVE STATUS", oracle(0, renamed - 1)),
          asked("SHOW REPLICA STATUS", oracle(renamed))};
}

}  // namespace sidewatch::database::mysql
