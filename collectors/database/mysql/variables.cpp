// SHOW GLOBAL VARIABLES: each number (ON is 1) a metric of its own, as mysqld_exporter has them; of the texts only those
// that say what the server is.
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/series_row.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

constexpr std::string_view variables_prefix = "mysql_global_variables_";
constexpr std::string_view variables_help = "Generic gauge metric from SHOW GLOBAL VARIABLES.";
constexpr Metric version_metric = gauge("mysql_version_info", "MySQL version and distribution.");
constexpr Metric isolation_metric = gauge("mysql_transaction_isolation", "MySQL transaction isolation.");
constexpr Metric galera_variables_metric = gauge("mysql_galera_variables_info", "PXC/Galera variables information.");
constexpr Metric gcache_metric = gauge("mysql_galera_gcache_size_bytes", "PXC/Galera gcache size.", "bytes");

// "...; gcache.size = 128M; ..." in bytes.
std::optional<double> gcache_bytes(std::string_view options) {
  constexpr std::string_view key = "gcache.size = ";
  const auto found = options.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  const auto rest = options.substr(found + key.size());
  double size = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  if (error != std::errc()) return std::nullopt;
  if (end != rest.data() + rest.size() && *end == 'M') return size * (1 << 20);
  if (end != rest.data() + rest.size() && *end == 'G') return size * (1 << 30);
  return size;
}

class VariablesSink final : public RowSink {
 public:
  explicit VariablesSink(const SinkContext& context)
      : catalog_(context.catalog), labels_(context.labels), shared_(context.shared) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 2) return Failure{FailureKind::malformed, "the answer has no two columns", false};
    Texts texts;
    series_.begin();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto name = rows.cell(row, 0).value_or("");
      const auto text = rows.cell(row, 1).value_or("");
      const auto value = number_in(text);
      if (!value) {
        texts.take(name, text);
        continue;
      }
      if (name == "max_connections") shared_.max_connections = *value;
      batch.add(series_.get(name,
                            [&] {
                              const std::string full = std::string(variables_prefix) + name_of(name);
                              return catalog_.series(gauge(full, variables_help), labels_);
                            }),
                *value);
    }
    add_texts(texts, batch);
    series_.end();
    return std::nullopt;
  }

 private:
  struct Texts {
    std::string_view innodb, version, comment, isolation, cluster, options;
    void take(std::string_view name, std::string_view text) {
      if (name == "innodb_version") innodb = text;
      if (name == "version") version = text;
      if (name == "version_comment") comment = text;
      if (name == "transaction_isolation" || (name == "tx_isolation" && isolation.empty())) isolation = text;
      if (name == "wsrep_cluster_name") cluster = text;
      if (name == "wsrep_provider_options") options = text;
    }
  };

  // The series of key_; `labels` are made where it is new.
  template <class MakeLabels>
  void add_info(const Metric& metric, MakeLabels labels, double value, Batch& batch) {
    batch.add(series_.get(key_, [&] { return catalog_.series(metric, labels()); }), value);
  }

  void add_texts(const Texts& texts, Batch& batch) {
    key_.assign("\nversion ").append(texts.innodb).append("\n").append(texts.version).append("\n").append(texts.comment);
    const auto versions = [&] {
      return labels_.with("innodb_version", texts.innodb)
          .with("version", texts.version)
          .with("version_comment", texts.comment);
    };
    add_info(version_metric, versions, 1, batch);
    if (!texts.isolation.empty()) {
      key_.assign("\nisolation ").append(texts.isolation);
      add_info(isolation_metric, [&] { return labels_.with("level", texts.isolation); }, 1, batch);
    }
    if (!texts.cluster.empty()) {
      key_.assign("\ncluster ").append(texts.cluster);
      add_info(galera_variables_metric, [&] { return labels_.with("wsrep_cluster_name", texts.cluster); }, 1, batch);
    }
    if (const auto bytes = gcache_bytes(texts.options)) {
      key_.assign("\ngcache");
      add_info(gcache_metric, [&] { return labels_; }, *bytes, batch);
    }
  }

  Catalog& catalog_;
  const Labels labels_;
  std::string key_;
  Shared& shared_;
  SeriesRow series_;
};

}  // namespace

std::unique_ptr<RowSink> make_variables_sink(const SinkContext& context) {
  return std::make_unique<VariablesSink>(context);
}

std::vector<Metric> variables_metrics() {
  return {gauge("mysql_global_variables_*", variables_help), version_metric, isolation_metric, galera_variables_metric,
          gcache_metric};
}

}  // namespace sidewatch::database::mysql
