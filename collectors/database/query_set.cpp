#include "collectors/database/query_set.h"

#include <algorithm>
#include <chrono>
#include <string>
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
// How long the answer to a query that is put off stands beyond its time.
constexpr Duration longest_put_off = 1min;

const Failure too_slow{FailureKind::timeout,
                       "the server is so slow that not everything can be asked in each pass: what is told is up to a "
                       "minute old",
                       false};

}  // namespace

struct QuerySet::Item {
  Query query;
  std::unique_ptr<RowSink> sink;
  SeriesHandle duration;
  Batch answer;                    // of the last time it was asked; cleared where there was none
  double seconds = -1;             // negative: never asked
  Time asked;                      // the last time
  bool put_off = false;            // it was due in the last pass, which had no time for it
  std::optional<Time> next;        // when it is due; nothing: now
  std::optional<Failure> trouble;  // stands until it is asked again
  Duration pause{0};               // the last one after a timeout
  int ended_connections = 0;       // in a row

  bool is_for(const ServerVersion& server) const {
    return query.versions.contain(server) && !(query.unless != nullptr && *query.unless);
  }
  bool is_due(Time now) const { return !next || now + early >= *next; }

  void failed(Time now, Failure failure) {
    answer.clear();
    const bool slow = failure.kind == FailureKind::timeout;
    pause = slow ? std::clamp(2 * pause, pause_after_failure, longest_pause) : Duration(0);
    next = now + std::max({query.every, pause_after_failure, pause});
    trouble = std::move(failure);
  }
};

QuerySet::QuerySet(Catalog& catalog, std::string_view engine, const Labels& labels, Duration timeout,
                   Stopwatch stopwatch)
    : catalog_(catalog),
      labels_(labels),
      own_labels_(labels.with("engine", engine)),
      timeout_(timeout),
      stopwatch_(std::move(stopwatch)) {}

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

double QuerySet::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::optional<Failure> QuerySet::run(SqlConnection& connection, Pass& pass) {
  if (auto lost = ask_what_is_due(connection, pass)) return lost;
  bool anything_put_off = false;
  for (auto& item : items_) {
    if (!item->is_for(connection.version())) continue;
    anything_put_off = anything_put_off || item->put_off;
    if (item->put_off && pass.now - item->asked > item->query.every + longest_put_off) item->answer.clear();
    if (item->trouble) pass.report(item->query.name, *item->trouble);
    pass.batch.add(item->answer);
    if (item->seconds >= 0) pass.batch.add(item->duration, item->seconds);
  }
  if (anything_put_off) slow_until_ = pass.now + longest_put_off;
  if (pass.now < slow_until_) pass.report("", too_slow);
  return std::nullopt;
}

std::optional<Failure> QuerySet::ask_what_is_due(SqlConnection& connection, Pass& pass) {
  const double begin = stopwatch_();
  const std::size_t first = turn_;
  bool time_is_up = false;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const std::size_t number = (first + i) % items_.size();
    Item& item = *items_[number];
    item.put_off = false;
    if (!item.is_for(connection.version()) || !item.is_due(pass.now)) continue;
    if (time_is_up) {
      item.put_off = true;
      continue;
    }
    if (auto lost = ask(item, connection, pass)) return lost;
    time_is_up = stopwatch_() - begin > to_seconds(timeout_);
    if (time_is_up) turn_ = (number + 1) % items_.size();
  }
  return std::nullopt;
}

std::optional<Failure> QuerySet::ask(Item& item, SqlConnection& connection, Pass& pass) {
  QueryLimits limits;
  limits.timeout = item.query.timeout > Duration(0) ? item.query.timeout : timeout_;
  limits.max_rows = item.query.max_rows;
  item.trouble.reset();
  item.answer.clear();
  item.asked = pass.now;
  const double begin = stopwatch_();
  auto failure = connection.query(item.query.sql, limits, rows_);
  item.seconds = stopwatch_() - begin;
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
    failure->text = "query '" + std::string(item.query.name) + "': " + failure->text;
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
