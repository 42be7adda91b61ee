#include "agent/judge.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// How often the last sign of life is saved while a delay runs: what a crash can cost a delay at most.
constexpr Duration sign_of_life_interval = 1s;
// How often the view of all rules is made at most: with thousands of rules it costs more than judging them.
constexpr Duration groups_interval = 1s;

}  // namespace

Judge::Judge(Engine engine, Dispatcher& dispatcher, Catalog& catalog, Store& store,
             std::function<BootPosition()> boot_position)
    : engine_(std::move(engine)),
      dispatcher_(dispatcher),
      catalog_(catalog),
      store_(store),
      boot_position_(std::move(boot_position)),
      source_(store.add_source("sidewatch_alerts")) {}

JudgeReport Judge::judge(Time now, Duration wall_step) {
  TickResult tick = engine_.tick(store_, now, wall_step, router_);
  JudgeReport report{std::move(tick.events), {}, tick.rules_failed, tick.alerts_refused};

  const auto committed = dispatcher_.enqueue(std::move(tick.notifications),
                                             transaction(std::move(tick.rows), now, wall_step), now);
  if (!committed && !commit_failed_) report.problems.push_back(committed.error().text());
  commit_failed_ = !committed;
  for (const Notification& end : dispatcher_.take_unheard()) engine_.unheard(end);

  auto statuses = engine_.rules();
  for (const auto& status : statuses) {
    if (!status.last_error.empty() && !known(status)) {
      report.problems.push_back("rule " + status.name + ": " + status.last_error);
    }
  }
  rule_statuses_ = std::move(statuses);
  show(now, wall_step);
  return report;
}

void Judge::replace_rules(std::vector<RuleGroup> groups) {
  engine_.replace_rules(std::move(groups));
  groups_shown_at_.reset();
}

bool Judge::known(const RuleStatus& failing) const {
  return std::any_of(rule_statuses_.begin(), rule_statuses_.end(), [&](const RuleStatus& before) {
    return before.id == failing.id && before.last_error == failing.last_error;
  });
}

void Judge::renew(Notification& message, Time now, Duration wall_step) {
  renew_times(message, to_wall(now, wall_step));
  static_cast<void>(engine_.renew(message, store_, now));  // otherwise the rest stays as it was
}

bool Judge::due(Time now) const {
  const auto next = engine_.next_due();
  return next && *next <= now;
}

std::optional<Time> Judge::next_due() const { return engine_.next_due(); }

Result<void> Judge::save(Time now, Duration wall_step) {
  Transaction last;
  last.states = engine_.state();
  last.saved = saved_now(now, wall_step);
  last.at = to_wall(now, wall_step);
  const auto done = dispatcher_.enqueue({}, std::move(last), now);
  if (done) return done;
  return dispatcher_.enqueue({}, {}, now);  // the outbox tries a disk that was full only now and then: here it must
}

Transaction Judge::transaction(std::vector<StateRow> rows, Time now, Duration wall_step) {
  Transaction with;
  with.at = to_wall(now, wall_step);
  const bool delay_runs = engine_.next_due().has_value();
  const bool sign_due = !saved_at_ || now - *saved_at_ >= sign_of_life_interval;
  if (!rows.empty() || (delay_runs && sign_due)) {
    with.saved = saved_now(now, wall_step);
    saved_at_ = now;
  }
  with.states = std::move(rows);
  return with;
}

void Judge::show(Time now, Duration wall_step) {
  if (!groups_shown_at_ || now - *groups_shown_at_ >= groups_interval) {
    groups_.publish(engine_.groups(wall_step));
    groups_shown_at_ = now;
  }
  auto views = engine_.alerts(wall_step);
  const bool nothing_to_show = views.empty() && alert_series_.empty();
  if (nothing_to_show && alerts_.read()->empty()) return;
  alerts_.publish(std::move(views));

  batch_.clear();
  std::map<Labels, SeriesHandle> still;
  for (const auto& labels : engine_.alert_series()) {
    auto known = alert_series_.extract(labels);
    auto& handle = known ? still.insert(std::move(known)).position->second
                         : still.emplace(labels, catalog_.series(alerts_metric, labels)).first->second;
    batch_.add(handle, 1);
  }
  alert_series_ = std::move(still);
  store_.append(source_, now, batch_);
}

}  // namespace sidewatch
