#include "agent/api/rules.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "agent/api/envelope.h"
#include "agent/api/params.h"
#include "base/json.h"
#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view never = "0001-01-01T00:00:00Z";

void write_labels(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const auto& label : labels) json.key(label.name).text(label.value);
  json.end_object();
}

void write_alert(JsonWriter& json, const AlertView& alert) {
  std::string value;
  append_value(value, alert.value);
  json.begin_object();
  json.key("labels");
  write_labels(json, alert.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.key("state").text(alert.firing ? "firing" : "pending");
  json.key("activeAt").text(to_rfc3339(alert.active_at));
  json.key("value").text(value);
  json.key("level").text(to_string(alert.level));
  json.key("peak").number(alert.peak);
  json.key("fingerprint").text(alert.key);
  json.key("incident").text(alert.incident);
  json.key("noData").boolean(alert.unknown);
  json.key("recovering").boolean(alert.recovering);
  json.key("suppressed").integer(alert.suppressed);
  json.key("firedAt");
  if (alert.fired_at) {
    json.text(to_rfc3339(*alert.fired_at));
  } else {
    json.null();
  }
  json.end_object();
}

std::string when(const std::optional<WallTime>& time) { return time ? to_rfc3339(*time) : std::string(never); }

// Of a question to /api/v1/rules: an empty list takes every rule.
struct RuleFilter {
  std::optional<RuleDescription::Kind> kind;
  std::vector<std::string> names, groups, files;
  bool with_alerts = true;

  static bool takes(const std::vector<std::string>& wanted, const std::string& one) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), one) != wanted.end();
  }
  bool takes(const RuleGroupView& group) const { return takes(groups, group.name) && takes(files, group.file); }
  bool takes(const RuleDescription& rule) const { return (!kind || *kind == rule.kind) && takes(names, rule.name); }
};

RuleFilter filter_of(const HttpRequest& request) {
  RuleFilter filter;
  const std::string type = promql::to_lower(request.param("type").value_or(""));
  if (type == "alert") {
    filter.kind = RuleDescription::Kind::alerting;
  } else if (type == "record") {
    filter.kind = RuleDescription::Kind::recording;
  } else if (!type.empty()) {
    throw invalid_parameter("type", "not supported value " + promql::quoted(type));
  }
  filter.names = request.param_values("rule_name[]");
  filter.groups = request.param_values("rule_group[]");
  filter.files = request.param_values("file[]");
  filter.with_alerts = request.param("exclude_alerts").value_or("") != "true";
  return filter;
}

void write_alerting(JsonWriter& json, const RuleView& view, const RuleFilter& filter) {
  const RuleDescription& rule = *view.rule;
  json.key("state").text(to_string(view.state));
  json.key("name").text(rule.name).key("query").text(rule.query);
  json.key("duration").number(to_seconds(rule.duration));
  json.key("keepFiringFor").number(to_seconds(rule.keep_firing_for));
  if (!rule.warning.empty()) json.key("warning").text(rule.warning);
  if (!rule.critical.empty()) json.key("critical").text(rule.critical);
  json.key("labels");
  write_labels(json, rule.labels);
  json.key("annotations");
  write_labels(json, rule.annotations);
  json.key("alerts").begin_array();
  if (filter.with_alerts) {
    for (const auto& alert : view.alerts) write_alert(json, alert);
  }
  json.end_array();
}

void write_recording(JsonWriter& json, const RuleDescription& rule) {
  json.key("name").text(rule.name).key("query").text(rule.query);
  if (rule.labels.empty()) return;
  json.key("labels");
  write_labels(json, rule.labels);
}

void write_rule(JsonWriter& json, const RuleView& view, const RuleFilter& filter) {
  const bool is_alerting = view.rule->kind == RuleDescription::Kind::alerting;
  json.begin_object();
  if (is_alerting) {
    write_alerting(json, view, filter);
  } else {
    write_recording(json, *view.rule);
  }
  json.key("health").text(to_string(view.health));
  if (!view.last_error.empty()) json.key("lastError").text(view.last_error);
  json.key("evaluationTime").number(view.evaluation_seconds);
  json.key("lastEvaluation").text(when(view.last_evaluation));
  json.key("type").text(is_alerting ? "alerting" : "recording").end_object();
}

void write_group(JsonWriter& json, const RuleGroupView& group, const RuleFilter& filter) {
  json.begin_object().key("name").text(group.name).key("file").text(group.file).key("rules").begin_array();
  for (const auto& rule : group.rules) {
    if (filter.takes(*rule.rule)) write_rule(json, rule, filter);
  }
  json.end_array();
  json.key("interval").number(to_seconds(group.interval));
  json.key("limit").integer(static_cast<std::int64_t>(group.limit));
  json.key("evaluationTime").number(group.evaluation_seconds);
  json.key("lastEvaluation").text(when(group.last_evaluation)).end_object();
}

ApiData rules(const std::vector<RuleGroupView>& groups, const HttpRequest& request) {
  const RuleFilter filter = filter_of(request);
  JsonWriter json;
  json.begin_object().key("groups").begin_array();
  for (const auto& group : groups) {
    const auto is_named = [&](const RuleView& view) { return filter.takes(*view.rule); };
    const bool any_named = filter.names.empty() || std::any_of(group.rules.begin(), group.rules.end(), is_named);
    if (filter.takes(group) && any_named) write_group(json, group, filter);
  }
  return ApiData::of(json.end_array().end_object().take());
}

}  // namespace

std::string alerts_as_json(const std::vector<AlertView>& alerts) {
  JsonWriter json;
  json.begin_object().key("status").text("success").key("data").begin_object().key("alerts").begin_array();
  for (const auto& alert : alerts) write_alert(json, alert);
  json.end_array().end_object().end_object();
  return json.take();
}

void add_rule_routes(std::vector<HttpRoute>& routes, const Published<std::vector<AlertView>>& alerts,
                     const Published<std::vector<RuleGroupView>>& groups) {
  routes.push_back({"GET", "/api/v1/alerts", [&alerts](const HttpRequest&) {
                      return HttpResponse::json(200, alerts_as_json(*alerts.read()));
                    }});
  const auto show_rules = [&groups](const HttpRequest& request) { return rules(*groups.read(), request); };
  add_api_route(routes, "/api/v1/rules", show_rules, HttpRoute::Runs::at_once);
}

}  // namespace sidewatch
