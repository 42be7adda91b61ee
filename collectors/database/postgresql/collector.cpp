// A pass: the connection that is kept (or made anew), every question that is due, and what is said about the server
// itself. That it is down is a sample (pg_up 0), never a failed pass.
#include "collectors/database/postgresql/collector.h"

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "collectors/database/postgresql/connection.h"
#include "collectors/database/postgresql/queries.h"
#include "collectors/database/query_set.h"
#include "collectors/database/session.h"

namespace sidewatch::database::postgresql {
namespace {

class PostgresqlCollector final : public Collector {
 public:
  PostgresqlCollector(const PostgresqlConfig& config, Catalog& catalog, Connect connect)
      : config_(config),
        labels_(config.instance.series_labels()),
        asked_(queries_for(config_)),
        queries_(catalog, "postgresql", labels_, config.instance.timeout),
        failures_(catalog, "postgresql", labels_),
        session_(std::move(connect)),
        up_(catalog.series(up_metric, labels_)),
        duration_(catalog.series(scrape_duration_metric, labels_)),
        error_(catalog.series(scrape_error_metric, labels_)) {
    add_special_queries(queries_, catalog, labels_);
    for (const auto& one : asked_) {
      Query query = one.query;
      query.sql = one.sql;
      queries_.add(query, one.columns);
    }
    add_queries(queries_, config_.queries);
  }

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    const auto begin = std::chrono::steady_clock::now();
    PassOutcome outcome;
    Pass pass{batch, outcome, failures_, now};
    batch.add(up_, ask(pass) ? 1 : 0);
    failures_.write(batch);
    batch.add(error_, outcome.partial_errors > 0 ? 1 : 0);
    batch.add(duration_, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return outcome;
  }

 private:
  // Whether the server answered.
  bool ask(Pass& pass) {
    SqlConnection* const connection = session_.connection(pass);
    if (connection == nullptr) return false;
    if (generation_ != session_.generation()) {
      generation_ = session_.generation();
      queries_.start_over();
    }
    if (auto lost = queries_.run(*connection, pass)) {
      session_.lost(pass, std::move(*lost));
      return false;
    }
    session_.proved();
    return true;
  }

  const PostgresqlConfig config_;
  const Labels labels_;
  const std::vector<AskedQuery> asked_;
  QuerySet queries_;
  FailureCounts failures_;
  Session<SqlConnection> session_;
  std::uint64_t generation_ = 0;
  SeriesHandle up_;
  SeriesHandle duration_;
  SeriesHandle error_;
};

}  // namespace

std::unique_ptr<Collector> make_postgresql_collector(const PostgresqlConfig& config, Catalog& catalog,
                                                     Connect connect) {
  return std::make_unique<PostgresqlCollector>(config, catalog, std::move(connect));
}

std::unique_ptr<Collector> make_postgresql_collector(const PostgresqlConfig& config, Catalog& catalog) {
  const auto connector = std::make_shared<Connector>(
      ConnectionConfig{config.dsn, config.password, config.tls, config.instance.timeout});
  return make_postgresql_collector(config, catalog, [connector](std::unique_ptr<SqlConnection>& made) {
    return connector->connect(made);
  });
}

}  // namespace sidewatch::database::postgresql
