// What groups and rules look like from outside: as /api/v1/rules shows them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/rule_group.h"
#include "alerting/tick.h"
#include "base/time.h"
#include "metrics/labels.h"

namespace sidewatch {

enum class RuleHealth { unknown, ok, err };                 // unknown: not evaluated yet
enum class RuleState { inactive, pending, firing };
std::string_view to_string(RuleHealth health);              // "unknown", "ok", "err"
std::string_view to_string(RuleState state);                // "inactive", "pending", "firing"

// What never changes about a rule while it is in force. Shared by all views of it.
struct RuleDescription {
  enum class Kind { alerting, recording };
  Kind kind = Kind::alerting;
  std::string name;
  std::string id;
  std::string query;
  Labels labels;       // as written: templates are not rendered
  Labels annotations;  // likewise; alerting
  Duration duration{0};         // `for` of its lowest level, 0 where samples are counted; alerting
  Duration keep_firing_for{0};  // alerting
  std::string warning;          // "> 80"; empty: the level does not exist, or the rule is in Prometheus's form
  std::string critical;
};

struct RuleView {
  std::shared_ptr<const RuleDescription> rule;
  RuleHealth health = RuleHealth::unknown;
  std::string last_error;                    // of the last evaluation; empty: it went well
  std::optional<WallTime> last_evaluation;
  double evaluation_seconds = 0;             // what the last evaluation took
  RuleState state = RuleState::inactive;     // of its worst alert; alerting
  std::vector<AlertView> alerts;             // pending and firing; alerting
};

struct RuleGroupView {
  std::string name;
  std::string file;
  Duration interval{0};  // 0: whenever samples arrive
  std::size_t limit = 0;
  std::optional<WallTime> last_evaluation;
  double evaluation_seconds = 0;  // of all its rules
  std::vector<RuleView> rules;
};

std::shared_ptr<const RuleDescription> describe(const Rule& rule);
std::shared_ptr<const RuleDescription> describe(const RecordingRule& rule);

}  // namespace sidewatch
