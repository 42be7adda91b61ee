// Days of alerts, bad receivers and crashes in a moment, from a seed.
//
// A world of alerts that fire, rise, fall and resolve writes to a real outbox; receivers answer, refuse, fail, lose
// their answers; the process "dies" at any step (the files are copied as they are and opened as a restart would). When the
// faults end and the queue has drained, what the receivers got is held against what was committed:
// - everything committed arrived, or is a dead letter, or is part of a later message of its incident (I1);
// - one id always means the same message, and one delivery's id the same messages (I2), and none was invented (I3);
// - a receiver's messages of one alert come in their order (I4), none more often than crashes and lost answers explain;
// - who was told of an incident hears its end, and nobody else does; "oncall" is routed what is critical, and follows what
//   it has heard of; "chat" is told everything, in groups;
// - silences come and go: what is silent is not told meanwhile, only its end if its beginning was; what still fires
//   afterwards is; what began and ended meanwhile need not be;
// - the queue drains within the longest backoff (I7); the same seed gives the same run (I8).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "alerting/dispatcher.h"
#include "alerting/outbox.h"
#include "tests/support/notifications.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int alert_count = 4;
constexpr int steps_per_run = 220;
const std::vector<std::string> receivers = {"oncall", "chat"};

struct Alert {
  int incident = 0;
  Level level = Level::ok;  // ok: not firing
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) { start(); }

  void run() {
    for (int step = 0; step < steps_per_run; ++step) {
      now_ += Duration(pick(20'000));
      if (chance(40)) change_an_alert();
      if (chance(5)) silent_until_["a" + std::to_string(pick(alert_count))] = now_ + Duration(pick(300'000));
      attempt_what_is_due();
      if (chance(6)) crash();
    }
  }

  // No faults any more: everything must go out within the longest backoff and Retry-After.
  void drain() {
    faults_ = false;
    const Time deadline = now_ + 1h + 10min;
    while (const auto due = dispatcher_->next_due()) {
      now_ = std::max(now_, *due);
      ASSERT_LE(now_, deadline);
      attempt_what_is_due();
    }
    EXPECT_EQ(dispatcher_->queued(), 0u);
    EXPECT_EQ(outbox_->statistics().missing, 0);
  }

  void judge() const;
  const std::vector<Notification>& arrived(const std::string& receiver) const { return arrived_.at(receiver); }
  int crashes() const { return crashes_; }
  int grouped() const { return grouped_; }
  std::size_t held() const { return held_.size(); }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return pick(100) < percent; }

  void start() {
    auto opened = Outbox::open(directory_->path(), {.ballast_bytes = 0, .checkpoint_frames = 20});
    if (!opened) throw std::runtime_error(opened.error().text());
    outbox_.emplace(std::move(*opened));
    auto loaded = outbox_->load();
    if (!loaded) throw std::runtime_error(loaded.error().text());
    EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings[0];
    restore(loaded->states);
    dispatcher_ = std::make_unique<Dispatcher>(
        *outbox_, *loaded,
        std::vector<DispatchTarget>{{"oncall", "", 1000}, {.name = "chat", .fallback = "", .takes_groups = true}},
        [this] { return static_cast<double>(pick(1000)) / 1000; }, now_);
    dispatcher_->set_hold_back([this](const Notification& message, Time now) -> std::optional<Time> {
      if (!silent(message, now)) return std::nullopt;
      held_.insert({message.receiver, message.incident});
      return silent_until_.at(message.alert_key);
    });
    dispatcher_->set_renew([](Notification&, Time) {});  // one id means the same message, also after a crash
  }

  bool silent(const Notification& message, Time now) const {
    const auto found = silent_until_.find(message.alert_key);
    return found != silent_until_.end() && found->second > now;
  }

  void crash() {
    ++crashes_;
    auto copy = std::make_unique<TempDir>();
    for (const auto* name : {"outbox.db", "outbox.db-wal", "outbox.high-water"}) {
      std::error_code absent;
      fs::copy_file(*directory_ / name, *copy / name, absent);
    }
    dispatcher_.reset();
    outbox_.reset();
    directory_ = std::move(copy);
    start();
  }

  void restore(const std::vector<StateRow>& rows) {
    std::map<int, Alert> restored;
    for (const auto& [key, blob] : rows) {
      restored[std::stoi(key)] = {std::stoi(blob.substr(1)), blob[0] == 'c' ? Level::critical
                                                             : blob[0] == 'w' ? Level::warning : Level::ok};
    }
    for (int i = 0; i < alert_count; ++i) {  // states and messages are one transaction: never one without the other
      EXPECT_EQ(restored[i].incident, alerts_[i].incident);
      EXPECT_EQ(restored[i].level, alerts_[i].level);
    }
  }

  void change_an_alert() {
    const int number = static_cast<int>(pick(alert_count));
    Alert& alert = alerts_[number];
    Reason reason = Reason::fired;
    if (alert.level == Level::ok) {
      ++alert.incident;
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

  void commit(int number, Reason reason) {
    const Alert& alert = alerts_[number];
    std::vector<Notification> batch;
    for (const auto& receiver : receivers) {
      NotificationOf of{.id = "n" + std::to_string(++last_id_), .alert = "a" + std::to_string(number),
                        .receiver = receiver, .reason = reason};
      of.incident = of.alert + "/" + std::to_string(alert.incident);
      of.level = alert.level == Level::ok ? Level::warning : alert.level;
      batch.push_back(make_notification(of));
      Routing& routing = batch.back().routing;
      if (receiver == "oncall") {
        routing.follow_up = alert.level != Level::critical;
      } else {
        routing.group = "group of " + std::to_string(number % 2);
        routing.group_wait = 10s;
      }
      committed_[of.id] = {last_id_, batch.back()};
    }
    Transaction with;
    const char code = alert.level == Level::critical ? 'c' : alert.level == Level::warning ? 'w' : 'o';
    with.states = {{std::to_string(number), code + std::to_string(alert.incident)}};
    ASSERT_TRUE(dispatcher_->enqueue(std::move(batch), with, now_));
  }

  void attempt_what_is_due() {
    for (const auto& delivery : dispatcher_->due(now_)) {
      const std::uint64_t what = faults_ ? pick(100) : 0;
      if (what < 35) {
        arrive(delivery);
        if (faults_ && chance(8)) {  // taken, and nobody knows
          excused_ += static_cast<int>(delivery.alerts.size());
          for (const auto& message : delivery.alerts) forgotten_.insert({message.receiver, message.incident});
          return crash();
        }
        finish(delivery, Delivered{});
      } else if (what < 45) {
        arrive(delivery);
        excused_ += static_cast<int>(delivery.alerts.size());
        finish(delivery, RetryLater{"timed out", std::nullopt, false, false});
      } else if (what < 52) {
        finish(delivery, Rejected{"HTTP 400"});  // of several, each is tried by itself
        if (!delivery.of_several()) refused_.insert({delivery.receiver, delivery.first().incident});
      } else if (what < 60) {
        finish(delivery, RetryLater{"HTTP 429", Duration(pick(7'200'000)), true, false});
      } else if (what < 65) {
        if (chance(50)) return crash();  // under way when the process dies
        dispatcher_->hand_back(delivery.receiver, delivery.id);
      } else {
        finish(delivery, RetryLater{"connection refused", std::nullopt, what < 80, false});
      }
    }
  }

  void arrive(const Delivery& delivery) {
    std::string content;
    std::set<std::string> alerts, groups;
    for (const auto& message : delivery.alerts) {
      EXPECT_TRUE(!message.problem() || !silent(message, now_)) << message.id << " was told in silence";
      arrived_[delivery.receiver].push_back(message);
      arrived_[delivery.receiver].back().routing.batch.clear();
      content += encode(arrived_[delivery.receiver].back()) + "\n";
      alerts.insert(message.alert_key);
      groups.insert(message.routing.group);
    }
    const auto [known, fresh] = deliveries_.emplace(delivery.receiver + " " + delivery.id, content);
    EXPECT_EQ(known->second, content) << delivery.id << " means something else now";
    EXPECT_EQ(alerts.size(), delivery.alerts.size()) << "two messages of one alert have an order";
    EXPECT_EQ(groups.size(), 1u);
    EXPECT_EQ(delivery.of_several(), is_of_several(delivery.id));
    if (delivery.of_several()) ++grouped_;
  }

  void finish(const Delivery& delivery, const Attempt& attempt) {
    ASSERT_TRUE(dispatcher_->finished(delivery.receiver, delivery.id, attempt, now_, to_wall(now_, {})));
  }

  std::mt19937_64 random_;
  std::unique_ptr<TempDir> directory_ = std::make_unique<TempDir>();
  std::optional<Outbox> outbox_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Time now_ = time_at_ms(1'000'000);
  bool faults_ = true;
  int last_id_ = 0;
  int crashes_ = 0;
  int excused_ = 0;  // messages that arrived and will come again, for the sender cannot know
  int grouped_ = 0;  // deliveries of several
  std::map<std::string, Time> silent_until_;  // by alert; over crashes
  std::set<std::pair<std::string, std::string>> held_;       // receiver, incident
  std::set<std::pair<std::string, std::string>> forgotten_;  // likewise: that it was told was forgotten in a crash
  std::map<std::string, std::string> deliveries_;  // content by id
  std::map<int, Alert> alerts_;
  std::map<std::string, std::pair<int, Notification>> committed_;  // by id
  std::map<std::string, std::vector<Notification>> arrived_{{"oncall", {}}, {"chat", {}}};
  std::set<std::pair<std::string, std::string>> refused_;  // receiver, incident
};

void World::judge() const {
  int repetitions = 0;
  std::set<std::string> over;  // incidents
  for (const auto& [id, entry] : committed_) {
    if (!entry.second.problem()) over.insert(entry.second.incident);
  }
  for (const auto& receiver : receivers) {
    std::map<std::string, std::string> content;     // by id
    std::map<std::string, int> last_of_alert;
    std::set<std::string> heard, ended;             // incidents
    for (const auto& message : arrived(receiver)) {
      const auto known = committed_.find(message.id);
      ASSERT_NE(known, committed_.end()) << message.id;
      const auto [first, fresh] = content.emplace(message.id, encode(message));
      EXPECT_EQ(first->second, encode(message)) << message.id;
      if (!fresh) ++repetitions;
      int& last = last_of_alert[message.alert_key];
      EXPECT_LE(last, known->second.first) << receiver << ": " << message.id << " came too late";
      last = known->second.first;
      const bool has_a_beginning = message.problem() || message.reason == Reason::fired_and_resolved;
      if (has_a_beginning) heard.insert(message.incident);
      EXPECT_TRUE(heard.contains(message.incident)) << receiver << " heard the end alone: " << message.id;
      if (!message.problem()) ended.insert(message.incident);
    }
    for (const auto& [id, entry] : committed_) {
      const Notification& message = entry.second;
      if (message.receiver != receiver || refused_.contains({receiver, message.incident})) continue;
      const bool knows = heard.contains(message.incident);
      const bool was_held = held_.contains({receiver, message.incident});
      EXPECT_TRUE(knows || message.routing.follow_up || (was_held && over.contains(message.incident)))
          << receiver << " never heard of " << message.incident;
      const bool forgotten = was_held && forgotten_.contains({receiver, message.incident});
      EXPECT_TRUE(message.problem() || !knows || forgotten || ended.contains(message.incident))
          << receiver << " never heard the end: " << id;
    }
  }
  EXPECT_LE(repetitions, excused_);
}

TEST(DeliverySimulation, KeepsItsPromisesOverManySeeds) {
  int crashes = 0;
  int grouped = 0;
  std::size_t held = 0;
  std::size_t arrived = 0;
  for (unsigned seed = 1; seed <= 40 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.run();
    world.drain();
    world.judge();
    crashes += world.crashes();
    grouped += world.grouped();
    held += world.held();
    arrived += world.arrived("oncall").size();
  }
  EXPECT_GT(crashes, 400);
  EXPECT_GT(grouped, 200);
  EXPECT_GT(held, 200u);
  EXPECT_GT(arrived, 700u);
}

TEST(DeliverySimulation, TheSameSeedGivesTheSameRun) {
  const auto log_of = [](unsigned seed) {
    World world(seed);
    world.run();
    world.drain();
    std::string log;
    for (const auto& receiver : receivers) {
      for (const auto& message : world.arrived(receiver)) log += encode(message) + "\n";
    }
    return log;
  };
  EXPECT_EQ(log_of(7), log_of(7));
  EXPECT_NE(log_of(7), log_of(8));
}

}  // namespace
}  // namespace sidewatch
