#include "agent/collector_set.h"

#include <algorithm>
#include <utility>

#include "agent/pass_grid.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Metric duration_metric{"sidewatch_collector_duration_seconds", MetricType::gauge, "seconds",
                                 "How long the collector's last pass took."};
constexpr Metric success_metric{"sidewatch_collector_success", MetricType::gauge, "",
                                "Whether the collector's last pass succeeded; 0 also while it is overdue."};
constexpr Metric passes_metric{"sidewatch_collector_passes_total", MetricType::counter, "",
                               "Passes of the collector, successful or not."};
constexpr Metric partial_errors_metric{"sidewatch_collector_partial_errors_total", MetricType::counter, "",
                                       "Fields that a pass could not read, such as for want of a permission."};
constexpr Metric overruns_metric{"sidewatch_collector_overruns_total", MetricType::counter, "",
                                 "Times the collector was due while its last pass was still running."};

constexpr Metric run_metrics[] = {
    duration_metric, success_metric, passes_metric, partial_errors_metric, overruns_metric,
};

// How long a reload waits for all the threads together that it ends. Those that are busy are left to end by themselves.
constexpr Duration reload_patience = 100ms;

// Series of a collector go stale when its last samples are older than this: two missed passes, but never less than what
// a busy machine needs.
Duration freshness_limit(Duration interval) { return std::max<Duration>(interval * 5 / 2, 1s); }

}  // namespace

std::span<const Metric> collector_run_metrics() { return run_metrics; }

struct CollectorSet::Entry {
  CollectorPlan plan;
  Duration interval;
  std::unique_ptr<CollectorRunner> runner;
  SourceId source{};
  SourceId run_source{};
  SeriesHandle duration, success, passes, partial_errors, overruns;
  Batch run_batch;

  Time due;
  Time then;                // due after that; from then on once an interval
  Time last_good;           // time of the last samples taken in; at first, when it was configured
  bool fresh = false;       // its series are not stale
  bool first_pass = false;  // has ended
  bool overdue = false;
  std::optional<Time> last_pass;  // when the last one ended, well or not
  double seconds = 0;
  bool succeeded = false;
  double passes_total = 0;
  double partial_errors_total = 0;
  double overruns_total = 0;
  std::string last_trouble;  // of the last pass: a failure or a partial error; empty when there was none

  bool was_good() const { return !overdue && (succeeded || !first_pass); }
  void ended(bool well) {
    first_pass = true;
    overdue = false;
    passes_total += 1;
    succeeded = well;
  }
};

CollectorSet::CollectorSet(CollectorContext context, Store& store, std::shared_ptr<LoopMailbox> loop,
                           std::string state_dir)
    : context_(std::move(context)), store_(store), loop_(std::move(loop)), state_dir_(std::move(state_dir)) {}

CollectorSet::~CollectorSet() = default;

void CollectorSet::configure(const std::vector<CollectorPlan>& plans, Duration interval, Time now) {
  std::vector<std::unique_ptr<Entry>> kept;
  for (const auto& plan : plans) {
    const Duration its_interval = plan.interval.value_or(interval);
    const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
      // What is pushed stays with its target: another interval is no reason to lose it.
      return entry && entry->plan.name == plan.name && entry->plan.fingerprint == plan.fingerprint &&
             (entry->interval == its_interval || entry->plan.receives);
    });
    if (same != entries_.end()) {
      if ((*same)->interval != its_interval) {
        (*same)->interval = its_interval;
        (*same)->due = now;
        (*same)->then = now + its_interval;
      }
      kept.push_back(std::move(*same));
      continue;
    }
    auto entry = std::make_unique<Entry>();
    entry->plan = plan;
    entry->interval = its_interval;
    const auto passes = first_passes(plan.name, its_interval, now);
    entry->due = passes.first;
    entry->then = passes.second;
    entry->last_good = now;
    const Labels labels{{"collector", plan.name}};
    entry->duration = context_.catalog.series(duration_metric, labels);
    entry->success = context_.catalog.series(success_metric, labels);
    entry->passes = context_.catalog.series(passes_metric, labels);
    entry->partial_errors = context_.catalog.series(partial_errors_metric, labels);
    entry->overruns = context_.catalog.series(overruns_metric, labels);
    kept.push_back(std::move(entry));
  }
  for (auto& gone : entries_) {
    if (gone) gone->runner->request_stop();
  }
  const auto patience_ends = std::chrono::steady_clock::now() + reload_patience;
  for (auto& gone : entries_) {
    if (!gone) continue;
    store_.remove_source(gone->source, now);
    store_.remove_source(gone->run_source, now);
    const auto left = std::chrono::duration_cast<Duration>(patience_ends - std::chrono::steady_clock::now());
    if (!gone->runner->join(std::max(left, Duration(0)))) left_behind_ = true;
  }
  entries_ = std::move(kept);
  for (auto& entry : entries_) {
    if (entry->runner) continue;
    if (entry->plan.receives) entry->plan.receives->keep_in(state_dir_);
    entry->source = store_.add_source(entry->plan.name);
    entry->run_source = store_.add_source("sidewatch_collector:" + entry->plan.name);
    CollectorContext context = context_;
    context.interval = entry->interval;
    entry->runner = std::make_unique<CollectorRunner>(next_id_++, entry->plan, context, loop_);
  }
  PushTargets targets;
  for (const auto& entry : entries_) {
    if (entry->plan.receives) targets.emplace(entry->plan.name, entry->plan.receives);
  }
  push_targets_.publish(std::move(targets));
}

