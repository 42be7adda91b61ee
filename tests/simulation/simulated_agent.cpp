// See simulated_agent.h.

#include "tests/simulation/simulated_agent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "agent/time_away.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr const char* rules_yaml = R"(
rules:
  - alert: LoadHigh
    expr: load
    warning: {above: 80, clear: 70}
    critical: {above: 95, clear: 92}
    cooldown: 5m
  - alert: LoadLong
    expr: load
    warning: {above: 80}
    critical: {above: 95}
    for: 1m
    keep_firing_for: 2m
    cooldown: 10m
  - alert: QueueLong
    expr: queue
    warning: {above: 80}
    for: {at_least: 3, of: 5}
    cooldown: 1m
)";
constexpr Duration hold_of_load_long = 1min;

constexpr double calm_value = 50, high_value = 90, extreme_value = 99;
enum class Mood { calm, high, extreme, flapping, drifting, gone };

}  // namespace

struct SimulatedAgent::Source {
  struct Instance {
    std::string name;
    Mood mood = Mood::calm;
    bool up = false;  // of the last flap
  };
  std::string metric;
  std::vector<Instance> instances;
};

// All that a crash takes away.
struct SimulatedAgent::Process {
  Process(Outbox given, Time now, std::size_t max_queued, RandomUnit random, std::function<BootPosition()> where)
      : outbox(std::move(given)), loaded(outbox.load().value()), dispatcher(outbox, loaded, targets(max_queued), random, now),
        judge(engine(now, where()), dispatcher, catalog, store, where) {
    judge.set_router(receivers());
    for (const auto* metric : {"load", "queue"}) sources[metric] = store.add_source(metric);
  }

  static std::vector<DispatchTarget> targets(std::size_t max_queued) {
    std::vector<DispatchTarget> all;
    for (const auto& name : receivers()) all.push_back({name, "", max_queued});
    return all;
  }

  Engine engine(Time now, const BootPosition& boot) const {
    static const std::vector<RuleGroup> rules = rules_of(rules_yaml);
    Engine fresh(rules, {});
    EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings[0];
    if (!loaded.saved) return fresh;
    const auto report = fresh.restore(loaded.states, loaded.saved->time, now, time_away(*loaded.saved, boot, now));
    EXPECT_TRUE(report.problems.empty()) << report.problems[0];
    EXPECT_EQ(report.orphaned, 0u);
    return fresh;
  }

  const SeriesHandle& series(const std::string& metric, const std::string& instance) {
    auto& handle = handles[metric + "/" + instance];
    if (!handle) handle = catalog.series(Metric{metric, MetricType::gauge, "", "Simulated."}, {{"instance", instance}});
    return handle;
  }

  Outbox outbox;
  Loaded loaded;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  std::map<std::string, SourceId> sources;
  std::map<std::string, SeriesHandle> handles;
  Dispatcher dispatcher;
  Judge judge;
};

const std::vector<std::string>& SimulatedAgent::receivers() {
  static const std::vector<std::string> names = {"oncall", "chat"};
  return names;
}

Duration SimulatedAgent::cooldown(const std::string& rule) {
  return rule == "LoadHigh" ? Duration(5min) : rule == "LoadLong" ? Duration(10min) : Duration(1min);
}

SimulatedAgent::SimulatedAgent(const SimulationOptions& options) : options_(options), random_(options.seed) {
  sources_ = {{"load", {{"a"}, {"b"}, {"c"}, {"d"}}}, {"queue", {{"a"}, {"b"}}}};
  for (const auto& name : receivers()) arrived_[name];
  start();
}

SimulatedAgent::~SimulatedAgent() = default;

void SimulatedAgent::run(int steps) {
  for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
    pass(chance(3) ? Duration(pick(600'000)) : Duration(200 + pick(20'000)));
    change_the_world();
    if (chance(85)) deliver();
    judge();
    if (chance(2)) crash();
    hand_out();
    answer_what_hangs();
    if (chance(4)) crash();
  }
}

