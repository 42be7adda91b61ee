#include "agent/loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/event_log.h"
#include "agent/memory_care.h"
#include "agent/outbox_desk.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// The loop moves at least this often, so that its pulse says something.
constexpr Duration longest_sleep = 1s;
// After more the process was stopped, or the machine asleep: nobody looked, and no delay (`for`) may count that time.
constexpr Duration longest_gap = 5s;
constexpr Duration housekeeping_interval = 15s;
constexpr Duration own_metrics_interval = 1s;
constexpr Duration settling_time = 3s;  // after the start or a reload, until everything has run once
constexpr Duration interrupt_patience = 500ms;
// Collectors that were started together end within a moment of each other. The loop sleeps through it, so that their
// samples are taken in and judged at once, not one collector after the other.
constexpr Duration gathering_time = 2ms;

ConfigView view_of(const Settings& settings, Time read_at) {
  return {settings.text, read_at, true, settings.router, settings.mute_times, settings.agent.host};
}

}  // namespace

Loop::Loop(LoopParts parts, Settings settings, std::shared_ptr<LoopMailbox> mailbox)
    : parts_(parts),
      settings_(std::move(settings)),
      mailbox_(std::move(mailbox)),
      room_watch_(parts_.store.catalog(), {static_cast<std::size_t>(settings_.limits.max_series),
                                           static_cast<std::size_t>(settings_.limits.max_series_per_metric)}) {
  config_.publish(view_of(settings_, parts_.clock.now()));
}

Time Loop::tick(Time now) {
  if (last_tick_ && now - *last_tick_ > longest_gap) parts_.judge.skip(now - *last_tick_);
  last_tick_ = now;
  take_messages(now);
  if (now >= next_own_metrics_) show_own_metrics(now);

  std::vector<CollectorNews> news;
  gathering_ = parts_.collectors.start_due(now, news);
  if (!news.empty()) samples_arrived_ = true;  // series went stale: rules may have to say so
  log_news(parts_.log, news);

  if (std::exchange(samples_arrived_, false) || parts_.judge.due(now)) judge(now);
  parts_.deliveries.hand_out(now);
  parts_.deliveries.resend(*parts_.judge.alerts().read(), now, to_wall(now, parts_.clock.wall_step()));

  keep_house(now);
  parts_.heartbeat.beat();

  Time wake = now + longest_sleep;
  for (const auto due : {parts_.collectors.next_due(), parts_.judge.next_due(), parts_.dispatcher.next_due(),
                         next_watchdog_}) {
    if (due) wake = std::min(wake, *due);
  }
  return wake;
}

void Loop::run(const std::function<bool()>& until) {
  while (!stopping_ && !until()) {
    const Time next = tick(parts_.clock.now());
    if (gathering_) parts_.clock.sleep_for(gathering_time);
    if (!stopping_) wait(next);
  }
}

void Loop::judge(Time now) {
  const Duration wall_step = parts_.clock.wall_step();
  const auto report = parts_.judge.judge(now, wall_step);
  log_report(parts_.log, report, [&](const AlertEvent& event) {
    std::string ids;
    if (!parts_.silences || event.level == Level::ok) return ids;  // an end that is owed is told whatever is silent
    for (const auto& id : parts_.silences->holding(event.labels, to_wall(now, wall_step))) {
      ids += (ids.empty() ? "" : ",") + id;
    }
    return ids;
  });
  parts_.own_metrics.judged(report);
}

void Loop::wait(Time until) {
  const Duration patience = std::max(until - parts_.clock.now(), Duration(0));
  waiting_ = mailbox_->take(patience);
}

void Loop::take_messages(Time now) {
  while (waiting_ || (waiting_ = mailbox_->take(Duration(0)))) {
    Message message = std::move(*waiting_);
    waiting_.reset();
    std::visit([&](auto& content) { take(content, now); }, message);
  }
}

void Loop::take(PassDone& done, Time now) {
  std::vector<CollectorNews> news;
  if (parts_.collectors.take(done, now, news)) samples_arrived_ = true;
  log_news(parts_.log, news);
  if (!parts_.ready && parts_.collectors.warmed_up()) parts_.ready = true;
}

void Loop::take(AttemptDone& done, Time now) {
  const auto* later = std::get_if<RetryLater>(&done.attempt);
  const bool refused = later != nullptr && later->refused;
  AttemptNews news{false, parts_.deliveries.recovered(done), fallback_of(done.receiver)};
  const std::int64_t given_up_before = refused ? given_up_by(done.receiver) : 0;
  const auto recorded = parts_.deliveries.take(done, now, to_wall(now, parts_.clock.wall_step()));
  news.given_up = refused && given_up_by(done.receiver) > given_up_before;
  log_attempt(parts_.log, done, news);
  if (!recorded) parts_.log.error("the delivery is not on disk yet", {{"why", recorded.error().text()}});
}

std::string Loop::fallback_of(const std::string& receiver) const {
  for (const auto& plan : settings_.receivers) {
    if (plan.name == receiver) return plan.fallback;
  }
  return "";
}

std::int64_t Loop::given_up_by(const std::string& receiver) const {
  for (const auto& queue : parts_.dispatcher.statuses()) {
    if (queue.name == receiver) return queue.rejected;
  }
  return 0;
}

