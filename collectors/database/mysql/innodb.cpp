// InnoDB beyond what SHOW GLOBAL STATUS tells: compressed pages, deadlocks where the status has none, and on request all
// of its own counters.
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/series_row.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

using namespace std::chrono_literals;

constexpr Duration compression_every = 30s;

constexpr const char* cmp_sql =
    "SELECT page_size, compress_ops, compress_ops_ok, compress_time, uncompress_ops, uncompress_time "
    "FROM information_schema.innodb_cmp";
constexpr const char* cmpmem_sql =
    "SELECT page_size, buffer_pool_instance, pages_used, pages_free, relocation_ops, relocation_time "
    "FROM information_schema.innodb_cmpmem";
// Asked only where the status has no such counter, as that of MySQL and of MariaDB before 10.5.
constexpr const char* deadlocks_sql =
    "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks' AND status = 'enabled'";
constexpr const char* metrics_sql = "SELECT * FROM information_schema.innodb_metrics";

constexpr Metric page_read_metric =
    counter("mysql_info_schema_innodb_metrics_buffer_page_read_total", "Total number of buffer pages read total.");
constexpr Metric page_written_metric = counter("mysql_info_schema_innodb_metrics_buffer_page_written_total",
                                               "Total number of buffer pages written total.");
constexpr Metric pool_pages_metric = gauge("mysql_info_schema_innodb_metrics_buffer_pool_pages",
                                           "Total number of buffer pool pages by state.");
constexpr Metric pool_dirty_metric = gauge("mysql_info_schema_innodb_metrics_buffer_pool_dirty_pages",
                                           "Total number of dirty pages in the buffer pool.");

std::vector<Column> cmp_columns() {
  return {label("page_size"),
          value("compress_ops", counter("mysql_info_schema_innodb_cmp_compress_ops_total",
                                        "Number of times a B-tree page of the size PAGE_SIZE has been compressed.")),
          value("compress_ops_ok",
                counter("mysql_info_schema_innodb_cmp_compress_ops_ok_total",
                        "Number of times a B-tree page of the size PAGE_SIZE has been successfully compressed.")),
          value("compress_time", counter("mysql_info_schema_innodb_cmp_compress_time_seconds_total",
                                         "Total time in seconds spent in attempts to compress B-tree pages.", "seconds")),
          value("uncompress_ops", counter("mysql_info_schema_innodb_cmp_uncompress_ops_total",
                                          "Number of times a B-tree page of the size PAGE_SIZE has been uncompressed.")),
          value("uncompress_time", counter("mysql_info_schema_innodb_cmp_uncompress_time_seconds_total",
                                           "Total time in seconds spent in uncompressing B-tree pages.", "seconds"))};
}

std::vector<Column> cmpmem_columns() {
  return {label("page_size"), label("buffer_pool_instance", "buffer_pool"),
          value("pages_used", counter("mysql_info_schema_innodb_cmpmem_pages_used_total",
                                      "Number of blocks of the size PAGE_SIZE that are currently in use.")),
          value("pages_free", counter("mysql_info_schema_innodb_cmpmem_pages_free_total",
                                      "Number of blocks of the size PAGE_SIZE that are currently available for "
                                      "allocation.")),
          value("relocation_ops", counter("mysql_info_schema_innodb_cmpmem_relocation_ops_total",
                                          "Number of times a block of the size PAGE_SIZE has been relocated.")),
          value("relocation_time", counter("mysql_info_schema_innodb_cmpmem_relocation_time_seconds_total",
                                           "Total time in seconds spent in relocating blocks.", "seconds"),
                0.001)};
}

class DeadlocksSink final : public RowSink {
 public:
  explicit DeadlocksSink(const SinkContext& context) : context_(context), labels_(context.labels) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.size() == 0) context_.shared.counts_deadlocks = true;  // nowhere
    if (rows.size() == 0 || rows.columns() == 0) return std::nullopt;
    const auto count = number_in(rows.cell(0, 0).value_or(""));
    if (!series_) series_ = context_.catalog.series(deadlocks_metric, labels_);
    if (count) batch.add(series_, *count);
    return std::nullopt;
  }

 private:
  const SinkContext context_;
  const Labels labels_;
  SeriesHandle series_;
};