void SimulatedAgent::settle() {
  faults_ = false;
  for (auto& source : sources_) {
    for (auto& instance : source.instances) instance.mood = static_cast<Mood>(pick(3));
  }
  for (int minute = 0; minute < 24 && !testing::Test::HasFailure(); ++minute) {
    pass(1min);
    deliver();
    judge();
    answer_what_hangs();
    for (auto due = process_->dispatcher.next_due(); due && *due <= now(); due = process_->dispatcher.next_due()) hand_out();
    if (minute <= 10) continue;  // the longest backoff is five minutes
    EXPECT_EQ(process_->dispatcher.queued(), 0u) << "in minute " << minute;
  }
  EXPECT_EQ(process_->outbox.statistics().missing, 0);
  EXPECT_EQ(process_->outbox.statistics().quarantined, 0);
}

void SimulatedAgent::start() {
  started_ = elapsed_;
  origin_ = Time(wall().time_since_epoch());
  auto outbox = options_.on_disk ? Outbox::open(directory_->path(), {.ballast_bytes = 0, .checkpoint_frames = 20})
                                 : Result<Outbox>(Outbox::in_memory());
  if (!outbox) throw std::runtime_error(outbox.error().text());
  process_ = std::make_unique<Process>(
      std::move(*outbox), now(), options_.max_queued, [this] { return static_cast<double>(pick(1000)) / 1000; },
      [this] { return boot(); });
}

void SimulatedAgent::crash() {
  if (!options_.on_disk) return;
  ++crashes_;
  for (const auto& hanging : under_way_) excused_ += hanging.arrived ? 1 : 0;
  under_way_.clear();
  auto copy = std::make_unique<TempDir>();
  for (const auto* name : {"outbox.db", "outbox.db-wal", "outbox.high-water"}) {
    std::error_code absent;
    std::filesystem::copy_file(*directory_ / name, *copy / name, absent);
  }
  process_.reset();
  directory_ = std::move(copy);
  elapsed_ += Duration(chance(50) ? pick(5'000) : pick(900'000));
  if (options_.wall_jumps && chance(20)) wall_offset_ += Duration(pick(172'800'000)) - 24h;
  if (!options_.wall_jumps && chance(20)) ++boots_;
  start();
}

void SimulatedAgent::pass(Duration time) {
  elapsed_ += time;
  alive_ += time;
  if (faults_ && options_.wall_jumps && chance(2)) wall_offset_ += Duration(pick(172'800'000)) - 24h;
}

void SimulatedAgent::change_the_world() {
  if (!chance(12)) return;
  auto& source = sources_[chance(70) ? 0 : 1];
  source.instances[pick(source.instances.size())].mood = static_cast<Mood>(pick(6));
}

void SimulatedAgent::deliver() {
  for (auto& source : sources_) {
    Batch batch;
    for (auto& instance : source.instances) {
      double value = calm_value;
      switch (instance.mood) {
        case Mood::calm: break;
        case Mood::high: value = high_value; break;
        case Mood::extreme: value = extreme_value; break;
        case Mood::flapping: value = (instance.up = !instance.up) ? extreme_value : calm_value; break;
        case Mood::drifting: value = 60 + static_cast<double>(pick(41)); break;
        case Mood::gone: continue;
      }
      batch.add(process_->series(source.metric, instance.name), value);
      if (source.metric != "load") continue;
      if (value > 80) {
        above_since_.try_emplace(instance.name, alive_);
      } else {
        above_since_.erase(instance.name);
      }
    }
    process_->store.append(process_->sources.at(source.metric), now(), batch);
  }
}

void SimulatedAgent::judge() {
  const auto report = process_->judge.judge(now(), wall_step());
  EXPECT_TRUE(report.problems.empty()) << report.problems[0];
  const auto before = std::exchange(incidents_, {});
  for (const auto& alert : alerts()) {
    if (alert.firing) incidents_[alert.key] = alert.incident;
  }
  note(report, before);
}

