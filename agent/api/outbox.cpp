#include "agent/api/outbox.h"

#include <string>
#include <utility>
#include <variant>

#include "agent/api/envelope.h"
#include "agent/api/params.h"
#include "agent/outbox_call.h"
#include "base/json.h"

namespace sidewatch {
namespace {

using What = OutboxQuestion::What;

// --- the question ---

bool flag(const HttpRequest& request, std::string_view name) {
  const std::string word = request.param(name).value_or("false");
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  throw invalid_parameter(name, "write true or false");
}

OutboxQuestion question_of(const HttpRequest& request, What what) {
  OutboxQuestion question{.what = what};
  question.which = {request.capture("id"), request.param("receiver").value_or("")};
  if (question.which.id.empty()) question.which.id = request.param("id").value_or("");
  question.dead = what != What::list && flag(request, "dead");
  const auto most = number_param(request, "limit").value_or(static_cast<std::int64_t>(max_outbox_rows));
  if (most < 1 || most > static_cast<std::int64_t>(max_outbox_rows)) {
    throw invalid_parameter("limit", "write a number from 1 to " + std::to_string(max_outbox_rows));
  }
  question.most = static_cast<std::size_t>(most);
  if (what == What::retry) question.to = request.param("to").value_or("");
  const bool all = what == What::retry && flag(request, "all");
  const int chosen = (question.which.id.empty() ? 0 : 1) + (question.which.receiver.empty() ? 0 : 1) + (all ? 1 : 0);
  if (what != What::list && chosen == 0 && !question.dead) {
    throw ApiError{ApiErrorKind::bad_data, what == What::retry ? "say which: id, receiver, all=true or dead=true"
                                                               : "say which: receiver or dead=true"};
  }
  if (chosen > 1) throw ApiError{ApiErrorKind::bad_data, "of id, receiver and all only one can be given"};
  return question;
}

OutboxAnswer ask_loop(const OutboxContext& context, const HttpRequest& request, OutboxQuestion question) {
  const auto call = std::make_shared<OutboxCall>(std::move(question));
  Message message = OutboxAsked{call};
  if (!context.loop || !context.loop->put(std::move(message))) {
    throw ApiError{ApiErrorKind::unavailable, "the agent is stopping, or has too much to do: ask again in a moment"};
  }
  auto answer = call->wait(context.patience, [&] { return request.is_abandoned(); });
  if (!answer) {
    throw ApiError{ApiErrorKind::unavailable,
                   "no answer from the agent's loop within " + to_words(context.patience) +
                       (call->begun() ? ": it may still do what was asked" : ": nothing was changed")};
  }
  if (const auto* refusal = std::get_if<OutboxRefusal>(&*answer)) {
    switch (refusal->why) {
      case OutboxRefusal::Why::wrong: throw ApiError{ApiErrorKind::bad_data, refusal->what};
      case OutboxRefusal::Why::unknown: throw ApiError{ApiErrorKind::not_found, refusal->what};
      case OutboxRefusal::Why::not_now: throw ApiError{ApiErrorKind::unavailable, refusal->what};
    }
  }
  return std::move(*answer);
}

// --- the answer ---

void write_message(JsonWriter& json, const Notification& message, std::int64_t attempts) {
  json.key("id").text(message.id).key("receiver").text(message.receiver).key("alert").text(message.rule);
  json.key("labels").begin_object();
  for (const auto& label : message.labels) json.key(label.name).text(label.value);
  json.end_object();
  json.key("level").text(to_string(message.level)).key("worstLevel").text(to_string(message.worst));
  json.key("reason").text(to_string(message.reason)).key("incident").text(message.incident);
  json.key("createdAt").text(to_rfc3339(message.created_at)).key("attempts").integer(attempts);
}

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.begin_array();
  for (const auto& text : texts) json.text(text);
  json.end_array();
}

void write_waiting(JsonWriter& json, const OutboxReport::Waiting& row, const OutboxContext& context, WallTime now) {
  json.begin_object();
  write_message(json, row.message.notification, row.message.attempts);
  json.key("waits").text(to_string(row.message.waits));
  if (row.until) json.key("until").text(to_rfc3339(*row.until));
  if (row.message.waits == Waits::held) {
    write_texts(json.key("silences"), context.silences.holding(row.message.notification.labels, now));
    write_texts(json.key("muteTimes"), row.mute_times);
  }
  json.end_object();
}

void write_receiver(JsonWriter& json, const OutboxReport::Receiver& receiver) {
  const ReceiverStatus& status = receiver.status;
  json.begin_object().key("name").text(status.name).key("configured").boolean(!status.leaving);
  json.key("waiting").integer(static_cast<std::int64_t>(status.queued));
  json.key("underWay").integer(static_cast<std::int64_t>(status.in_flight));
  json.key("held").integer(static_cast<std::int64_t>(status.held));
  if (receiver.paused_until) json.key("pausedUntil").text(to_rfc3339(*receiver.paused_until));
  json.key("lastFailure").text(status.last_failure).end_object();
}

ApiData list(const OutboxContext& context, const HttpRequest& request) {
  const auto answer = ask_loop(context, request, question_of(request, What::list));
  const auto& report = std::get<OutboxReport>(answer);
  const WallTime now = context.wall();
  JsonWriter json;
  json.begin_object().key("receivers").begin_array();
  for (const auto& receiver : report.receivers) write_receiver(json, receiver);
  json.end_array().key("waiting").begin_array();
  for (const auto& row : report.waiting) write_waiting(json, row, context, now);
  json.end_array().key("deadLetters").begin_array();
  for (const auto& letter : report.dead) {
    json.begin_object();
    write_message(json, letter.notification, letter.attempts);
    json.key("diedAt").text(to_rfc3339(letter.at)).key("why").text(letter.why).end_object();
  }
  json.end_array().key("deadLettersTotal").integer(static_cast<std::int64_t>(report.dead_letters)).end_object();
  return ApiData::of(json.take());
}

ApiData change(const OutboxContext& context, const HttpRequest& request, What what) {
  const auto answer = ask_loop(context, request, question_of(request, what));
  const auto& [tried, sent, dropped, forgotten, not_on_disk] = std::get<OutboxChange>(answer);
  const auto count = [](std::size_t messages) { return static_cast<std::int64_t>(messages); };
  JsonWriter json;
  json.begin_object();
  if (what == What::retry) {
    json.key("triedNow").integer(count(tried.due)).key("held").integer(count(tried.held));
    json.key("sentAgain").integer(count(sent.messages)).key("stay").begin_array();
    for (const auto& [id, why] : sent.stays) json.begin_object().key("id").text(id).key("why").text(why).end_object();
    json.end_array();
  } else {
    json.key("dropped").integer(count(dropped.messages)).key("forgotten").integer(count(forgotten));
    json.key("left").integer(count(dropped.left));
  }
  json.key("underWay").integer(count(what == What::retry ? tried.under_way : dropped.under_way)).end_object();
  ApiData data = ApiData::of(json.take());
  if (!not_on_disk.empty()) data.warnings.push_back("it is done, but not on disk yet: " + not_on_disk);
  return data;
}

HttpResponse not_from_there() {
  JsonWriter json;
  json.begin_object().key("status").text("error").key("errorType").text("forbidden").key("error");
  json.text("the outbox is changed from the agent's own machine only; http.allow_remote_silences: true lets others");
  return HttpResponse::json(403, json.end_object().take());
}

}  // namespace

void add_outbox_routes(std::vector<HttpRoute>& routes, const OutboxContext& given) {
  const auto context = std::make_shared<const OutboxContext>(given);
  const auto worker = HttpRoute::Runs::on_worker;
  for (const char* path : {"/api/v1/outbox", "/api/v1/outbox/{id}"}) {
    add_api_route(routes, path, [context](const HttpRequest& request) { return list(*context, request); }, worker);
  }
  const auto add = [&](std::string method, std::string path, What what) {
    routes.push_back({std::move(method), std::move(path),
                      [context, what](const HttpRequest& request) {
                        if (!request.peer.is_loopback && !context->allow_remote) return not_from_there();
                        try {
                          return api_response(change(*context, request, what), request);
                        } catch (const ApiError& error) {
                          return api_response(error);
                        }
                      },
                      worker});
  };
  add("POST", "/api/v1/outbox/retry", What::retry);
  add("DELETE", "/api/v1/outbox", What::drop);
  add("DELETE", "/api/v1/outbox/{id}", What::drop);
}

}  // namespace sidewatch
