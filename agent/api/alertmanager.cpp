#include "agent/api/alertmanager.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "agent/version.h"
#include "alerting/routes/matchers.h"
#include "alerting/routes/muted.h"
#include "base/json.h"

namespace sidewatch {
namespace {

using Context = std::shared_ptr<const AlertmanagerContext>;

HttpResponse refuse(int status, const std::string& sentence) { return HttpResponse::json(status, json_quoted(sentence)); }

HttpResponse refuse(const Silences::Refused& refused) {
  switch (refused.why) {
    case Silences::Refusal::wrong: return refuse(400, refused.what);
    case Silences::Refusal::unknown: return refuse(404, refused.what);
    case Silences::Refusal::full: return refuse(400, refused.what);
    case Silences::Refusal::not_stored: return refuse(500, refused.what);
  }
  return refuse(500, refused.what);
}

// The matchers of every `filter`; absent: one of them cannot be read, and `why` says so.
std::optional<std::vector<Matcher>> filters(const HttpRequest& request, std::string& why) {
  std::vector<Matcher> all;
  for (const auto& text : request.param_values("filter")) {
    auto matchers = parse_matchers(text);
    if (!matchers) {
      why = "filter " + text + ": " + matchers.error().what;
      return std::nullopt;
    }
    for (auto& matcher : *matchers) all.push_back(std::move(matcher));
  }
  return all;
}

bool flag(const HttpRequest& request, std::string_view name) { return request.param(name).value_or("true") != "false"; }

void write_labels(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const auto& label : labels) json.key(label.name).text(label.value);
  json.end_object();
}

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.begin_array();
  for (const auto& text : texts) json.text(text);
  json.end_array();
}

void write_silence_with_status(JsonWriter& json, const Silence& silence, WallTime now) {
  json.begin_object();
  write_silence(json, silence);
  json.key("status").begin_object().key("state").text(to_string(silence.state(now))).end_object();
  json.end_object();
}

// --- alerts ---

struct ListedAlert {
  const AlertView& alert;
  Labels labels;  // those that it is matched by
  std::vector<Recipient> told;
  std::vector<std::string> silenced_by;
  std::optional<Muted> muted;

  bool suppressed() const { return !silenced_by.empty() || muted; }
};

void write_status(JsonWriter& json, const ListedAlert& listed) {
  json.key("status").begin_object().key("state").text(listed.suppressed() ? "suppressed" : "active").key("silencedBy");
  write_texts(json, listed.silenced_by);
  json.key("inhibitedBy").begin_array().end_array().key("mutedBy");
  write_texts(json, listed.muted ? listed.muted->by : std::vector<std::string>());
  if (listed.muted) json.key("muted").text(listed.muted->words);
  json.end_object();
}

void write_alert(JsonWriter& json, const ListedAlert& listed, WallTime now) {
  const AlertView& alert = listed.alert;
  json.begin_object().key("labels");
  write_labels(json, listed.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.key("startsAt").text(to_rfc3339(alert.fired_at.value_or(alert.active_at)));
  // It has no known end; the format wants one that is ahead.
  json.key("endsAt").text(to_rfc3339(now + std::chrono::minutes(4))).key("updatedAt").text(to_rfc3339(now));
  json.key("fingerprint").text(alert.key).key("generatorURL").text("").key("receivers").begin_array();
  for (const auto& recipient : listed.told) json.begin_object().key("name").text(recipient.receiver).end_object();
  json.end_array();
  write_status(json, listed);
  json.end_object();
}

// Of `receiver`, which is a regular expression for a whole name. Absent: it cannot be read, and `why` says so.
std::optional<std::vector<Matcher>> receiver_filter(const HttpRequest& request, std::string& why) {
  std::vector<Matcher> one;
  const auto text = request.param("receiver");
  if (!text || text->empty()) return one;
  auto matcher = Matcher::make("receiver", Matcher::Op::regex, std::string(*text));
  if (matcher) {
    one.push_back(std::move(*matcher));
    return one;
  }
  why = "receiver " + std::string(*text) + ": " + matcher.error().what;
  return std::nullopt;
}

bool is_told(const ListedAlert& listed, const std::vector<Matcher>& wanted) {
  if (wanted.empty()) return true;
  return std::any_of(listed.told.begin(), listed.told.end(),
                     [&](const Recipient& recipient) { return wanted.front().matches(recipient.receiver); });
}

HttpResponse list_alerts(const AlertmanagerContext& context, const HttpRequest& request) {
  std::string why;
  const auto wanted = filters(request, why);
  if (!wanted) return refuse(400, why);
  const auto receiver = receiver_filter(request, why);
  if (!receiver) return refuse(400, why);
  const WallTime now = context.wall();
  const auto config = context.config.read();
  JsonWriter json;
  json.begin_array();
  const auto alerts = context.alerts.read();
  for (const AlertView& alert : *alerts) {
    if (!alert.firing) continue;
    ListedAlert listed{alert, config->router.to_match(alert.labels), config->router.recipients(alert.labels, alert.level),
                       {}, std::nullopt};
    if (!all_match(*wanted, listed.labels) || !is_told(listed, *receiver)) continue;
    listed.silenced_by = context.silences.holding(alert.labels, now);
    listed.muted = muted_now(listed.told, config->mute_times, now);
    if (!listed.suppressed() && !flag(request, "active")) continue;
    if (!listed.silenced_by.empty() && !flag(request, "silenced")) continue;
    write_alert(json, listed, now);
  }
  json.end_array();
  return HttpResponse::json(200, json.take());
}

// --- silences ---

// As Alertmanager filters them: each condition is met by a matcher of the silence for the same label, whose value counts;
// where there is none, by the empty text.
bool is_about(const Silence& silence, const std::vector<Matcher>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Matcher& condition) {
    bool named = false;
    for (const Matcher& matcher : silence.matchers) {
      if (matcher.name() != condition.name()) continue;
      named = true;
      if (condition.matches(matcher.value())) return true;
    }
    return !named && condition.matches("");
  });
}

