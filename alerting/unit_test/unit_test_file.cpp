// Declares the keys of the format; see unit_test_file.h.
#include "alerting/unit_test/unit_test_file.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "config/document.h"
#include "config/wording.h"
#include "metrics/promql/literals.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using config::Located;
using config::Section;

constexpr config::DocumentLimits file_limits{.max_file_bytes = std::size_t{16} << 20, .max_files = 16, .max_depth = 64,
                                             .max_nodes = 1'000'000};
const config::Between<Duration> any_delay = config::between(Duration(0), 24h * 365 * 100);
const config::Between<Duration> any_step = config::between(1ms, 24h * 365);

// An Error of a text's reader, at its place in the file.
void report(Section& section, const Located<std::string>& text, const Error& error) {
  int line = 1;
  int column = 1;
  const char* const end = error.where.data() + error.where.size();
  const auto read = std::from_chars(error.where.data(), end, line);
  if (read.ptr != end) std::from_chars(read.ptr + 1, end, column);
  section.problem(config::place_in(text, line, column), error.what);
}

Labels read_label_map(Section& section, std::string_view key, std::string_view help) {
  std::map<std::string, Located<std::string>> texts;
  section.optional(key, texts, help);
  std::vector<Label> labels;
  for (const auto& [name, value] : texts) {
    if (!is_legal_label_name(name)) section.problem(value.mark, config::quote(name) + " is not a label name");
    labels.push_back({name, value.value});
  }
  return Labels(std::move(labels));
}

void read_eval_time(Section& section, Duration& eval_time) {
  section.optional("eval_time", eval_time, "how long after the beginning", any_delay);
}

// --- input_series ---

InputSeries read_series(Section& section) {
  Located<std::string> series;
  Located<std::string> values;
  section.required("series", series, "a series, as in up{job=\"a\"}");
  section.optional("values", values, "its values, as in 1 2 3+1x5 _ stale");
  InputSeries input;
  if (!series.value.empty()) {
    auto labels = parse_series_labels(series.value);
    const std::size_t brace = series.value.find('{');
    if (!labels) {
      report(section, series, labels.error());
    } else if (brace != std::string::npos && brace > 0 && series.value[brace - 1] == ' ') {
      section.problem(config::place_in(series, 1, static_cast<int>(brace)), "no space may stand before the '{'");
    } else if (labels->get("__name__").empty()) {
      section.problem(series.mark, "the series has no name");
    } else {
      input.labels = std::move(*labels);
    }
  }
  auto expanded = parse_series_values(values.value);
  if (!expanded) {
    report(section, values, expanded.error());
  } else {
    input.values = std::move(*expanded);
  }
  return input;
}

// Of two series with the same labels the later one counts, as in promtool.
void add_series(std::vector<InputSeries>& all, InputSeries input) {
  for (InputSeries& known : all) {
    if (known.labels == input.labels) {
      known = std::move(input);
      return;
    }
  }
  all.push_back(std::move(input));
}

// --- what is expected ---

AlertCheck read_alert_check(Section& section) {
  AlertCheck check;
  check.mark = section.mark();
  read_eval_time(section, check.eval_time);
  section.required("alertname", check.alertname, "the alerting rule");
  section.optional("groupname", check.group, "only the rule of this group");
  section.each("exp_alerts", "the alerts that must fire then", [&](Section& item) {
    ExpectedAlert alert;
    alert.labels = read_label_map(item, "exp_labels", "all labels of the alert, without alertname");
    alert.labels = alert.labels.with("alertname", check.alertname);
    alert.annotations = read_label_map(item, "exp_annotations", "all annotations of the alert");
    check.alerts.push_back(std::move(alert));
  });
  return check;
}

// A number as YAML writes it, with .inf and .nan.
std::optional<double> read_sample_value(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  const bool sign = plain.starts_with('-') || plain.starts_with('+');
  if (plain.find('.', sign ? 1 : 0) == (sign ? 1U : 0U) && plain.size() > 2 && !(plain.back() >= '0' && plain.back() <= '9')) {
    plain.erase(sign ? 1 : 0, 1);
  }
  const auto number = promql::parse_number(sign ? std::string_view(plain).substr(1) : std::string_view(plain));
  if (!number) return std::nullopt;
  return plain.starts_with('-') ? -*number : *number;
}

promql::VectorSample read_expected_sample(Section& section) {
  promql::VectorSample sample;
  Located<std::string> labels;
  Located<std::string> value;
  section.optional("labels", labels, "the series, as in up{job=\"a\"}");
  section.optional("value", value, "its value");
  auto read = parse_series_labels(labels.value);
  if (!read) {
    report(section, labels, read.error());
  } else {
    sample.labels = std::move(*read);
  }
  const auto number = value.value.empty() ? std::optional(0.0) : read_sample_value(value.value);
  if (!number) section.problem(value.mark, config::quote(value.value) + " is not a number");
  sample.value = number.value_or(0);
  return sample;
}

