// A file of unit tests for rules, in promtool's format: samples that are made up, and what the rules must make of them.
//
// Read as strictly as everything else, with file:line:column for every mistake: an unknown key, a value that is no
// number, an expression that cannot be parsed. Two keys are ours alone, promtool does not know them: `message_test` of a
// test says which messages must have been sent, and `fuzzy_compare` and `start_timestamp` come from newer versions of
// it. What the keys mean is told in docs/testing-rules.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alerting/notification.h"
#include "base/time.h"
#include "config/problem.h"
#include "config/section.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"
#include "metrics/series_notation.h"

namespace sidewatch {

struct InputSeries {
  Labels labels;  // with __name__
  std::vector<NotatedValue> values;
};

struct ExpectedAlert {
  Labels labels;  // with alertname
  Labels annotations;
};

// The alerts of one name that must fire at a time: these and no others.
struct AlertCheck {
  config::Mark mark;
  Duration eval_time{0};
  std::string alertname;
  std::string group;  // only of this group; empty: of every group
  std::vector<ExpectedAlert> alerts;
};

// What an expression must give at a time.
struct ExpressionCheck {
  config::Mark mark;
  Duration eval_time{0};
  promql::Expression expression;
  std::vector<promql::VectorSample> samples;
};

struct ExpectedMessage {
  Duration at{0};
  Reason reason = Reason::fired;
  Level level = Level::ok;
  Labels labels;  // that it must have, among others
};

// The messages about the alerts of one name up to a time: these, in this order, and no others.
struct MessageCheck {
  config::Mark mark;
  Duration eval_time{0};
  std::string alertname;
  std::vector<ExpectedMessage> messages;
};

struct UnitTest {
  config::Mark mark;
  std::string name;
  Duration interval{0};  // between two values of a series; 0: the file's evaluation interval
  Time start;            // of the first evaluation and of every series' first value
  std::vector<InputSeries> series;
  std::vector<AlertCheck> alert_checks;
  std::vector<ExpressionCheck> expression_checks;
  std::vector<MessageCheck> message_checks;
  Labels external_labels;
  std::string external_url;
};

struct UnitTestFile {
  std::string path;
  std::vector<config::Located<std::string>> rule_files;  // names or patterns, seen from the folder of this file
  Duration evaluation_interval = std::chrono::minutes(1);
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;  // a difference in the last bit of a value is none
  std::vector<UnitTest> tests;
};

// When `problems` is not empty afterwards, the file must not be used.
UnitTestFile load_unit_test_file(const std::string& path, config::Problems& problems);
UnitTestFile parse_unit_test_file(const std::string& name, const std::string& text, config::Problems& problems);

}  // namespace sidewatch
