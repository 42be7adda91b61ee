// What mysqld_exporter says about its own work, for the dashboards that ask for it: each statement as one of its
// "collectors", how long it took and whether it succeeded.
//
// It stands between the queries and the connection and looks at what passes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/sql.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::database::mysql {

class Scrapes final : public SqlConnection {
 public:
  Scrapes(Catalog& catalog, const Labels& labels);

  // What the statement `sql` is called. It must outlive this.
  void name(std::string_view sql, std::string_view name);

  // Makes a connection by `connect` and notes how long it took.
  std::optional<Failure> connect(const std::function<std::optional<Failure>(std::unique_ptr<SqlConnection>&)>& connect,
                                 std::unique_ptr<SqlConnection>& made);

  // From now on everything is asked of `connection`.
  void watch(SqlConnection& connection) { connection_ = &connection; }
  void start_over();  // the server may be another: nothing is known

  const ServerVersion& version() const override { return connection_->version(); }
  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override;

  struct Outcome {
    bool up = false;
    bool trouble = false;
  };
  // What is known so far, of the statements only while the server is up; counts one more pass.
  void write(Batch& batch, const Outcome& outcome);

 private:
  struct Note {
    std::string name;
    SeriesHandle duration;
    SeriesHandle success;
    double seconds = -1;  // negative: not asked
    bool succeeded = false;
  };
  void take(Note& note, double seconds, const std::optional<Failure>& failure);

  Catalog& catalog_;
  const Labels labels_;
  SqlConnection* connection_ = nullptr;
  std::map<std::string_view, Note> notes_;  // by statement
  Note connecting_;
  SeriesHandle scrapes_total_;
  SeriesHandle last_error_;
  std::uint64_t scrapes_ = 0;
};

}  // namespace sidewatch::database::mysql