bool CollectorSet::start_due(Time now, std::vector<CollectorNews>& news) {
  bool any_started = false;
  for (auto& entry : entries_) {
    if (now < entry->due) continue;
    // A pause of the whole machine makes one pass due, not one for each interval that went by.
    const auto missed = now < entry->then ? 0 : (now - entry->then) / entry->interval + 1;
    entry->due = entry->then + missed * entry->interval;
    entry->then = entry->due + entry->interval;
    if (entry->runner->start(now)) {
      any_started = true;
      continue;
    }
    if (const auto& trouble = entry->runner->trouble(); !trouble.empty()) {
      fail(*entry, now, trouble, news);
      write_run_series(*entry, now);
      continue;
    }
    entry->overruns_total += 1;
    if (now - entry->last_good >= freshness_limit(entry->interval) && (entry->fresh || !entry->overdue)) {
      entry->fresh = false;
      entry->overdue = true;
      entry->succeeded = false;
      store_.mark_stale(entry->source, now);
      news.push_back({CollectorNews::Kind::overdue, entry->plan.name,
                      "no samples for " + to_words(now - entry->last_good) + ", a pass is still running"});
    }
    write_run_series(*entry, now);
  }
  return any_started;
}

bool CollectorSet::take(PassDone& done, Time now, std::vector<CollectorNews>& news) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry->runner->id() == done.runner; });
  if (found == entries_.end()) return false;
  Entry& entry = **found;
  // While it was overdue its series were made stale: its samples bear the time of its end, or they would be older than
  // that and refused.
  const Time at = entry.overdue ? now : done.at;
  entry.seconds = done.seconds;
  entry.last_pass = now;
  if (done.outcome) {
    const bool was_good = entry.was_good();
    entry.ended(true);
    entry.fresh = true;
    entry.last_good = at;
    entry.partial_errors_total += static_cast<double>(done.outcome->partial_errors);
    store_.append(entry.source, at, done.batch);
    const std::string& trouble = done.outcome->first_partial_error;
    if (!was_good) {
      news.push_back({CollectorNews::Kind::recovered, entry.plan.name, ""});
    } else if (trouble.empty() && !entry.last_trouble.empty()) {
      news.push_back({CollectorNews::Kind::whole, entry.plan.name, ""});
    }
    if (!trouble.empty() && trouble != entry.last_trouble) {
      news.push_back({CollectorNews::Kind::partial, entry.plan.name, trouble});
    }
    entry.last_trouble = trouble;
    for (auto& [is_trouble, text] : done.outcome->news) {
      const auto kind = is_trouble ? CollectorNews::Kind::trouble : CollectorNews::Kind::relief;
      news.push_back({kind, entry.plan.name, std::move(text)});
    }
  } else {
    fail(entry, at, done.outcome.error().text(), news);
  }
  write_run_series(entry, now);
  entry.runner->recycle(std::move(done.batch));
  return true;
}

void CollectorSet::fail(Entry& entry, Time at, const std::string& trouble, std::vector<CollectorNews>& news) {
  const bool was_good = entry.was_good();
  entry.ended(false);
  entry.fresh = false;
  store_.mark_stale(entry.source, at);
  if (was_good || trouble != entry.last_trouble) {
    news.push_back({CollectorNews::Kind::failed, entry.plan.name, trouble});
  }
  entry.last_trouble = trouble;
}

void CollectorSet::write_run_series(Entry& entry, Time now) {
  entry.run_batch.clear();
  entry.run_batch.add(entry.duration, entry.seconds);
  // A first pass that takes longer than an interval has not failed: until it ends, or is overdue, nothing is known.
  if (entry.first_pass || entry.overdue) entry.run_batch.add(entry.success, entry.succeeded ? 1 : 0);
  entry.run_batch.add(entry.passes, entry.passes_total);
  entry.run_batch.add(entry.partial_errors, entry.partial_errors_total);
  entry.run_batch.add(entry.overruns, entry.overruns_total);
  store_.append(entry.run_source, now, entry.run_batch);
}

void CollectorSet::publish() {
  std::vector<CollectorView> views;
  for (const auto& entry : entries_) {
    CollectorView view{entry->plan.name, entry->plan.watches, entry->interval, entry->last_pass, entry->seconds,
                       entry->succeeded && !entry->overdue, entry->last_trouble};
    if (entry->overdue) view.trouble = "the pass takes too long and is still running";
    views.push_back(std::move(view));
  }
  views_.publish(std::move(views));
}

bool CollectorSet::warmed_up() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry->first_pass; });
}

std::optional<Time> CollectorSet::next_due() const {
  std::optional<Time> next;
  for (const auto& entry : entries_) {
    if (!next || entry->due < *next) next = entry->due;
  }
  return next;
}

void CollectorSet::request_stop() {
  for (auto& entry : entries_) entry->runner->request_stop();
}

bool CollectorSet::join(Duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (auto& entry : entries_) {
    const auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    if (!entry->runner->join(std::max(left, Duration(0)))) left_behind_ = true;
  }
  return !left_behind_;
}

}  // namespace sidewatch
