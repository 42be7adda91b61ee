// The evaluation loop and the checks; see unit_test_run.h.
#include "alerting/unit_test/unit_test_run.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string_view>
#include <utility>

#include "alerting/engine.h"
#include "alerting/unit_test/unit_test_difference.h"
#include "config/literals.h"
#include "config/wording.h"
#include "metrics/sample_feed.h"

namespace sidewatch {
namespace {

constexpr Metric for_state_metric{"ALERTS_FOR_STATE", MetricType::gauge, "", "Since when an alert is pending or firing."};
constexpr std::size_t max_lines = 40;  // of one failure
const Router the_receiver(std::vector<std::string>{"test"});

Engine::Limits engine_limits(Duration evaluation_interval) {
  Engine::Limits limits;
  limits.max_alerts_per_rule = 100'000;
  limits.query.default_step = evaluation_interval;
  return limits;
}

// A rule at work. It has an engine of its own, so that its ALERTS are there before the next rule is evaluated.
class RuleUnderTest {
 public:
  RuleUnderTest(const RuleGroup& group, const AnyRule& rule, const UnitTest& test, Duration interval, SampleFeed& feed)
      : group_(group.name), name_(name_of(rule)), engine_(alone(group, rule), engine_limits(interval)), feed_(feed) {
    engine_.set_externals(test.external_labels, test.external_url);
    source_ = feed.store().add_source(group.name + "/" + name_);
  }

  const std::string& group() const { return group_; }
  const std::string& name() const { return name_; }

  std::vector<Notification> evaluate(Time now) {
    TickResult result = engine_.tick(feed_.store(), now, Duration(0), the_receiver);
    alerts_ = engine_.alerts(Duration(0));
    write_alerts(now);
    return std::move(result.notifications);
  }

  std::string error() const { return engine_.rules().front().last_error; }

  void add_firing(std::vector<ExpectedAlert>& out) const {
    for (const AlertView& alert : alerts_) {
      if (alert.firing) out.push_back({alert.labels, alert.annotations});
    }
  }

 private:
  // Every group is evaluated every time, whatever interval it has.
  static std::vector<RuleGroup> alone(const RuleGroup& group, const AnyRule& rule) {
    RuleGroup one = group;
    one.interval = Duration(0);
    one.rules = {rule};
    return {std::move(one)};
  }

  void write_alerts(Time now) {
    Batch batch;
    const auto write = [&](const Metric& metric, const Labels& labels, double value) {
      auto [at, is_new] = handles_.try_emplace(labels.with("__name__", metric.name));
      if (is_new) at->second = feed_.catalog().series(metric, labels);
      batch.add(at->second, value);
    };
    for (const AlertView& alert : alerts_) {
      const Labels labels = alert.labels.with("alertstate", alert.firing ? "firing" : "pending");
      write(alerts_metric, alert.by_presence ? labels : labels.with("level", to_string(alert.level)), 1);
      write(for_state_metric, alert.labels, to_seconds(alert.active_at.time_since_epoch()));
    }
    feed_.store().append(source_, now, batch);
  }

  std::string group_;
  std::string name_;
  Engine engine_;
  SampleFeed& feed_;
  SourceId source_;
  std::vector<AlertView> alerts_;  // after the last evaluation
  std::map<Labels, SeriesHandle> handles_;
};

std::vector<const RuleGroup*> in_order(const std::vector<RuleGroup>& groups, const std::vector<std::string>& order) {
  std::vector<const RuleGroup*> sorted;
  for (const RuleGroup& group : groups) sorted.push_back(&group);
  const auto place = [&](const RuleGroup* group) {
    const auto found = std::find(order.begin(), order.end(), group->name);
    return found == order.end() ? 0 : found - order.begin();
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](auto* a, auto* b) { return place(a) < place(b); });
  return sorted;
}

TimedSeries timed(const InputSeries& input, Time start, Duration interval) {
  TimedSeries series{input.labels, {}};
  for (const auto& value : input.values) {
    if (value) series.points.push_back({start, *value});
    start += interval;
  }
  return series;
}

class Run {
 public:
  Run(const UnitTest& test, const UnitTestFile& file, const std::vector<RuleGroup>& groups)
      : test_(test), file_(file), alert_checks_(test.alert_checks) {
    std::stable_sort(alert_checks_.begin(), alert_checks_.end(),
                     [](const AlertCheck& a, const AlertCheck& b) { return a.eval_time < b.eval_time; });
    const Duration interval = test.interval > Duration(0) ? test.interval : file.evaluation_interval;
    for (const InputSeries& input : test.series) feed_.add(timed(input, test.start, interval));
    for (const RuleGroup* group : in_order(groups, file.group_eval_order)) {
      for (const AnyRule& rule : group->rules) rules_.emplace_back(*group, rule, test, file.evaluation_interval, feed_);
    }
  }

