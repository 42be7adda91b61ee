// The rules that come with the agent: what it says about itself without being asked.

#include <string>
#include <string_view>
#include <utility>

#include "alerting/rule.h"

namespace sidewatch {
namespace {

// Two failed passes of the last three: one that fails alone (a database restarting) is not worth a message.
constexpr Hold two_of_three{Duration(0), 2, 3};

// In order of name.
void annotate(Rule& rule, const std::string& name, std::string_view text) {
  rule.annotations.emplace_back(name, Template::parse(text).value());
}

Rule collector_failing() {
  Rule rule;
  rule.name = "CollectorFailing";
  rule.mark.file = "built in";
  rule.expr = promql::Expression::parse("sidewatch_collector_success").value();
  rule.policy.warning = LevelPolicy{{Comparison::equal, 0, {}}, two_of_three};
  rule.policy.no_data = NoData::ok;  // a collector that a reload took away
  rule.policy.no_data_after = std::chrono::minutes(1);
  annotate(rule, "description", "Its metrics are missing, and rules about them see no data. The agent's log says why "
                                "it fails.");
  annotate(rule, "summary", "Collector {{ $labels.collector }} is failing");
  return rule;
}

Rule history_not_on_disk() {
  Rule rule;
  rule.name = "HistoryNotOnDisk";
  rule.mark.file = "built in";
  rule.expr = promql::Expression::parse("sidewatch_history_on_disk").value();
  rule.policy.warning = LevelPolicy{{Comparison::equal, 0, {}}, Hold{std::chrono::minutes(1)}};
  rule.policy.no_data = NoData::ok;  // it is not to be on disk
  annotate(rule, "description", "The disk refuses them, so a restart would lose what it has not got. The agent's log says "
                                "why; writing goes on by itself as soon as the disk allows it.");
  annotate(rule, "summary", "Samples are kept in memory only");
  return rule;
}

Rule series_left_out() {
  Rule rule;
  rule.name = "SeriesLeftOut";
  rule.mark.file = "built in";
  rule.expr = promql::Expression::parse("increase(sidewatch_series_overflowed_total[10m])").value();
  rule.policy.warning = LevelPolicy{{Comparison::greater, 0, {}}, {}};
  rule.policy.no_data = NoData::ok;
  rule.cooldown = std::chrono::hours(1);
  annotate(rule, "description", "A metric has more label sets than there is room for, so further ones share one series with "
                                "the label overflow, and rules about them see nothing. The agent's log says which metric, "
                                "label and limit; sidewatch top-series shows them. Mostly a label holds what has no end: a "
                                "user, a request, an address.");
  annotate(rule, "summary", "Series are left out for want of room");
  return rule;
}

}  // namespace

std::vector<Rule> builtin_rules() {
  std::vector<Rule> rules;
  rules.push_back(collector_failing());
  rules.push_back(history_not_on_disk());
  rules.push_back(series_left_out());
  return rules;
}

}  // namespace sidewatch
