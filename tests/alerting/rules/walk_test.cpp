// Random walks of the state machine and the planner against an oracle that keeps no state, with a restart at every
// step.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "alerting/alert.h"
#include "alerting/plan.h"
#include "alerting/policy/state.h"
#include "tests/alerting/rules/walk_oracle.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t walks = 2000;
constexpr std::size_t steps_per_walk = 120;  // 240 000 steps

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine_); }
  bool once_in(std::size_t count) { return below(count) == 0; }
  template <class T>
  T of(std::initializer_list<T> choices) { return *(choices.begin() + below(choices.size())); }

 private:
  std::mt19937 engine_;
};

struct Walk {
  Policy policy;
  Duration cooldown{0};
  std::vector<Seen> history;
};

Hold random_hold(Dice& dice) {
  if (dice.once_in(3)) {
    const auto of = static_cast<unsigned>(1 + dice.below(5));
    return {0s, static_cast<unsigned>(1 + dice.below(of)), of};
  }
  return {dice.of<Duration>({0s, 0s, 10s, 30s}), 0, 0};
}

Policy random_policy(Dice& dice) {
  const bool high = dice.once_in(2);
  const auto comparison = high ? Comparison::greater : Comparison::less;
  const double sign = high ? 1 : -1;
  const auto level = [&](double bound) {
    Threshold threshold{comparison, sign * bound, {}};
    if (dice.once_in(2)) threshold.clear = sign * (bound - 5 * static_cast<double>(dice.below(3)));
    return LevelPolicy{threshold, random_hold(dice)};
  };
  Policy policy;
  const std::size_t which = dice.below(4);
  if (which != 0) policy.warning = level(80);
  if (which != 1) policy.critical = level(95);
  policy.keep_firing_for = dice.of<Duration>({0s, 0s, 10s, 30s});
  policy.no_data = dice.of({NoData::keep, NoData::ok, NoData::warning, NoData::critical});
  policy.no_data_after = dice.of<Duration>({0s, 15s, 45s});
  return policy;
}

// Values stay where they are for a while; now and then the same sample is seen twice.
std::vector<Seen> random_history(Dice& dice, double sign) {
  std::vector<Seen> history;
  Time now = time_at_ms(1'700'000'000'000);
  double value = 50;
  for (std::size_t step = 0; step < steps_per_walk; ++step) {
    now += dice.of<Duration>({1s, 2s, 5s, 5s, 5s, 10s, 14s});
    const bool same_sample = !history.empty() && dice.once_in(5);
    if (same_sample) {
      history.push_back({now, history.back().value, history.back().sampled});
      continue;
    }
    if (dice.once_in(3)) value = sign * dice.of<double>({50, 60, 72, 77, 80, 82, 87, 92, 95, 97, 120});
    if (dice.once_in(20)) value = std::numeric_limits<double>::quiet_NaN();
    history.push_back({now, value, now});
  }
  return history;
}

Walk random_walk(unsigned seed) {
  Dice dice(seed);
  Walk walk;
  walk.policy = random_policy(dice);
  walk.cooldown = dice.of<Duration>({0s, 20s, 60s, 200s});
  const auto& level = walk.policy.warning ? walk.policy.warning : walk.policy.critical;
  walk.history = random_history(dice, level->threshold.bound > 0 ? 1 : -1);
  return walk;
}

struct Machine {
  Alert alert;
  std::vector<Said> said;

  Machine() {
    alert.rule = "R";
    alert.key = alert_key("R", {});
  }

  void see(const Walk& walk, std::size_t step) {
    const Seen& seen = walk.history[step];
    const Step went = advance(alert.state, walk.policy, {seen.value, seen.sampled}, seen.at);
    alert.state = went.next;
    const auto decision = plan(alert.contact, {went.next.level, went.transition, walk.cooldown, true}, seen.at);
    if (decision.send) said.push_back({step, *decision.send, alert.state.level, decision.suppressed_before});
  }

  void restart() {
    auto restored = decode_alert(encode(alert));
    ASSERT_TRUE(restored) << restored.error().what;
    alert = std::move(*restored);
  }
};

std::string text_of(const std::vector<Said>& said) {
  std::string text;
  for (const Said& one : said) {
    text += std::to_string(one.step) + " " + std::string(to_string(one.reason)) + " " +
            std::string(to_string(one.level)) + " +" + std::to_string(one.held_back) + "\n";
  }
  return text;
}

