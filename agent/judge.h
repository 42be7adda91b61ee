// From samples to messages: evaluates the rules, commits what came of it, and shows it.
//
// Used by the loop alone. One judge() is one tick of the engine and one transaction: the changed alert states and the
// messages that they caused are on disk together, or not at all, before anything is handed out or shown. While a delay
// runs (`for`, `keep_firing_for`) the time of the last sign of life is saved about once a second, so that a restarted
// agent knows how far it had got.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/published.h"
#include "alerting/dispatcher.h"
#include "alerting/engine.h"
#include "alerting/outbox.h"
#include "alerting/routes/route.h"
#include "base/time.h"
#include "metrics/store.h"

namespace sidewatch {

// What a tick did, for the log and the agent's own metrics.
struct JudgeReport {
  std::vector<AlertEvent> events;
  std::vector<std::string> problems;  // a rule that fails now and did not before; a commit that failed
  std::size_t rules_failed = 0;
  std::size_t alerts_refused = 0;
};

class Judge {
 public:
  // `boot_position` says where this boot of the machine stands, as it is saved beside the time.
  Judge(Engine engine, Dispatcher& dispatcher, Catalog& catalog, Store& store,
        std::function<BootPosition()> boot_position = read_boot_position);

  void set_router(Router router) { router_ = std::move(router); }
  void replace_rules(std::vector<RuleGroup> groups);

  JudgeReport judge(Time now, Duration wall_step);

  // What the dispatcher asks for when a hold ends.
  void renew(Notification& message, Time now, Duration wall_step);

  // Nobody looked for so long: delays stand still meanwhile.
  void skip(Duration unseen) { engine_.skip(unseen); }

  // Whether judge() has something to do although no sample arrived.
  bool due(Time now) const;
  std::optional<Time> next_due() const;

  // Commits every alert's state and the time, at the end of the process.
  Result<void> save(Time now, Duration wall_step);

  const std::vector<RuleStatus>& rules() const { return rule_statuses_; }
  const Published<std::vector<AlertView>>& alerts() const { return alerts_; }

  // The same by the thread of the loop, and also before the first judge(): what the last process left fires on.
  std::vector<AlertView> alerts_now(Duration wall_step) const { return engine_.alerts(wall_step); }

  // All groups with their rules and alerts, at most a second old.
  const Published<std::vector<RuleGroupView>>& groups() const { return groups_; }

 private:
  Transaction transaction(std::vector<StateRow> rows, Time now, Duration wall_step);
  SavedAt saved_now(Time now, Duration wall_step) const { return {now, wall_step, boot_position_()}; }
  bool known(const RuleStatus& failing) const;  // it failed for this reason in the tick before, too
  void show(Time now, Duration wall_step);

  Engine engine_;
  Dispatcher& dispatcher_;
  Catalog& catalog_;
  Store& store_;
  std::function<BootPosition()> boot_position_;
  Router router_;

  std::optional<Time> saved_at_;
  bool commit_failed_ = false;
  std::vector<RuleStatus> rule_statuses_;
  SourceId source_;
  std::map<Labels, SeriesHandle> alert_series_;
  Batch batch_;
  Published<std::vector<AlertView>> alerts_;
  std::optional<Time> groups_shown_at_;
  Published<std::vector<RuleGroupView>> groups_;
};

}  // namespace sidewatch