ExpressionCheck read_expression_check(Section& section) {
  ExpressionCheck check;
  check.mark = section.mark();
  Located<std::string> text;
  section.required("expr", text, "the expression, as PromQL");
  read_eval_time(section, check.eval_time);
  auto expression = promql::Expression::parse(text.value);
  if (!expression) {
    if (section.has("expr")) report(section, text, expression.error());
  } else {
    const bool gives_samples = expression->type() == promql::ValueType::vector || expression->type() == promql::ValueType::scalar;
    if (!gives_samples) section.problem(text.mark, "the expression gives neither an instant vector nor a scalar");
    check.expression = std::move(*expression);
  }
  section.each("exp_samples", "all that it must give",
               [&](Section& item) { check.samples.push_back(read_expected_sample(item)); });
  return check;
}

MessageCheck read_message_check(Section& section) {
  MessageCheck check;
  check.mark = section.mark();
  read_eval_time(section, check.eval_time);
  section.required("alertname", check.alertname, "the alerting rule");
  section.each("exp_messages", "every message up to then, in order", [&](Section& item) {
    ExpectedMessage message;
    item.required("at", message.at, "when it is sent", any_delay);
    item.choice("reason", message.reason,
                {{"fired", Reason::fired}, {"escalated", Reason::escalated}, {"deescalated", Reason::deescalated},
                 {"repeated", Reason::repeated}, {"resolved", Reason::resolved}},
                "why it is sent");
    item.choice("level", message.level,
                {{"ok", Level::ok}, {"warning", Level::warning}, {"critical", Level::critical}},
                "the level it tells of; ok of what has resolved");
    message.labels = read_label_map(item, "exp_labels", "labels that it must have, among others");
    check.messages.push_back(std::move(message));
  });
  return check;
}

// --- the whole ---

// As seconds since 1970 or as RFC 3339.
void read_start(Section& section, Time& start) {
  Located<std::string> text;
  section.optional("start_timestamp", text, "when the test begins: seconds since 1970, or 2026-03-01T12:00:00Z");
  if (text.value.empty()) return;
  const auto number = promql::parse_number(text.value);
  if (number && std::abs(*number) < 1e11) {
    start = time_at_ms(std::llround(*number * 1000));
  } else if (const auto wall = from_rfc3339(text.value)) {
    start = from_wall(*wall, Duration(0));
  } else {
    section.problem(text.mark, config::quote(text.value) + " is no time; write seconds since 1970 or 2026-03-01T12:00:00Z");
  }
}

UnitTest read_test(Section& section) {
  UnitTest test;
  test.mark = section.mark();
  section.optional("name", test.name, "what the test is called in the output");
  section.optional("interval", test.interval, "between two values of a series; default: evaluation_interval", any_step);
  read_start(section, test.start);
  section.each("input_series", "the samples", [&](Section& item) { add_series(test.series, read_series(item)); });
  section.each("alert_rule_test", "which alerts must fire when",
               [&](Section& item) { test.alert_checks.push_back(read_alert_check(item)); });
  section.each("promql_expr_test", "what expressions must give when",
               [&](Section& item) { test.expression_checks.push_back(read_expression_check(item)); });
  section.each("message_test", "which messages must have been sent",
               [&](Section& item) { test.message_checks.push_back(read_message_check(item)); });
  test.external_labels = read_label_map(section, "external_labels", "what templates know as $externalLabels");
  section.optional("external_url", test.external_url, "what templates know as $externalURL");
  return test;
}

UnitTestFile read_file(config::Document& document, const std::string& path) {
  UnitTestFile file;
  file.path = path;
  document.visit([&](Section& top) {
    top.optional("rule_files", file.rule_files, "the rules under test");
    top.optional("evaluation_interval", file.evaluation_interval, "how often rules are evaluated", any_step);
    top.optional("group_eval_order", file.group_eval_order, "groups in the order of their evaluation");
    top.optional("fuzzy_compare", file.fuzzy_compare, "whether the last bit of a value does not matter");
    top.each("tests", "the tests", [&](Section& item) { file.tests.push_back(read_test(item)); });
    for (std::size_t i = 0; i < file.group_eval_order.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (file.group_eval_order[i] != file.group_eval_order[j]) continue;
        top.problem("group_eval_order", "the group " + config::quote(file.group_eval_order[i]) + " is named twice");
      }
    }
  });
  return file;
}

}  // namespace

UnitTestFile load_unit_test_file(const std::string& path, config::Problems& problems) {
  auto document = config::Document::load(path, {}, problems, file_limits);
  if (document.files().empty()) return {};
  return read_file(document, path);
}

UnitTestFile parse_unit_test_file(const std::string& name, const std::string& text, config::Problems& problems) {
  auto document = config::Document::parse(name, text, {}, problems, file_limits);
  return read_file(document, name);
}

}  // namespace sidewatch