void Loop::take(SettingsRead& read, Time now) {
  if (stopping_) {  // threads that it would start now, nobody would end
    parts_.log.info("a reload came too late, the agent is stopping");
    return;
  }
  const WallTime wall = to_wall(now, parts_.clock.wall_step());
  parts_.own_metrics.reloaded(static_cast<bool>(read.settings), wall);
  if (!read.settings) {
    parts_.log.error("the configuration was not taken, the old one goes on", {{"problems", read.settings.error().text()}});
    ConfigView in_force = *config_.read();
    in_force.reloaded_well = false;
    config_.publish(std::move(in_force));
    return;
  }
  if (const auto sent = parts_.systemd.reloading(); !sent) parts_.log.warning(sent.error().text());
  Settings& fresh = **read.settings;
  config_.publish(view_of(fresh, now));
  for (const auto& key : needs_restart(settings_, fresh)) {
    parts_.log.warning("this change needs a restart to take effect", {{"key", key}});
  }
  parts_.collectors.configure(fresh.collectors, fresh.agent.interval, now);
  parts_.judge.replace_rules(fresh.rule_groups);
  parts_.judge.set_router(fresh.router);
  if (parts_.silences) parts_.silences->name_host(fresh.agent.host);
  if (parts_.mutes) parts_.mutes->replace(std::move(fresh.mute_times));
  log_abandoned(parts_.log, parts_.dispatcher.statuses(), receiver_names(fresh.receivers));
  if (const auto kept = parts_.dispatcher.reload(dispatch_targets(fresh.receivers), now, wall); !kept) {
    parts_.log.error("the queues' change is not on disk yet", {{"why", kept.error().text()}});
  }
  parts_.deliveries.configure(fresh.receivers);
  settings_.collectors = std::move(fresh.collectors);
  settings_.rule_groups = std::move(fresh.rule_groups);
  settings_.receivers = std::move(fresh.receivers);
  settings_.router = std::move(fresh.router);
  log_warnings(parts_.log, settings_);
  samples_arrived_ = true;  // judge at once under the new rules
  settled_at_ = now + settling_time;
  parts_.log.info("the configuration was read again", {{"rules", count_rules(settings_.rule_groups)},
                                                       {"collectors", settings_.collectors.size()},
                                                       {"receivers", settings_.receivers.size()}});
  if (const auto sent = parts_.systemd.ready("watching"); !sent) parts_.log.warning(sent.error().text());
}

void Loop::take(OutboxAsked& asked, Time now) {
  if (!asked.call->begin()) return;
  OutboxDesk desk{parts_.outbox, parts_.dispatcher, parts_.judge, parts_.mutes, parts_.log, now, parts_.clock.wall_step()};
  asked.call->answer(desk.answer(asked.call->question()));
}

void Loop::keep_house(Time now) {
  if (now >= next_housekeeping_) {
    next_housekeeping_ = now + housekeeping_interval;
    parts_.store.expire(now);
  }
  if (!settled_at_) settled_at_ = now + settling_time;
  if (now >= *settled_at_) {
    settled_at_ = Time::max();
    release_start_up_memory();
  }
  const auto interval = parts_.systemd.watchdog_interval();
  if (interval && (!next_watchdog_ || now >= *next_watchdog_)) {
    next_watchdog_ = now + *interval;
    if (const auto sent = parts_.systemd.watchdog(); !sent) parts_.log.warning(sent.error().text());
  }
}

void Loop::show_own_metrics(Time now) {
  next_own_metrics_ = now + own_metrics_interval;
  parts_.own_metrics.alerting(*parts_.judge.alerts().read(), parts_.judge.rules().size());
  parts_.own_metrics.dispatched(parts_.dispatcher.statuses(), parts_.outbox.statistics());
  parts_.own_metrics.buried(parts_.outbox.dead_letter_count());
  if (const HttpServer* server = server_) parts_.own_metrics.served(server->counters());
  parts_.own_metrics.logged(parts_.log.dropped(), parts_.log.failures());
  parts_.own_metrics.remembered(parts_.store.samples_evicted());
  parts_.own_metrics.contested(parts_.store.samples_contested());
  log_contests(parts_.log, parts_.store.take_contests());
  if (parts_.history) parts_.own_metrics.written_down(parts_.history->status());
  parts_.own_metrics.clocked(parts_.clock.wall_step());
  if (parts_.silences) parts_.own_metrics.silenced(parts_.silences->active(to_wall(now, parts_.clock.wall_step())));
  parts_.collectors.publish();
  if (const auto news = room_watch_.look(now)) {
    parts_.log.write(news->trouble ? LogLevel::warning : LogLevel::info, news->text, news->fields);
  }
}

bool Loop::shut_down(Duration patience) {
  stopping_ = true;
  if (const auto sent = parts_.systemd.stopping(); !sent) parts_.log.warning(sent.error().text());
  parts_.collectors.request_stop();

  // What can still be delivered is; whatever is not stays in the outbox for the next start.
  const Time give_up = parts_.clock.now() + patience;
  const auto serve_deliveries = [this](Time until) {
    while (parts_.deliveries.in_flight() > 0 && parts_.clock.now() < until) {
      wait(until);
      take_messages(parts_.clock.now());
      if (!parts_.deliveries.stopping()) parts_.deliveries.hand_out(parts_.clock.now());
    }
  };
  parts_.deliveries.hand_out(parts_.clock.now());
  serve_deliveries(give_up);
  parts_.deliveries.request_stop();
  serve_deliveries(parts_.clock.now() + interrupt_patience);

  const auto saved = parts_.judge.save(parts_.clock.now(), parts_.clock.wall_step());
  if (!saved) parts_.log.error("the last state could not be saved", {{"why", saved.error().text()}});
  const bool deliveries_ended = parts_.deliveries.join(interrupt_patience);
  const bool collectors_ended = parts_.collectors.join(interrupt_patience);
  mailbox_->close();
  return deliveries_ended && collectors_ended;
}

}  // namespace sidewatch