// One metric for each counter that is enabled, named by its subsystem and its name.
class InnodbMetricsSink final : public RowSink {
 public:
  explicit InnodbMetricsSink(const SinkContext& context) : catalog_(context.catalog), labels_(context.labels) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    const auto name = rows.column("name");
    const auto subsystem = rows.column("subsystem");
    const auto count = rows.column("count");
    const auto type = rows.column("type");
    const auto comment = rows.column("comment");
    const auto enabled = rows.column("enabled");
    const auto status = rows.column("status");
    if (!name || !subsystem || !count || !type || !comment || (!enabled && !status)) {
      return Failure{FailureKind::missing, "information_schema.innodb_metrics has other columns than expected", false};
    }
    series_.begin();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto text = [&](std::size_t column) { return rows.cell(row, column).value_or(""); };
      if (enabled ? text(*enabled) != "1" : text(*status) != "enabled") continue;
      const auto value = number_in(text(*count));
      if (!value) continue;
      const Counter one{text(*subsystem), text(*name), text(*type), text(*comment), *value >= 0};
      key_.assign(one.only_grows() ? "c" : "g").append(one.name);
      batch.add(series_.get(key_, [&] { return make(one); }), *value);
    }
    series_.end();
    return std::nullopt;
  }

 private:
  struct Counter {
    std::string_view subsystem, name, type, comment;
    bool positive = true;
    bool only_grows() const { return positive && (type == "counter" || type == "status_counter"); }
  };

  SeriesHandle make(const Counter& one) const {
    constexpr std::string_view read = "buffer_page_read_";
    constexpr std::string_view written = "buffer_page_written_";
    constexpr std::string_view pages = "buffer_pool_pages_";
    if (one.subsystem == "buffer_page_io") {
      if (one.name.starts_with(read)) return typed(page_read_metric, one.name.substr(read.size()));
      if (one.name.starts_with(written)) return typed(page_written_metric, one.name.substr(written.size()));
      return {};
    }
    if (one.subsystem == "buffer" && one.name.starts_with(pages)) {
      const auto state = one.name.substr(pages.size());
      if (state == "total") return {};  // of the others
      if (state == "dirty") return catalog_.series(pool_dirty_metric, labels_);
      return catalog_.series(pool_pages_metric, labels_.with("state", state));
    }
    std::string full("mysql_info_schema_innodb_metrics_");
    full.append(one.subsystem).append("_").append(one.name);  // in the letters that the server writes
    if (one.only_grows()) full.append("_total");
    return catalog_.series(one.only_grows() ? counter(full, one.comment) : gauge(full, one.comment), labels_);
  }

  SeriesHandle typed(const Metric& metric, std::string_view type) const {
    return catalog_.series(metric, labels_.with("type", type));
  }

  Catalog& catalog_;
  const Labels labels_;
  SeriesRow series_;
  std::string key_;
};

}  // namespace

std::unique_ptr<RowSink> make_deadlocks_sink(const SinkContext& context) {
  return std::make_unique<DeadlocksSink>(context);
}

std::unique_ptr<RowSink> make_innodb_metrics_sink(const SinkContext& context) {
  return std::make_unique<InnodbMetricsSink>(context);
}

std::vector<Metric> innodb_metrics_metrics() {
  return {gauge("mysql_info_schema_innodb_metrics_*", "As the server describes it."), page_read_metric,
          page_written_metric, pool_pages_metric, pool_dirty_metric};
}

std::vector<AskedQuery> innodb_queries(const MysqlConfig& config) {
  Query cmp;
  cmp.name = "info_schema.innodb_cmp";
  cmp.every = compression_every;
  Query cmpmem;
  cmpmem.name = "info_schema.innodb_cmpmem";
  cmpmem.every = compression_every;
  Query deadlocks;
  deadlocks.name = "deadlocks";
  std::vector<AskedQuery> all{{cmp, cmp_sql, cmp_columns(), {}},
                              {cmpmem, cmpmem_sql, cmpmem_columns(), {}},
                              {deadlocks, deadlocks_sql, {}, make_deadlocks_sink, &Shared::counts_deadlocks}};
  if (config.innodb_metrics) {
    Query metrics;
    metrics.name = "info_schema.innodb_metrics";
    all.push_back({metrics, metrics_sql, {}, make_innodb_metrics_sink});
  }
  return all;
}

}  // namespace sidewatch::database::mysql
