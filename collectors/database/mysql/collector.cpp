// A pass: the connection that is kept (or made anew), every question that is due, and what is said about the server
// itself. That it is down is a sample (mysql_up 0), never a failed pass.
#include "collectors/database/mysql/collector.h"

#include <cstdint>
#include <utility>

#include "collectors/database/mysql/connection.h"
#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/scrapes.h"
#include "collectors/database/query_set.h"
#include "collectors/database/session.h"

namespace sidewatch::database::mysql {
namespace {

class MysqlCollector final : public Collector {
 public:
  MysqlCollector(const MysqlConfig& config, Catalog& catalog, Connect connect)
      : config_(config),
        labels_(config.instance.series_labels()),
        asked_(queries_for(config_)),
        queries_(catalog, "mysql", labels_, config.instance.timeout),
        failures_(catalog, "mysql", labels_),
        scrapes_(catalog, labels_),
        session_([this, connect = std::move(connect)](std::unique_ptr<SqlConnection>& made) {
          return scrapes_.connect(connect, made);
        }),
        up_(catalog.series(up_metric, labels_)) {
    for (const auto& one : asked_) {
      Query query = one.query;
      query.sql = one.sql;
      if (one.unless != nullptr) query.unless = &(shared_.*one.unless);
      scrapes_.name(one.sql, one.query.name);
      if (one.sink) {
        queries_.add(query, one.sink({catalog, labels_, shared_}));
      } else {
        queries_.add(query, one.columns);
      }
    }
    add_queries(queries_, config_.queries);
  }

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    Pass pass{batch, outcome, failures_, now};
    const bool up = ask(pass);
    batch.add(up_, up ? 1 : 0);
    scrapes_.write(batch, {up, outcome.partial_errors > 0});
    failures_.write(batch);
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
      scrapes_.start_over();
      shared_ = {};
    }
    scrapes_.watch(*connection);
    if (auto lost = queries_.run(scrapes_, pass)) {
      session_.lost(pass, std::move(*lost));
      return false;
    }
    session_.proved();
    return true;
  }

  const MysqlConfig config_;
  const Labels labels_;
  const std::vector<AskedQuery> asked_;
  Shared shared_;
  QuerySet queries_;
  FailureCounts failures_;
  Scrapes scrapes_;
  Session<SqlConnection> session_;
  std::uint64_t generation_ = 0;
  SeriesHandle up_;
};

}  // namespace

std::unique_ptr<Collector> make_mysql_collector(const MysqlConfig& config, Catalog& catalog, Connect connect) {
  return std::make_unique<MysqlCollector>(config, catalog, std::move(connect));
}

std::unique_ptr<Collector> make_mysql_collector(const MysqlConfig& config, Catalog& catalog) {
  const auto connector = std::make_shared<Connector>(ConnectionConfig{
      config.address, config.user, config.password, config.database, config.tls, config.instance.timeout});
  return make_mysql_collector(config, catalog, [connector](std::unique_ptr<SqlConnection>& made) {
    return connector->connect(made);
  });
}

}  // namespace sidewatch::database::mysql
