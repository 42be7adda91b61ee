// The queries of one instance: each asked when it is due, each failing alone.
//
// The answer to a query that is not asked in every pass stands until the next one. One that fails is left alone for a
// minute or its own interval (a server logs each mistake), one that took too long for twice as long each time, at most
// ten minutes; meanwhile its series are stale and its trouble stands in every pass.
//
// A server that answers everything, but slowly, must not make the passes endless: once a pass has asked for as long as
// one query may take, the rest has its turn in the next ones, and its last answers stand for up to a minute more.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/database/pass.h"
#include "collectors/database/query.h"
#include "collectors/database/sql.h"
#include "metrics/catalog.h"

namespace sidewatch::database {

class QuerySet {
 public:
  using Stopwatch = std::function<double()>;  // seconds since some time

  // `labels` are those of the instance.
  QuerySet(Catalog& catalog, std::string_view engine, const Labels& labels, Duration timeout,
           Stopwatch stopwatch = steady_seconds);
  ~QuerySet();

  // What a query's strings refer to must outlive the set.
  void add(const Query& query, std::unique_ptr<RowSink> sink);
  void add(const Query& query, std::vector<Column> columns);  // with a column sink

  // Asks what is due and adds every answer that stands. Returns what ended the connection, if something did, with the
  // name of the query that met it; nothing more is asked then.
  std::optional<Failure> run(SqlConnection& connection, Pass& pass);

  // The connection is another one: everything is due, as the server may be another.
  void start_over();

 private:
  struct Item;
  static double steady_seconds();
  std::optional<Failure> ask_what_is_due(SqlConnection& connection, Pass& pass);
  std::optional<Failure> ask(Item& item, SqlConnection& connection, Pass& pass);

  Catalog& catalog_;
  const Labels labels_;
  const Labels own_labels_;  // of what is said about the queries: with the engine
  const Duration timeout_;
  const Stopwatch stopwatch_;
  std::vector<std::unique_ptr<Item>> items_;
  Time slow_until_;       // that it is slow is told for a while, so that one near the limit does not fill the log
  std::size_t turn_ = 0;  // the query that is asked first, if it is due
  Rows rows_;
};

}  // namespace sidewatch::database