HttpResponse list_silences(const AlertmanagerContext& context, const HttpRequest& request) {
  std::string why;
  const auto wanted = filters(request, why);
  if (!wanted) return refuse(400, why);
  JsonWriter json;
  json.begin_array();
  for (const Silence& silence : context.silences.all()) {
    if (is_about(silence, *wanted)) write_silence_with_status(json, silence, context.wall());
  }
  json.end_array();
  return HttpResponse::json(200, json.take());
}

HttpResponse show_silence(const AlertmanagerContext& context, const HttpRequest& request) {
  const auto silence = context.silences.find(request.capture("id"));
  if (!silence) return refuse(404, "there is no such silence");
  JsonWriter json;
  write_silence_with_status(json, *silence, context.wall());
  return HttpResponse::json(200, json.take());
}

std::optional<HttpResponse> may_change(const AlertmanagerContext& context, const HttpRequest& request) {
  if (request.peer.is_loopback || context.allow_remote_silences) return std::nullopt;
  return refuse(403, "silences are set from the agent's own machine only; http.allow_remote_silences: true lets others");
}

HttpResponse set_silence(const AlertmanagerContext& context, const HttpRequest& request) {
  if (auto refused = may_change(context, request)) return std::move(*refused);
  const auto json = JsonValue::parse(request.body);
  if (!json || json->kind() != JsonValue::Kind::object) return refuse(400, "the body is not a JSON object");
  Silence silence;
  silence.id = (*json)["id"].text_or("");
  silence.created_by = (*json)["createdBy"].text_or("");
  silence.comment = (*json)["comment"].text_or("");
  const WallTime now = context.wall();
  const auto starts = json->has("startsAt") ? from_rfc3339((*json)["startsAt"].text_or("")) : std::optional(now);
  const auto ends = from_rfc3339((*json)["endsAt"].text_or(""));
  if (!starts || !ends) return refuse(400, "startsAt and endsAt are times such as 2026-03-01T12:00:00Z; endsAt must be given");
  silence.starts_at = *starts;
  silence.ends_at = *ends;
  for (const JsonValue& each : (*json)["matchers"].items()) {
    auto matcher = read_matcher(each);
    if (!matcher) return refuse(400, matcher.error().what);
    silence.matchers.push_back(std::move(*matcher));
  }
  const auto set = context.silences.set(std::move(silence), now);
  if (const auto* refused = std::get_if<Silences::Refused>(&set)) return refuse(*refused);
  const std::string& id = std::get<std::string>(set);
  if (const auto stored = context.silences.find(id); stored && context.log) context.log("set", *stored);
  JsonWriter answer;
  answer.begin_object().key("silenceID").text(id).end_object();
  return HttpResponse::json(200, answer.take());
}

HttpResponse end_silence(const AlertmanagerContext& context, const HttpRequest& request) {
  if (auto refused = may_change(context, request)) return std::move(*refused);
  const auto ended = context.silences.expire(request.capture("id"), context.wall());
  if (const auto* refused = std::get_if<Silences::Refused>(&ended)) return refuse(*refused);
  if (const auto stored = context.silences.find(request.capture("id")); stored && context.log) context.log("ended", *stored);
  return HttpResponse::json(200, "{}");
}

// --- the rest ---

HttpResponse status(const AlertmanagerContext& context) {
  const std::string text(version());
  JsonWriter json;
  json.begin_object().key("cluster").begin_object().key("status").text("disabled").key("peers").begin_array().end_array();
  json.end_object().key("versionInfo").begin_object();
  json.key("version").text(text).key("revision").text(text).key("branch").text("").key("buildUser").text("");
  json.key("buildDate").text("").key("goVersion").text("").end_object();
  json.key("config").begin_object().key("original").text("").end_object();
  json.key("uptime").text(to_rfc3339(context.started)).end_object();
  return HttpResponse::json(200, json.take());
}

HttpResponse list_receivers(const AlertmanagerContext& context) {
  JsonWriter json;
  json.begin_array();
  for (const auto& name : context.config.read()->router.receivers()) json.begin_object().key("name").text(name).end_object();
  json.end_array();
  return HttpResponse::json(200, json.take());
}

}  // namespace

void add_alertmanager_routes(std::vector<HttpRoute>& routes, const AlertmanagerContext& given) {
  const auto context = std::make_shared<const AlertmanagerContext>(given);
  using Handler = HttpResponse (*)(const AlertmanagerContext&, const HttpRequest&);
  const auto add = [&](std::string method, std::string path, Handler handler, HttpRoute::Runs runs) {
    routes.push_back({std::move(method), std::move(path),
                      [context, handler](const HttpRequest& request) { return handler(*context, request); }, runs});
  };
  // What writes to the disk, or may look through many, keeps nobody else waiting.
  const auto worker = HttpRoute::Runs::on_worker;
  add("GET", "/api/v2/alerts", list_alerts, worker);
  add("GET", "/api/v2/silences", list_silences, worker);
  add("POST", "/api/v2/silences", set_silence, worker);
  add("GET", "/api/v2/silence/{id}", show_silence, worker);
  add("DELETE", "/api/v2/silence/{id}", end_silence, worker);
  routes.push_back({"GET", "/api/v2/status", [context](const HttpRequest&) { return status(*context); }});
  routes.push_back({"GET", "/api/v2/receivers", [context](const HttpRequest&) { return list_receivers(*context); }});
}

}  // namespace sidewatch
