#include "collectors/database/query_set.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;

constexpr Duration pause_after_failure = 1min;
constexpr Duration longest_pause = 10min;
// A pass is never exactly on time: what is due within this time is due now.
constexpr Duration early = 250ms;
// A query that ended so many connections in a row is what ends them. (The first time it may be the server.)
constexpr int guilty = 2;

}  // namespace

struct QuerySet::Item {
  Query query;
  std::unique_ptr<RowSink> sink;
  SeriesHandle duration;
  Batch answer;                    // of the last time it was asked; cleared where there was none
  double seconds = -1;             // negative: never asked
  std::optional<Time> next;        // when it is due; nothing: now
  std::optional<Failure> trouble;  // stands until it is asked again
  Duration pause{0};               // the last one after a timeout
  int ended_connections = 0;       // in a row

  bool is_due(Time now) const { return !next || now + early >= *next; }

  void failed(Time now, Failure failure) {
    answer.clear();
    const bool slow = failure.kind == FailureKind::timeout;
    pause = slow ? std::clamp(2 * pause, pause_after_failure, longest_pause) : Duration(0);
    next = now + std::max({query.every, pause_after_failure, pause});
    trouble = std::move(failure);
  }
};

QuerySet::QuerySet(Catalog& catalog, std::string_view engine, const Labels& labels, Duration timeout)
    : catalog_(catalog), labels_(labels), own_labels_(labels.with("engine", engine)), timeout_(timeout) {}

QuerySet::~QuerySet() = default;

void QuerySet::add(const Query& query, std::unique_ptr<RowSink> sink) {
  auto item = std::make_unique<Item>();
  item->query = query;
  item->sink = std::move(sink);
  items_.push_back(std::move(item));
}

void QuerySet::add(const Query& query, std::vector<Column> columns) {
  add(query, make_column_sink(std::move(columns), catalog_, labels_));
}

void QuerySet::start_over() {
  for (auto& item : items_) {
    item->answer.clear();
    if (item->ended_connections >= guilty) continue;
    item->next.reset();
    item->trouble.reset();
    item->pause = Duration(0);
  }
}

std::optional<Failure> QuerySet::run(SqlConnection& connection, Pass& pass) {
  for (auto& item : items_) {
    if (!item->query.versions.contain(connection.version())) continue;
    if (item->is_due(pass.now)) {
      if (auto lost = ask(*item, connection, pass)) return lost;
    }
    if (item->trouble) pass.report(item->query.name, *item->trouble);
    pass.batch.add(item->answer);
    if (item->seconds >= 0) pass.batch.add(item->duration, item->seconds);
  }
  return std::nullopt;
}

std::optional<Failure> QuerySet::ask(Item& item, SqlConnection& connection, Pass& pass) {
  QueryLimits limits;
  limits.timeout = item.query.timeout > Duration(0) ? item.query.timeout : timeout_;
  limits.max_rows = item.query.max_rows;
  item.trouble.reset();
  item.answer.clear();
  const auto begin = std::chrono::steady_clock::now();
  auto failure = connection.query(item.query.sql, limits, rows_);
  item.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!item.duration) {
    item.duration = catalog_.series(query_duration_metric, own_labels_.with("query", item.query.name));
  }
  if (failure && failure->kind == FailureKind::missing && !item.query.must_exist) {
    item.next = pass.now + std::max(item.query.every, longest_pause);
    return std::nullopt;
  }
  if (failure) pass.failures.count(item.query.name, failure->kind);
  if (failure && failure->connection_lost) {
    if (++item.ended_connections >= guilty) item.failed(pass.now, *failure);
    return failure;
  }
  const bool cut = failure && failure->kind == FailureKind::too_large;
  if (failure && !cut) {
    item.ended_connections = 0;
    item.failed(pass.now, std::move(*failure));
    return std::nullopt;
  }
  item.pause = Duration(0);
  item.ended_connections = 0;
  item.next.reset();
  if (item.query.every > Duration(0)) item.next = pass.now + item.query.every;
  auto unused = item.sink->take(rows_, item.answer);
  if (unused) pass.failures.count(item.query.name, unused->kind);
  item.trouble = cut ? std::move(failure) : std::move(unused);
  return std::nullopt;
}

}  // namespace sidewatch::database
