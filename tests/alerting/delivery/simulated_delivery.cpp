#include "tests/alerting/delivery/simulated_delivery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int alert_count = 4;
constexpr int steps_per_run = 220;

std::vector<DispatchTarget> targets() {
  return {{"oncall", "", 1000},
          {.name = "chat", .takes_groups = true},
          {.name = "pager", .fallback = "backup", .max_queued = 3},
          {.name = "backup"}};
}

std::string alert_name(int number) { return "a" + std::to_string(number); }

}  // namespace

SimulatedDelivery::SimulatedDelivery(unsigned seed) : random_(seed) { start(); }

void SimulatedDelivery::run() {
  for (int step = 0; step < steps_per_run && !testing::Test::HasFatalFailure(); ++step) {
    now_ += Duration(pick(20'000));
    if (chance(40)) change_an_alert();
    if (chance(8)) change_what_is_silent();
    if (chance(10)) do_something_by_hand();
    hand_out();
    answer_some();
    if (chance(1)) reload();
    if (chance(2)) stop_and_start();
    if (chance(5)) kill();
  }
}

void SimulatedDelivery::drain() {
  faults_ = false;
  silent_until_.clear();
  night_until_ = now_;
  now_ += 10s;  // so that the end of a silence is noticed
  const Time deadline = now_ + 1h + 10min;
  do {
    hand_out();
    answer_some();
    const auto due = dispatcher_->next_due();
    if (under_way_.empty() && !due) break;
    if (due) now_ = std::max(now_, *due);
    ASSERT_LE(now_, deadline);
  } while (true);
  EXPECT_EQ(dispatcher_->queued(), 0U);
  EXPECT_EQ(outbox_->statistics().missing, 0);
}

Level SimulatedDelivery::level_of(const std::string& incident) const {
  for (const auto& [number, alert] : alerts_) {
    if (alert_name(number) + "/" + std::to_string(alert.incident) == incident) return alert.level;
  }
  return Level::ok;
}

void SimulatedDelivery::start() {
  auto opened = Outbox::open(directory_->path(), {.ballast_bytes = 0, .checkpoint_frames = 20});
  if (!opened) throw std::runtime_error(opened.error().text());
  outbox_.emplace(std::move(*opened));
  auto loaded = outbox_->load();
  if (!loaded) throw std::runtime_error(loaded.error().text());
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings[0];
  restore(loaded->states);
  const auto random = [this] { return static_cast<double>(pick(1000)) / 1000; };
  dispatcher_ = std::make_unique<Dispatcher>(*outbox_, *loaded, targets(), random, now_);
  dispatcher_->set_hold_back([this](const Notification& message, Time) {
    const auto until = held_until(message);
    if (until) held_.insert({message.receiver, message.incident});
    return until;
  });
  dispatcher_->set_renew([](Notification& message, Time now) {  // never twice the same
    renew_times(message, to_wall(now, Duration(0)));
    message.value = static_cast<double>(now.time_since_epoch().count());
  });
}

// States and messages are one transaction: never one without the other.
void SimulatedDelivery::restore(const std::vector<StateRow>& rows) {
  std::map<int, Alert> restored;
  for (const auto& [key, blob] : rows) {
    restored[std::stoi(key)] = {std::stoi(blob.substr(1)), static_cast<Level>(blob[0] - '0'), {}};
  }
  for (int i = 0; i < alert_count; ++i) {
    EXPECT_EQ(restored[i].incident, alerts_[i].incident);
    EXPECT_EQ(restored[i].level, alerts_[i].level);
  }
}

void SimulatedDelivery::kill() {
  ++crashes_;
  for (const auto& [receiver, attempt] : under_way_) {
    if (attempt.arrived) lost_answers_ += static_cast<int>(attempt.delivery.alerts.size());
  }
  under_way_.clear();
  auto copy = std::make_unique<TempDir>();
  for (const auto* name : {"outbox.db", "outbox.db-wal", "outbox.high-water"}) {
    std::error_code absent;
    fs::copy_file(*directory_ / name, *copy / name, absent);
  }
  dispatcher_.reset();
  outbox_.reset();
  directory_ = std::move(copy);
  now_ += Duration(pick(300'000));  // meanwhile silences and nights end
  start();
}

void SimulatedDelivery::stop_and_start() {
  for (auto& [receiver, attempt] : under_way_) {
    if (attempt.arrived) {
      finish(attempt.delivery, Delivered{});
    } else {
      dispatcher_->hand_back(receiver, attempt.delivery.id);
    }
  }
  under_way_.clear();
  dispatcher_.reset();
  outbox_.reset();
  now_ += Duration(pick(300'000));
  start();
}

void SimulatedDelivery::reload() { ASSERT_TRUE(dispatcher_->reload(targets(), now_, wall())); }

void SimulatedDelivery::change_an_alert() {
  const int number = static_cast<int>(pick(alert_count));
  Alert& alert = alerts_[number];
  Reason reason = Reason::fired;
  if (alert.level == Level::ok) {
    ++alert.incident;
    alert.since = wall();
    alert.level = chance(70) ? Level::warning : Level::critical;
  } else if (chance(50)) {
    reason = Reason::resolved;
    alert.level = Level::ok;
  } else if (alert.level == Level::warning) {
    reason = Reason::escalated;
    alert.level = Level::critical;
  } else {
    reason = Reason::deescalated;
    alert.level = Level::warning;
  }
  commit(number, reason);
}

void SimulatedDelivery::commit(int number, Reason reason) {
  const Alert& alert = alerts_[number];
  std::vector<Notification> batch;
  for (const auto& receiver : simulated_receivers) {
    batch.push_back(message_for(receiver, number, reason));
    committed_.emplace(batch.back().id, batch.back());
  }
  Transaction with;
  with.states = {{std::to_string(number), std::to_string(static_cast<int>(alert.level)) + std::to_string(alert.incident)}};
  ASSERT_TRUE(dispatcher_->enqueue(std::move(batch), with, now_));
}

Notification SimulatedDelivery::message_for(const std::string& receiver, int number, Reason reason) {
  const Alert& alert = alerts_[number];
  NotificationOf of{.id = "n" + std::to_string(++last_id_), .alert = alert_name(number), .receiver = receiver,
                    .reason = reason};
  of.incident = of.alert + "/" + std::to_string(alert.incident);
  of.level = alert.level == Level::ok ? Level::warning : alert.level;
  Notification message = make_notification(of);
  message.starts_at = alert.since;
  message.created_at = wall();
  message.duration = message.created_at - message.starts_at;
  if (!message.problem()) message.ends_at = wall();
  Routing& routing = message.routing;
  if (receiver == "oncall") routing.follow_up = alert.level != Level::critical;
  if (receiver == "backup") routing.follow_up = true;
  if (receiver == "chat") {
    routing.group = "group of " + std::to_string(number % 2);
    routing.group_wait = 10s;
    routing.mute = {"nights"};
  }
  return message;
}

std::optional<Time> SimulatedDelivery::held_until(const Notification& message) const {
  std::optional<Time> until;
  const auto silent = silent_until_.find(message.alert_key);
  if (silent != silent_until_.end() && silent->second > now_) until = silent->second;
  if (!message.routing.mute.empty() && night_until_ > now_) until = std::max(until.value_or(night_until_), night_until_);
  return until;
}

void SimulatedDelivery::change_what_is_silent() {
  const auto some_time = Duration(pick(300'000));
  const std::string alert = alert_name(static_cast<int>(pick(alert_count)));
  switch (pick(4)) {
    case 0:
    case 1: silent_until_[alert] = now_ + some_time; break;
    case 2: silent_until_.erase(alert); break;
    case 3: night_until_ = night_until_ > now_ ? now_ : now_ + some_time; break;
  }
}

void SimulatedDelivery::do_something_by_hand() {
  ++by_hand_;
  switch (pick(6)) {
    case 0:
    case 1: static_cast<void>(dispatcher_->try_now(something_that_waits(), now_)); break;
    case 2: drop(something_that_waits()); break;
    case 3:
    case 4: send_again(); break;
    case 5: drop_dead_letters(); break;
  }
}

Chosen SimulatedDelivery::something_that_waits() {
  const auto waiting = dispatcher_->waiting({}, 1000, now_);
  if (waiting.empty() || chance(5)) return {};
  const Notification& message = waiting[pick(waiting.size())].notification;
  return chance(20) ? Chosen{.receiver = message.receiver} : Chosen{.id = message.id};
}

void SimulatedDelivery::drop(const Chosen& which) {
  const std::size_t most = chance(80) ? 1000 : 2;
  const auto before = dispatcher_->waiting(which, 1000, now_);
  const auto done = dispatcher_->discard(which, most, wall());
  EXPECT_EQ(done.messages + done.under_way + done.left, before.size());
  std::set<std::string> left;
  for (const auto& message : dispatcher_->waiting(which, 1000, now_)) left.insert(message.notification.id);
  for (const auto& message : before) {
    if (left.contains(message.notification.id)) continue;
    story_.push_back({Happened::What::dropped, message.notification.receiver, message.notification});
  }
}

void SimulatedDelivery::drop_dead_letters() {
  Transaction changes;
  changes.at = wall();
  for (const auto& letter : outbox_->dead_letters(1 + pick(3))) {
    changes.forgotten.push_back({letter.number, letter.notification.id});
    story_.push_back({Happened::What::dropped, letter.notification.receiver, letter.notification});
  }
  ASSERT_TRUE(outbox_->commit(changes));
}

void SimulatedDelivery::send_again() {
  auto letters = outbox_->dead_letters(1 + pick(10));
  std::erase_if(letters, [&](const DeadLetter&) { return chance(30); });
  std::reverse(letters.begin(), letters.end());
  SendAgain how;
  if (chance(15)) how.to = simulated_receivers[pick(simulated_receivers.size())];
  how.fires_now = [this](const std::string& key) -> std::optional<FiresNow> {
    const Alert& alert = alerts_.at(std::stoi(key.substr(1)));
    if (alert.level == Level::ok) return std::nullopt;
    return FiresNow{key + "/" + std::to_string(alert.incident), alert.level};
  };
  const auto done = dispatcher_->send_again(letters, how, now_, wall());
  EXPECT_EQ(done.messages + done.stays.size(), letters.size());
  for (auto& letter : letters) {
    const auto is_it = [&](const SentAgain::Stays& stays) { return stays.id == letter.notification.id; };
    if (std::any_of(done.stays.begin(), done.stays.end(), is_it)) continue;
    const std::string receiver = how.to.empty() ? letter.notification.receiver : how.to;
    sent_again_.insert(receiver + " " + std::to_string(order_of(letter.notification.id)));
    const bool to_another = receiver != letter.notification.receiver;
    if (to_another) story_.push_back({Happened::What::refused, letter.notification.receiver, letter.notification});
    story_.push_back({Happened::What::sent_again, receiver, std::move(letter.notification)});
    story_.back().by_hand = to_another;
  }
}

void SimulatedDelivery::hand_out() {
  for (auto& delivery : dispatcher_->due(now_)) {
    const std::string receiver = delivery.receiver;
    EXPECT_FALSE(under_way_.contains(receiver)) << "one at a time";
    std::string ids;
    std::set<std::string> alerts, groups;
    for (const auto& message : delivery.alerts) {
      ids += message.id + " ";
      alerts.insert(message.alert_key);
      groups.insert(message.routing.group);
    }
    EXPECT_EQ(alerts.size(), delivery.alerts.size()) << "two messages of one alert have an order";
    EXPECT_EQ(groups.size(), 1U);
    EXPECT_EQ(delivery.of_several(), is_of_several(delivery.id));
    EXPECT_EQ(deliveries_.emplace(receiver + " " + delivery.id, ids).first->second, ids) << delivery.id;
    note(Happened::What::attempted, delivery);
    UnderWay& attempt = under_way_[receiver] = {std::move(delivery), false};
    if (!faults_ || chance(50)) arrive(attempt);
  }
}

void SimulatedDelivery::arrive(UnderWay& attempt) {
  attempt.arrived = true;
  note(Happened::What::arrived, attempt.delivery);
}

void SimulatedDelivery::answer_some() {
  for (auto it = under_way_.begin(); it != under_way_.end();) {
    if (faults_ && chance(30)) {
      ++it;
      continue;
    }
    const UnderWay attempt = std::move(it->second);
    it = under_way_.erase(it);
    answer(attempt);
  }
}

void SimulatedDelivery::answer(const UnderWay& attempt) {
  const Delivery& delivery = attempt.delivery;
  const std::uint64_t what = faults_ ? pick(100) : 0;
  if (attempt.arrived) {
    if (what < 75) return finish(delivery, Delivered{});
    lost_answers_ += static_cast<int>(delivery.alerts.size());
    return finish(delivery, RetryLater{"timed out", std::nullopt, false, false});
  }
  if (faults_ && what < 30) {  // of several, each is tried by itself
    if (!delivery.of_several()) note(Happened::What::refused, delivery);
    return finish(delivery, Rejected{"HTTP 400"});
  }
  if (faults_ && what < 45) return finish(delivery, RetryLater{"HTTP 429", Duration(pick(600'000)), true, false});
  if (what < 55) return dispatcher_->hand_back(delivery.receiver, delivery.id);
  finish(delivery, RetryLater{"connection refused", std::nullopt, what < 70, false});
}

void SimulatedDelivery::finish(const Delivery& delivery, const Attempt& attempt) {
  if (std::holds_alternative<Delivered>(attempt)) note(Happened::What::delivered, delivery);
  ASSERT_TRUE(dispatcher_->finished(delivery.receiver, delivery.id, attempt, now_, wall()));
}

void SimulatedDelivery::note(Happened::What what, const Delivery& delivery) {
  for (const auto& message : delivery.alerts) {
    const bool by_hand = sent_again_.contains(delivery.receiver + " " + std::to_string(order_of(message.id)));
    story_.push_back({what, delivery.receiver, message, delivery.id, held_until(message).has_value(), by_hand});
  }
}

}  // namespace sidewatch
