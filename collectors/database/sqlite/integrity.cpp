#include "collectors/database/sqlite/integrity.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "base/sqlite.h"
#include "collectors/database/sqlite/desk.h"
#include "collectors/database/sqlite/trouble.h"

namespace sidewatch::database::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view query_name = "integrity";
// One that could not be finished is tried again after this time, or after `every` if that is shorter.
constexpr Duration next_attempt = 1h;

constexpr Metric ok_metric{"sidewatch_sqlite_integrity_ok", MetricType::gauge, "",
                           "Whether the last check that was finished found the database sound: 1 or 0. On request."};
constexpr Metric seconds_metric{"sidewatch_sqlite_integrity_check_duration_seconds", MetricType::gauge, "seconds",
                                "How long that check took. On request."};
constexpr Metric timestamp_metric{"sidewatch_sqlite_integrity_check_timestamp_seconds", MetricType::gauge, "seconds",
                                  "When that check ended, in Unix time. On request."};
constexpr Metric finished_metric{"sidewatch_sqlite_integrity_check_finished", MetricType::gauge, "",
                                 "Whether the last check that was begun could be finished: 1 or 0. On request."};

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

struct IntegrityCheck::Check {
  // What it needs.
  std::string path;
  std::shared_ptr<Descriptor> file;           // kept open until the connection is closed, so that its locks stay
  std::shared_ptr<Descriptor> shared_memory;
  bool wal = false;
  Duration budget{0};
  std::atomic<bool> unwanted{false};  // the collector is gone
  // What it found.
  std::optional<Failure> failure;
  std::string damage;  // in SQLite's words; empty when sound
  double seconds = 0;
  double ended_at = 0;

  void run() {
    const auto begin = std::chrono::steady_clock::now();
    failure = check(Patience(begin + budget, wal ? nullptr : file));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    ended_at = unix_now();
  }

  std::optional<Failure> check(Patience patience) {
    SqliteFailure kind = SqliteFailure::none;
    auto reader = SqliteReader::open(path, kind);
    if (!reader) return failure_of(kind, reader.error().what);
    reader->stop_when([&] { return unwanted || patience.is_over(); });
    auto statement = reader->prepare("PRAGMA quick_check(1)");
    if (statement) {
      const auto row = statement->step();
      if (row && *row && statement->bytes(0) != "ok") damage = statement->bytes(0);
      if (row) return std::nullopt;
    }
    kind = reader->failure();
    if (kind == SqliteFailure::interrupted) return patience.gave_way() ? gave_way() : took_too_long(budget);
    if (kind == SqliteFailure::corrupt) {
      damage = "the database disk image is malformed";
      return std::nullopt;
    }
    return failure_of(kind, "the check could not be done");
  }
};

IntegrityCheck::IntegrityCheck(Catalog& catalog, const Labels& labels, const IntegrityConfig& config)
    : config_(config), ok_(catalog.series(ok_metric, labels)), seconds_(catalog.series(seconds_metric, labels)),
      timestamp_(catalog.series(timestamp_metric, labels)), finished_(catalog.series(finished_metric, labels)) {}

IntegrityCheck::~IntegrityCheck() {
  if (running_) running_->unwanted = true;
}

void IntegrityCheck::pass(const Look* look, Pass& pass) {
  if (running_ && !errand_->under_way) take_in(pass);
  if (!running_ && look != nullptr && (!next_ || pass.now >= *next_)) begin(*look, pass);
  if (trouble_) pass.report(query_name, *trouble_);
  if (next_) pass.batch.add(finished_, last_finished_ ? 1 : 0);
  if (!was_ok_) return;
  pass.batch.add(ok_, *was_ok_ ? 1 : 0);
  pass.batch.add(seconds_, took_);
  pass.batch.add(timestamp_, ended_at_);
}

void IntegrityCheck::begin(const Look& look, Pass& pass) {
  running_ = std::make_shared<Check>();
  running_->path = look.path;
  running_->file = look.file;
  running_->shared_memory = look.shared_memory;
  running_->wal = look.header.wal;
  running_->budget = config_.budget;
  errand_ = std::make_shared<Errand>([check = running_] { check->run(); });
  // A small database is checked before anybody has waited for it.
  constexpr Duration at_once = 20ms;
  switch (runner_.send(errand_, at_once)) {
    case ErrandRunner::Outcome::done: take_in(pass); return;
    case ErrandRunner::Outcome::late: return;
    case ErrandRunner::Outcome::no_thread: running_.reset(); return;  // in the next pass, then
  }
}

void IntegrityCheck::take_in(Pass& pass) {
  const auto check = std::exchange(running_, nullptr);
  // Given free here and not on its thread, where closing could take the locks of the pass away.
  check->file.reset();
  check->shared_memory.reset();
  trouble_ = check->failure;
  last_finished_ = !check->failure;
  next_ = pass.now + (check->failure ? std::min(config_.every, next_attempt) : config_.every);
  if (!check->failure) {
    was_ok_ = check->damage.empty();
    took_ = check->seconds;
    ended_at_ = check->ended_at;
    if (!*was_ok_) trouble_ = Failure{FailureKind::malformed, "the database is damaged: " + check->damage, false};
  }
  if (trouble_) pass.failures.count(query_name, trouble_->kind);
}

std::vector<Metric> integrity_metrics() { return {ok_metric, seconds_metric, timestamp_metric, finished_metric}; }

}  // namespace sidewatch::database::sqlite