  std::vector<UnitTestFailure> run() {
    const Duration last = last_check();
    if (last / file_.evaluation_interval > static_cast<std::int64_t>(max_test_evaluations)) {
      fail(test_.mark, "it would take more than " + std::to_string(max_test_evaluations) +
                           " evaluations: an eval_time is too far from the beginning for the evaluation_interval", {});
      return std::move(failures_);
    }
    for (Duration passed{0}; passed <= last; passed += file_.evaluation_interval) {
      if (!evaluate(passed)) return std::move(failures_);
      check_alerts(passed);
    }
    for (const ExpressionCheck& check : test_.expression_checks) check_expression(check);
    for (const MessageCheck& check : test_.message_checks) check_messages(check);
    return std::move(failures_);
  }

 private:
  Duration last_check() const {
    Duration last{0};
    for (const auto& check : test_.alert_checks) last = std::max(last, check.eval_time);
    for (const auto& check : test_.expression_checks) last = std::max(last, check.eval_time);
    for (const auto& check : test_.message_checks) last = std::max(last, check.eval_time);
    return last;
  }

  // False when a rule failed: what follows would only be its consequences.
  bool evaluate(Duration passed) {
    const Time now = test_.start + passed;
    feed_.advance(now);
    for (RuleUnderTest& rule : rules_) {
      for (const Notification& message : rule.evaluate(now)) {
        messages_[rule.name()].push_back({passed, message.reason, message.level, message.labels});
      }
      if (const std::string error = rule.error(); !error.empty()) {
        fail(test_.mark, at(passed) + " the rule " + config::quote(rule.name()) + " of the group " +
                             config::quote(rule.group()) + " fails: " + error, {});
      }
    }
    return failures_.size() == failures_before_;
  }

  // Those whose time is in this evaluation or between it and the next.
  void check_alerts(Duration passed) {
    for (; next_check_ < alert_checks_.size(); ++next_check_) {
      const AlertCheck& check = alert_checks_[next_check_];
      if (check.eval_time >= passed + file_.evaluation_interval) break;
      std::vector<ExpectedAlert> firing;
      bool known = false;
      for (const RuleUnderTest& rule : rules_) {
        if (rule.name() != check.alertname || (!check.group.empty() && rule.group() != check.group)) continue;
        known = true;
        rule.add_firing(firing);
      }
      auto lines = difference(check.alerts, firing);
      if (lines.empty()) continue;
      if (!known) lines.insert(lines.begin(), "there is no such rule in the rule files");
      fail(check.mark, at(check.eval_time) + " the alerts " + config::quote(check.alertname) + " are not as expected",
           std::move(lines));
    }
    failures_before_ = failures_.size();
  }

  void check_expression(const ExpressionCheck& check) {
    promql::Options options;
    options.default_step = file_.evaluation_interval;
    const auto value = promql::evaluate(check.expression, feed_.store(), test_.start + check.eval_time, options);
    const std::string expression = config::quote(check.expression.text());
    if (!value) {
      fail(check.mark, at(check.eval_time) + " " + expression + " has no value: " + value.error().what, {});
      return;
    }
    promql::Vector got;
    if (const auto* number = std::get_if<double>(&*value)) got.push_back({Labels(), *number});
    if (const auto* vector = std::get_if<promql::Vector>(&*value)) got = *vector;
    auto lines = difference(check.samples, got, file_.fuzzy_compare ? Precision::last_bit : Precision::exact);
    if (!lines.empty()) fail(check.mark, at(check.eval_time) + " " + expression + " is not as expected", std::move(lines));
  }

  void check_messages(const MessageCheck& check) {
    std::vector<ExpectedMessage> got = messages_[check.alertname];
    std::erase_if(got, [&](const ExpectedMessage& message) { return message.at > check.eval_time; });
    auto lines = difference(check.messages, got);
    if (lines.empty()) return;
    fail(check.mark, "up to " + config::write_duration(check.eval_time) + " the messages about " +
                         config::quote(check.alertname) + " are not as expected", std::move(lines));
  }

  static std::string at(Duration passed) { return "at " + config::write_duration(passed); }

  void fail(const config::Mark& mark, std::string sentence, std::vector<std::string> lines) {
    if (lines.size() > max_lines) {
      const std::size_t more = lines.size() - max_lines;
      lines.resize(max_lines);
      lines.push_back("and " + std::to_string(more) + " more lines");
    }
    failures_.push_back({mark, std::move(sentence), std::move(lines)});
  }

  const UnitTest& test_;
  const UnitTestFile& file_;
  std::vector<AlertCheck> alert_checks_;  // by time
  std::size_t next_check_ = 0;
  SampleFeed feed_;
  std::deque<RuleUnderTest> rules_;
  std::map<std::string, std::vector<ExpectedMessage>> messages_;  // by alertname
  std::vector<UnitTestFailure> failures_;
  std::size_t failures_before_ = 0;
};

}  // namespace

std::vector<UnitTestFailure> run_unit_test(const UnitTest& test, const UnitTestFile& file,
                                           const std::vector<RuleGroup>& groups) {
  return Run(test, file, groups).run();
}

}  // namespace sidewatch
