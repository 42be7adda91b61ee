#include "agent/event_log.h"

#include <algorithm>
#include <variant>

#include "alerting/routes/route_config.h"

namespace sidewatch {
namespace {

void log_one(Log& log, const CollectorNews& news) {
  const LogField collector{"collector", news.collector};
  switch (news.kind) {
    case CollectorNews::Kind::failed:
      log.warning("collector failed", {collector, {"why", news.detail}});
      return;
    case CollectorNews::Kind::recovered:
      log.info("collector recovered", {collector});
      return;
    case CollectorNews::Kind::partial:
      log.warning("collector could not read everything", {collector, {"first", news.detail}});
      return;
    case CollectorNews::Kind::whole:
      log.info("collector can read everything again", {collector});
      return;
    case CollectorNews::Kind::overdue:
      log.warning("collector is overdue, its series are stale", {collector, {"why", news.detail}});
      return;
    case CollectorNews::Kind::trouble:
      log.warning(news.detail, {collector});
      return;
    case CollectorNews::Kind::relief:
      log.info(news.detail, {collector});
      return;
  }
}

bool worth_a_line(Transition transition) {
  switch (transition) {
    case Transition::fired:
    case Transition::escalated:
    case Transition::deescalated:
    case Transition::resolved:
      return true;
    case Transition::none:
    case Transition::pending:
    case Transition::cleared:
    case Transition::recovering:
    case Transition::relapsed:
      return false;
  }
  return false;
}

void log_one(Log& log, const AlertEvent& event, const std::string& silences) {
  const bool line = worth_a_line(event.transition) || event.sent || event.suppressed;
  if (!line) return;
  LogFields fields{{"alert", event.rule}, {"level", to_string(event.level)}, {"value", event.value}};
  if (event.sent) fields.emplace_back("sent", to_string(*event.sent));
  if (event.suppressed) fields.emplace_back("not_sent", to_string(*event.suppressed));
  if (event.sent && !silences.empty()) fields.emplace_back("silenced_by", silences);
  fields.emplace_back("labels", event.labels.to_string());
  const std::string message = event.transition == Transition::none ? "alert" : "alert " + std::string(to_string(event.transition));
  log.info(message, fields);
}

}  // namespace

void log_news(Log& log, const std::vector<CollectorNews>& news) {
  for (const auto& one : news) log_one(log, one);
}

void log_report(Log& log, const JudgeReport& report,
                const std::function<std::string(const AlertEvent&)>& silenced_by) {
  for (const auto& problem : report.problems) log.warning(problem);
  for (const auto& event : report.events) log_one(log, event, event.sent ? silenced_by(event) : std::string());
}

void log_contests(Log& log, const std::vector<Contest>& contests) {
  for (const auto& [metric, first, second] : contests) {
    log.warning("two inputs send the same series: the first counts, the other's samples are left out; rename one of them",
                {{"metric", metric}, {"first", first}, {"left_out", second}});
  }
}

void log_warnings(Log& log, const Settings& settings) {
  for (const auto& plan : settings.collectors) {
    if (!plan.warning.empty()) log.warning(plan.warning, {{"collector", plan.name}});
  }
  for (const auto& receiver : settings.receivers) {
    if (!receiver.warning.empty()) log.warning(receiver.warning, {{"receiver", receiver.name}});
  }
  for (const auto& doubt : doubts_about(settings)) log.warning(doubt);
}

void log_abandoned(Log& log, const std::vector<ReceiverStatus>& queues, const std::vector<std::string>& receivers) {
  for (const auto& queue : queues) {
    const std::size_t waiting = queue.queued - queue.in_flight;
    if (waiting == 0 || std::find(receivers.begin(), receivers.end(), queue.name) != receivers.end()) continue;
    log.warning("a receiver was taken out of the configuration, its unsent messages are in the dead letters",
                {{"receiver", queue.name}, {"messages", waiting}});
  }
}

void log_by_hand(Log& log, const OutboxQuestion& question, const OutboxChange& change) {
  LogFields fields;
  if (!question.which.id.empty()) fields.emplace_back("id", question.which.id);
  if (!question.which.receiver.empty()) fields.emplace_back("receiver", question.which.receiver);
  if (!question.to.empty()) fields.emplace_back("to", question.to);
  const auto& [tried, sent, dropped, forgotten, not_on_disk] = change;
  if (!not_on_disk.empty()) fields.emplace_back("not_on_disk_yet", not_on_disk);
  const auto count = [&](std::string_view what, std::size_t messages) {
    if (messages > 0) fields.emplace_back(what, messages);
  };
  if (question.what == OutboxQuestion::What::drop) {
    if (dropped.messages + forgotten == 0) return;
    count("waiting", dropped.messages);
    count("dead_letters", forgotten);
    log.warning("messages were dropped by hand", fields);
  } else if (sent.messages + sent.stays.size() > 0) {
    count("messages", sent.messages);
    count("stay_dead", sent.stays.size());
    log.info("dead letters were sent again by hand", fields);
  } else if (tried.due > 0) {
    count("messages", tried.due);
    log.info("what waits is tried now, by hand", fields);
  }
}

void log_attempt(Log& log, const AttemptDone& done, const AttemptNews& news) {
  const LogField receiver{"receiver", done.receiver};
  const LogField id{"id", done.delivery_id};
  const auto* later = std::get_if<RetryLater>(&done.attempt);
  const auto* rejected = std::get_if<Rejected>(&done.attempt);
  if (later == nullptr && rejected == nullptr) {
    if (is_resend(done.delivery_id)) return;
    if (news.recovered) return log.info("the receiver takes messages again", {receiver, id});
    return log.debug("delivered", {receiver, id});
  }
  const LogField why{"why", later != nullptr ? later->why : rejected->why};
  LogFields fields{receiver, id, why};
  if (!news.fallback.empty()) fields.emplace_back("fallback", news.fallback);
  if (is_resend(done.delivery_id)) {
    log.warning("what fires could not be told again", {receiver, why});
  } else if (later != nullptr && !news.given_up) {
    log.warning("delivery failed, it will be tried again", {receiver, id, why});
  } else if (is_of_several(done.delivery_id) && !news.given_up) {
    log.warning("a delivery of several alerts was refused, each will be tried by itself", {receiver, id, why});
  } else {
    log.error("delivery refused for good, the message is in the dead letters", fields);
  }
}

}  // namespace sidewatch