TEST(Walk, AgreesWithTheWholeHistoryAtEveryStep) {
  std::size_t steps = 0;
  std::size_t messages = 0;
  for (unsigned seed = 0; seed < walks; ++seed) {
    const Walk walk = random_walk(seed);
    const Oracle oracle(walk.policy, walk.cooldown, walk.history);
    Machine machine;
    for (std::size_t step = 0; step < walk.history.size(); ++step, ++steps) {
      machine.see(walk, step);
      ASSERT_EQ(machine.alert.state.level, oracle.level(step)) << "seed " << seed << " step " << step;
      ASSERT_EQ(machine.alert.state.pending(), oracle.pending(step)) << "seed " << seed << " step " << step;
    }
    ASSERT_EQ(text_of(machine.said), text_of(oracle.said())) << "seed " << seed;
    messages += machine.said.size();
  }
  EXPECT_GE(steps, 200'000U);
  EXPECT_GE(messages, 10'000U) << "the walks must be eventful";
}

TEST(Walk, IsTheSameWithARestartAfterEveryStep) {
  for (unsigned seed = 0; seed < walks; ++seed) {
    const Walk walk = random_walk(seed);
    Machine steady;
    Machine restarted;
    for (std::size_t step = 0; step < walk.history.size(); ++step) {
      steady.see(walk, step);
      restarted.see(walk, step);
      restarted.restart();
      ASSERT_EQ(encode(restarted.alert), encode(steady.alert)) << "seed " << seed << " step " << step;
    }
    ASSERT_EQ(text_of(restarted.said), text_of(steady.said)) << "seed " << seed;
  }
}

TEST(Walk, NeverResolvesWhatWasNotToldAndNeverTellsTwiceInACooldownUnlessItGotWorse) {
  for (unsigned seed = 0; seed < walks; ++seed) {
    const Walk walk = random_walk(seed);
    Machine machine;
    for (std::size_t step = 0; step < walk.history.size(); ++step) machine.see(walk, step);
    const Said* problem = nullptr;
    Level told = Level::ok;
    for (const Said& said : machine.said) {
      if (said.level == Level::ok) {
        ASSERT_NE(told, Level::ok) << "seed " << seed << " step " << said.step;
      } else {
        const bool soon = problem != nullptr &&
                          walk.history[said.step].at - walk.history[problem->step].at < walk.cooldown;
        ASSERT_TRUE(!soon || said.level > problem->level) << "seed " << seed << " step " << said.step;
        problem = &said;
      }
      told = said.level;
    }
  }
}

// Between two samples nothing happens before the announced time, and something at it: a loop that sleeps until then
// misses nothing and does not spin.
TEST(Walk, IsDueExactlyWhenSomethingHappens) {
  std::size_t timers = 0;
  for (unsigned seed = 0; seed < walks; ++seed) {
    const Walk walk = random_walk(seed);
    Machine machine;
    for (std::size_t step = 0; step < walk.history.size(); ++step) {
      machine.see(walk, step);
      const AlertState& state = machine.alert.state;
      const Seen& seen = walk.history[step];
      const Observation same{seen.value, seen.sampled};
      const auto due = next_due(state, walk.policy);
      const Time before = due ? *due - 1ms : seen.at + 1h;
      ASSERT_TRUE(!due || *due > seen.at) << "seed " << seed << " step " << step;
      ASSERT_EQ(advance(state, walk.policy, same, before).transition, Transition::none)
          << "seed " << seed << " step " << step;
      if (!due) continue;
      ++timers;
      const Step then = advance(state, walk.policy, same, *due);
      ASSERT_TRUE(differs_durably(state, then.next)) << "seed " << seed << " step " << step;
    }
  }
  EXPECT_GE(timers, 1'000U);
}

// Moving the whole timeline changes nothing: a restart with a new origin of time.
TEST(Walk, DoesNotDependOnWhereTimeBegins) {
  for (unsigned seed = 0; seed < walks / 10; ++seed) {
    Walk walk = random_walk(seed);
    Machine steady;
    for (std::size_t step = 0; step < walk.history.size(); ++step) steady.see(walk, step);
    Machine moved;
    for (std::size_t step = 0; step < walk.history.size(); ++step) {
      if (step == walk.history.size() / 2) {
        for (Seen& seen : walk.history) seen.at += 1000h, seen.sampled += 1000h;
        shift(moved.alert.state, 1000h, 1000h);
        shift(moved.alert.contact, 1000h);
      }
      moved.see(walk, step);
    }
    ASSERT_EQ(text_of(moved.said), text_of(steady.said)) << "seed " << seed;
    ASSERT_EQ(moved.alert.state.level, steady.alert.state.level);
  }
}

}  // namespace
}  // namespace sidewatch
