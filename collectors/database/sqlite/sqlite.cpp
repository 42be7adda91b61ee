#include "collectors/database/sqlite/sqlite.h"

#include <deque>
#include <utility>

#include "collectors/database/query_set.h"
#include "collectors/database/sqlite/desk.h"
#include "collectors/database/sqlite/measures.h"
#include "collectors/database/sqlite/tracker.h"
#include "collectors/database/sqlite/trouble.h"

namespace sidewatch::database::sqlite {
namespace {

constexpr Metric rows_metric{"sidewatch_sqlite_table_rows", MetricType::gauge, "",
                             "Rows of a table. On request (tables)."};

// The newest state, which in WAL mode may not have come into the file yet.
constexpr std::string_view state_sql =
    "SELECT f.freelist_count AS free_pages, f.freelist_count * s.page_size AS free_bytes, "
    "1.0 * f.freelist_count / max(p.page_count, 1) AS free_ratio, v.schema_version, u.user_version "
    "FROM pragma_freelist_count AS f, pragma_page_size AS s, pragma_page_count AS p, pragma_schema_version AS v, "
    "pragma_user_version AS u";

// Free pages and versions move slowly, and a connection costs more than all else in a pass.
constexpr Duration state_every = std::chrono::seconds(10);

std::string in_quotes(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += c;
    text += c;
  }
  return text + '"';
}

class SqliteCollector final : public Collector {
 public:
  SqliteCollector(const SqliteConfig& config, Catalog& catalog)
      : config_(config), labels_(config_.instance.series_labels()), desk_(config_.path.value),
        measures_(catalog, labels_, static_cast<double>(config_.checkpoint_pages)),
        failures_(catalog, "sqlite", labels_), queries_(catalog, "sqlite", labels_, config_.instance.timeout) {
    add_state();
    add_tables(catalog);
    add_queries(queries_, config_.queries);
    if (config_.integrity) integrity_.emplace(catalog, labels_, *config_.integrity);
  }

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    Pass pass{batch, outcome, failures_, now};
    if (const auto failure = desk_.look_again(config_.instance.timeout)) {
      fail(pass, *failure);
    } else {
      write(pass);
      desk_.close();
    }
    failures_.write(batch);
    return outcome;
  }

 private:
  void fail(Pass& pass, const Failure& failure) {
    measures_.write(nullptr, {}, pass.batch);
    if (integrity_) integrity_->pass(nullptr, pass);
    failures_.count(kConnect, failure.kind);
    pass.report(kConnect, failure);
  }

  void write(Pass& pass) {
    const Look& look = desk_.look();
    measures_.write(&look, tracker_.take(look, pass.now), pass.batch);
    // Of a file that was replaced nothing stands that its predecessor answered.
    if (std::exchange(inode_, look.inode) != look.inode) queries_.start_over();
    const bool readable = look.readable == Readable::yes;
    report_trouble(look, pass);
    if (integrity_) integrity_->pass(readable ? &look : nullptr, pass);
    if (!readable) return;
    if (const auto lost = queries_.run(desk_, pass)) pass.report(kConnect, *lost);
  }

  // A lock is held for a moment by everybody who writes: only one that was there in the last pass as well is trouble.
  void report_trouble(const Look& look, Pass& pass) {
    const bool was_locked = std::exchange(was_locked_, look.readable == Readable::locked);
    if (look.readable == Readable::locked && !was_locked) return;
    const auto trouble = trouble_with(look);
    if (!trouble) return;
    failures_.count(kConnect, trouble->kind);
    pass.report(kConnect, *trouble);
  }

  void add_state() {
    Query query;
    query.name = "state";
    query.sql = state_sql;
    query.versions.flavour = "wal";
    query.every = state_every;
    queries_.add(query, {value("free_pages", free_pages_metric), value("free_bytes", free_bytes_metric),
                         value("free_ratio", free_ratio_metric), value("schema_version", schema_version_metric),
                         value("user_version", user_version_metric)});
  }

  void add_tables(Catalog& catalog) {
    for (const auto& table : config_.tables) {
      Query query;
      query.name = texts_.emplace_back("rows of " + table);
      query.sql = texts_.emplace_back("SELECT count(*) AS n FROM " + in_quotes(table));
      query.every = config_.tables_every;
      queries_.add(query, make_column_sink({value("n", rows_metric)}, catalog, labels_.with("table", table)));
    }
  }

  const SqliteConfig config_;
  const Labels labels_;
  std::deque<std::string> texts_;  // that the queries refer to
  Desk desk_;
  Tracker tracker_;
  Measures measures_;
  FailureCounts failures_;
  QuerySet queries_;
  std::optional<IntegrityCheck> integrity_;
  bool was_locked_ = false;
  ino_t inode_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_collector(const SqliteConfig& config, Catalog& catalog) {
  return std::make_unique<SqliteCollector>(config, catalog);
}

}  // namespace sidewatch::database::sqlite

namespace sidewatch {

std::vector<MetricGroup> sqlite_metric_groups() {
  using namespace database::sqlite;
  auto measured = measured_metrics();
  measured.push_back(rows_metric);
  return {{"sqlite", "Each SQLite database of `collectors.sqlite`, by the label instance.", std::move(measured)},
          {"sqlite: integrity", "Of a database with the key integrity.", integrity_metrics()}};
}

}  // namespace sidewatch
