#include "collectors/database/mysql/scrapes.h"

#include <chrono>
#include <vector>

#include "collectors/database/mysql/queries.h"

namespace sidewatch::database::mysql {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Metric duration_metric =
    gauge("mysql_exporter_collector_duration_seconds", "Collector time duration.", "seconds");
constexpr Metric success_metric =
    gauge("mysql_exporter_collector_success", "mysqld_exporter: Whether a collector succeeded.");
constexpr Metric scrapes_metric =
    counter("mysql_exporter_scrapes_total", "Total number of times MySQL was scraped for metrics.");
constexpr Metric error_metric =
    gauge("mysql_exporter_last_scrape_error",
          "Whether the last scrape of metrics from MySQL resulted in an error (1 for error, 0 for success).");

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

}  // namespace

Scrapes::Scrapes(Catalog& catalog, const Labels& labels)
    : catalog_(catalog),
      labels_(labels),
      scrapes_total_(catalog.series(scrapes_metric, labels)),
      last_error_(catalog.series(error_metric, labels)) {
  connecting_.name = "connection";
}

void Scrapes::name(std::string_view sql, std::string_view name) {
  notes_[sql].name = std::string("collect.").append(name);
}

void Scrapes::start_over() {
  for (auto& [sql, note] : notes_) note.seconds = -1;
}

std::optional<Failure> Scrapes::connect(
    const std::function<std::optional<Failure>(std::unique_ptr<SqlConnection>&)>& connect,
    std::unique_ptr<SqlConnection>& made) {
  const auto begin = Steady::now();
  auto failure = connect(made);
  take(connecting_, seconds_since(begin), failure);
  return failure;
}

std::optional<Failure> Scrapes::query(std::string_view sql, const QueryLimits& limits, Rows& rows) {
  const auto begin = Steady::now();
  auto failure = connection_->query(sql, limits, rows);
  const auto found = notes_.find(sql);
  if (found != notes_.end()) take(found->second, seconds_since(begin), failure);
  return failure;
}

void Scrapes::take(Note& note, double seconds, const std::optional<Failure>& failure) {
  if (!note.duration) {
    note.duration = catalog_.series(duration_metric, labels_.with("collector", note.name));
    if (&note != &connecting_) note.success = catalog_.series(success_metric, labels_.with("collector", note.name));
  }
  note.seconds = seconds;
  note.succeeded = !failure;
}

void Scrapes::write(Batch& batch, const Outcome& outcome) {
  const auto add = [&](const Note& note) {
    if (note.seconds < 0) return;
    batch.add(note.duration, note.seconds);
    batch.add(note.success, note.succeeded ? 1 : 0);
  };
  add(connecting_);
  if (outcome.up) {
    for (const auto& [sql, note] : notes_) add(note);
  }
  ++scrapes_;
  batch.add(scrapes_total_, static_cast<double>(scrapes_));
  batch.add(last_error_, outcome.trouble ? 1 : 0);
}

std::vector<Metric> scrapes_metrics() { return {duration_metric, success_metric, scrapes_metric, error_metric}; }

}  // namespace sidewatch::database::mysql
