// One rule at work: its query and the alerts of all its entities.
//
// An entity is remembered only while there is something to remember: it is pending, it fires, its cooldown runs, or the
// rule wants to know when its data goes missing. There may be max_alerts of them; those that are well and only
// remembered make room for a problem, the longest silent first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "alerting/alert.h"
#include "alerting/announce.h"
#include "alerting/course.h"
#include "alerting/presence.h"
#include "alerting/routes/route.h"
#include "alerting/rule.h"
#include "alerting/rule_view.h"
#include "alerting/sample_times.h"
#include "alerting/tick.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

// What one tick of one group works with.
struct TickInput {
  Store& store;
  Moment moment;
  Time at;  // when expressions are evaluated: now, or the group's query_offset before
  const Router& router;
  const promql::Options& query;
  const TemplateScope& scope;
  std::size_t limit = 0;  // the group's
};

class RuleRunner {
 public:
  RuleRunner(Rule rule, std::size_t max_alerts);

  const Rule& rule() const { return rule_; }

  void tick(const TickInput& input, TickResult& result);
  std::optional<Time> next_due() const { return due_; }

  void skip(Duration unseen);  // see Engine

  // See Engine.
  bool renew(Notification& message, const Store& store, Time now, const promql::Options& options);
  void unheard(const Notification& end);

  // Takes over an alert of this rule, from a saved row (`stored`) or from the runner before a reload. One that came
  // about under another meaning of the rule is judged anew.
  void adopt(Alert alert, bool stored);
  struct Held {
    Alert alert;
    bool stored;  // a row of it has been written
  };
  std::vector<Held> release();  // all alerts, leaving none

  void view(Duration wall_step, std::vector<AlertView>& out) const;
  RuleStatus status() const;
  RuleView view(Duration wall_step) const;
  void took(double seconds) { evaluation_seconds_ = seconds; }  // the last tick
  void save(std::vector<StateRow>& out) const;

 private:
  struct Entry {
    Alert alert;
    std::uint64_t seen = 0;     // number of the last tick that had a value of it
    std::uint64_t present = 0;  // number of the last tick whose result named it, be it with NaN
    bool stored = false;
    bool changed = false;  // since its row was written
    bool over = false;     // to be forgotten whatever its state
    std::optional<AlertTexts> texts;  // while it is pending or fires: as of its last value
  };

  Result<promql::Vector> evaluate(const TickInput& input);
  Result<void> take_all(const TickInput& input, TickResult& result);
  Result<void> take_presences(promql::Vector samples, const TickInput& input, TickResult& result);
  Result<void> check_limit(std::size_t alerts, const TickInput& input) const;
  void take(const promql::VectorSample& sample, const TickInput& input, TickResult& result);
  void take(const Presence& presence, const TickInput& input, TickResult& result);
  Entry* entry_for(const Labels& entity, bool problem, TickResult& result);
  Entry* entry_of(const Notification& message);
  bool make_room(TickResult& result);
  void go_on(Entry& entry, const Step& step, Reason resolved_as, const TickInput& input, TickResult& result);
  void without_data(Entry& entry, const TickInput& input, TickResult& result);
  void without_presence(Entry& entry, const TickInput& input, TickResult& result);
  void tell(Entry& entry, const Decision& decision, const AlertTexts& texts, const TickInput& input, TickResult& result);
  void refresh_texts(Entry& entry, const AlertState& before, const TickInput& input);
  void fill(AlertView& view, const Entry& entry, Duration wall_step) const;
  void write_or_forget(Time now, TickResult& result);
  void note_due(const Entry& entry);
  bool wants_missing_data() const;

  Rule rule_;
  std::string fingerprint_;
  promql::PreparedQuery query_;
  Course course_;
  std::optional<SampleTimes> sample_times_;  // only for rules that count samples
  std::size_t max_alerts_;
  std::unordered_map<Labels, Entry, LabelsHash> entries_;
  std::optional<std::vector<Labels>> forgettable_;  // of this tick, the longest silent last; absent: not looked for yet
  std::uint64_t tick_ = 0;
  bool has_data_ = false;  // the last evaluation gave a value of something
  bool blind_ = false;     // in Prometheus's form: nothing that it selects has samples, and `no_data` is to say
  bool asks_ = false;      // its texts hold queries
  std::optional<Time> evaluated_at_;
  double evaluation_seconds_ = 0;
  std::shared_ptr<const RuleDescription> description_;
  std::optional<Time> due_;
  std::string last_error_;
  std::uint64_t failures_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace sidewatch