void SimulatedAgent::note(const JudgeReport& report, const std::map<std::string, std::string>& before) {
  std::map<std::string, std::string> left = before;
  for (const auto& event : report.events) {
    if (event.transition == Transition::fired) check_hold(event);
    if (event.transition == Transition::resolved) left.erase(event.alert_key);
    if (!event.sent) continue;
    const auto& of = event.level == Level::ok ? before : incidents_;
    const auto incident = of.find(event.alert_key);
    ASSERT_NE(incident, of.end()) << "told of an incident that is not there: " << event.labels.to_string();
    decided_.push_back({event.rule, std::string(event.labels.get("instance")), event.alert_key, incident->second, *event.sent,
                     event.level, elapsed_});
  }
  for (const auto& [key, incident] : left) {
    const auto goes_on = incidents_.find(key);
    ASSERT_NE(goes_on, incidents_.end()) << "an incident vanished without an end: " << incident;
    EXPECT_EQ(goes_on->second, incident) << "an incident changed its name";
  }
}

// Neither the wall clock nor time away makes a delay shorter.
void SimulatedAgent::check_hold(const AlertEvent& event) const {
  if (event.rule != "LoadLong") return;
  const auto since = above_since_.find(std::string(event.labels.get("instance")));
  ASSERT_NE(since, above_since_.end()) << "it fired while its value was calm";
  EXPECT_GE(alive_ - since->second, hold_of_load_long);
}

void SimulatedAgent::hand_out() {
  const int crashes = crashes_;
  for (auto& message : process_->dispatcher.due(now())) {
    attempt(message.first());
    if (crashes_ != crashes) return;  // nothing of this process is left
  }
  for (const auto& status : process_->dispatcher.statuses()) {
    EXPECT_LE(status.queued, options_.max_queued + 1) << "with the one under way";
  }
}

void SimulatedAgent::attempt(Notification message) {
  const std::uint64_t what = faults_ ? pick(100) : 0;
  const auto arrives = [&] { arrived_[message.receiver].push_back(message); };
  if (what < 38) {
    arrives();
    if (!faults_ || !options_.on_disk || !chance(10)) return finish(message, Delivered{});
    ++excused_;  // taken, and nobody knows
    crash();
  } else if (what < 46) {
    arrives();
    ++excused_;
    finish(message, RetryLater{"the answer was lost", std::nullopt, false, false});
  } else if (what < 60) {
    finish(message, RetryLater{"HTTP 500", std::nullopt, false, false});
  } else if (what < 68) {
    finish(message, RetryLater{"HTTP 429", Duration(pick(120'000)), true, false});
  } else if (what < 70) {
    finish(message, Rejected{"HTTP 400"});
  } else if (what < 74) {
    finish(message, RetryLater{"connection refused", std::nullopt, true, false});
  } else {
    const bool arrived = chance(50);
    if (arrived) arrives();
    const bool delivered = arrived && chance(50);
    excused_ += arrived && !delivered ? 1 : 0;
    const Attempt timed_out = RetryLater{"timed out", std::nullopt, false, false};
    under_way_.push_back({std::move(message), elapsed_ + Duration(pick(15'000)),
                          delivered ? Attempt(Delivered{}) : timed_out, arrived && delivered});
  }
}

void SimulatedAgent::answer_what_hangs() {
  const auto over = std::stable_partition(under_way_.begin(), under_way_.end(),
                                          [this](const UnderWay& one) { return one.until > elapsed_; });
  for (auto one = over; one != under_way_.end(); ++one) finish(one->message, one->outcome);
  under_way_.erase(over, under_way_.end());
}

void SimulatedAgent::finish(const Notification& message, const Attempt& attempt) {
  EXPECT_TRUE(process_->dispatcher.finished(message.receiver, message.id, attempt, now(), wall()));
}

std::vector<DeadLetter> SimulatedAgent::dead_letters() const { return process_->outbox.dead_letters(10'000); }

std::vector<AlertView> SimulatedAgent::alerts() const { return *process_->judge.alerts().read(); }

Level SimulatedAgent::settled_level(const std::string& rule, const std::string& instance) const {
  const auto& source = sources_[rule == "QueueLong" ? 1 : 0];
  const auto its = std::find_if(source.instances.begin(), source.instances.end(),
                                [&](const Source::Instance& one) { return one.name == instance; });
  if (its->mood == Mood::calm) return Level::ok;
  return its->mood == Mood::extreme && rule != "QueueLong" ? Level::critical : Level::warning;
}

}  // namespace sidewatch
