// The state machine, as tables: what is seen when, and what follows.

#include "alerting/policy/state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

Hold hold_for(Duration duration) { return {duration, 0, 0}; }

// > 80 (left at 75), > 95 (left at 90).
Policy usual(Hold hold = {}, Duration keep_firing_for = 0s) {
  Policy policy;
  policy.warning = LevelPolicy{{Comparison::greater, 80, 75}, hold};
  policy.critical = LevelPolicy{{Comparison::greater, 95, 90}, hold};
  policy.keep_firing_for = keep_firing_for;
  policy.no_data_after = 60s;
  return policy;
}

Policy with_no_data(NoData no_data, Policy policy = usual()) {
  policy.no_data = no_data;
  return policy;
}

struct Row {
  int second;
  double value;
  Transition transition;
  Level level;
};

AlertState expect_course(const Policy& policy, const std::vector<Row>& rows, AlertState state = {}) {
  for (const Row& row : rows) {
    const Time now = time_at_ms(1'000'000 + row.second * 1000);
    const Step step = advance(state, policy, {row.value, now}, now);
    EXPECT_EQ(to_string(step.transition), to_string(row.transition)) << "at " << row.second << " s";
    EXPECT_EQ(to_string(step.next.level), to_string(row.level)) << "at " << row.second << " s";
    state = step.next;
  }
  return state;
}

Time at(int second) { return time_at_ms(1'000'000 + second * 1000); }

constexpr Transition same = Transition::none;
using enum Transition;
constexpr Level ok = Level::ok;
constexpr Level warning = Level::warning;
constexpr Level critical = Level::critical;

TEST(AlertState, FiresAtOnceWithoutAHold) {
  expect_course(usual(), {{0, 80, same, ok}, {1, 81, fired, warning}, {2, 81, same, warning}});
}

TEST(AlertState, LeavesALevelAtItsClearValueOnly) {
  expect_course(usual(), {{0, 85, fired, warning},
                          {1, 76, same, warning},
                          {2, 75, resolved, ok},
                          {3, 79, same, ok},
                          {4, 96, fired, critical},
                          {5, 91, same, critical},
                          {6, 90, deescalated, warning},
                          {7, 94, same, warning},
                          {8, 10, resolved, ok}});
}

TEST(AlertState, EscalatesAndFallsWithoutPassingThroughWarning) {
  expect_course(usual(), {{0, 85, fired, warning}, {1, 96, escalated, critical}, {2, 50, resolved, ok}});
}

TEST(AlertState, MustHoldForItsWholeDelayWithoutABreak) {
  const Policy policy = usual(hold_for(30s));
  expect_course(policy, {{0, 85, pending, ok},
                         {29, 85, same, ok},
                         {30, 85, fired, warning}});
  expect_course(policy, {{0, 85, pending, ok},
                         {20, 80, cleared, ok},
                         {25, 85, pending, ok},
                         {50, 85, same, ok},
                         {55, 85, fired, warning}});
}

TEST(AlertState, EachLevelHasItsOwnDelay) {
  Policy policy = usual(hold_for(30s));
  policy.critical->hold = hold_for(10s);
  expect_course(policy, {{0, 85, pending, ok}, {5, 97, same, ok}, {14, 97, same, ok}, {15, 97, fired, critical}});
  expect_course(policy, {{0, 85, pending, ok},
                         {30, 85, fired, warning},
                         {31, 97, same, warning},
                         {36, 85, same, warning},  // the spike was too short
                         {40, 97, same, warning},
                         {50, 97, escalated, critical}});
}

TEST(AlertState, CriticalWithoutADelayEscalatesAtOnce) {
  Policy policy = usual(hold_for(30s));
  policy.critical->hold = {};
  expect_course(policy, {{0, 85, pending, ok}, {1, 97, fired, critical}, {2, 89, deescalated, warning}});
}

TEST(AlertState, KeepsFiringUntilItHasBeenClearLongEnough) {
  const auto policy = usual({}, 60s);
  expect_course(policy, {{0, 85, fired, warning},
                         {10, 70, recovering, warning},
                         {69, 70, same, warning},
                         {70, 70, resolved, ok}});
  expect_course(policy, {{0, 85, fired, warning},
                         {10, 70, recovering, warning},
                         {60, 76, relapsed, warning},  // above the clear value is enough
                         {65, 70, recovering, warning},
                         {124, 70, same, warning},
                         {125, 70, resolved, ok}});
}

TEST(AlertState, KeepsTheHigherLevelJustAsLong) {
  expect_course(usual({}, 60s), {{0, 97, fired, critical},
                                 {10, 85, same, critical},
                                 {40, 70, recovering, critical},
                                 {69, 70, same, critical},
                                 {70, 70, deescalated, warning},  // 60 s below critical, 30 s clear
                                 {100, 70, resolved, ok}});
}

TEST(AlertState, CountsSamplesInsteadOfTime) {
  Policy policy = usual({0s, 3, 5});
  expect_course(policy, {{0, 85, pending, ok}, {1, 70, same, ok}, {2, 85, same, ok}, {3, 70, same, ok},
                         {4, 85, fired, warning}});
  expect_course(policy, {{0, 85, pending, ok}, {1, 85, same, ok}, {2, 70, same, ok}, {3, 70, same, ok},
                         {4, 70, same, ok}, {5, 70, same, ok}, {6, 70, cleared, ok}});
}

TEST(AlertState, EarnsItsSamplesAnewAfterEachIncident) {
  expect_course(usual({0s, 2, 4}), {{0, 85, pending, ok}, {1, 85, fired, warning}, {2, 70, resolved, ok},
                                    {3, 85, pending, ok}, {4, 70, same, ok}, {5, 85, fired, warning}});
}

TEST(AlertState, CountsASampleOnceHoweverOftenItIsSeen) {
  const Policy policy = usual({0s, 2, 3});
  AlertState state;
  for (int tick = 0; tick < 5; ++tick) {
    const Step step = advance(state, policy, {85, at(0)}, at(tick));
    EXPECT_FALSE(step.next.firing()) << "tick " << tick;
    state = step.next;
  }
  EXPECT_EQ(advance(state, policy, {85, at(5)}, at(5)).transition, fired);
}

TEST(AlertState, NoDataNeitherFiresNorResolves) {
  expect_course(usual(), {{0, 85, fired, warning}, {1, no_value, same, warning}, {10'000, no_value, same, warning}});
  expect_course(usual(hold_for(30s)), {{0, 85, pending, ok}, {29, no_value, same, ok}, {80, no_value, same, ok}});
}

TEST(AlertState, TimeWithoutDataCountsNeitherAsBreachNorAsRecovery) {
  expect_course(usual(hold_for(30s)), {{0, 85, pending, ok},
                                       {10, no_value, same, ok},
                                       {50, 85, same, ok},    // 10 s so far
                                       {69, 85, same, ok},
                                       {70, 85, fired, warning}});
  expect_course(usual({}, 30s), {{0, 85, fired, warning},
                                 {10, 70, recovering, warning},
                                 {20, no_value, same, warning},
                                 {500, 70, same, warning},  // 10 s so far
                                 {520, 70, resolved, ok}});
}

TEST(AlertState, ForgetsWhatWasOnlyPendingWhenTheDataStaysAway) {
  expect_course(usual(hold_for(300s)), {{0, 85, pending, ok}, {10, no_value, same, ok}, {69, no_value, same, ok},
                                        {70, no_value, cleared, ok}, {71, 85, pending, ok}, {370, 85, same, ok},
                                        {371, 85, fired, warning}});
}

TEST(AlertState, NoDataCanBeCritical) {
  const AlertState state = expect_course(
      with_no_data(NoData::critical, usual(hold_for(300s))),
      {{0, 10, same, ok}, {10, no_value, same, ok}, {69, no_value, same, ok}, {70, no_value, fired, critical}});
  EXPECT_TRUE(std::isnan(state.value));
  expect_course(with_no_data(NoData::critical), {{100, 10, resolved, ok}}, state);
}

TEST(AlertState, NoDataNeverLowersALevel) {
  expect_course(with_no_data(NoData::warning),
                {{0, 97, fired, critical}, {1, no_value, same, critical}, {61, no_value, same, critical},
                 {62, 85, deescalated, warning}});
}

TEST(AlertState, NoDataCanBeOkWhenTheRuleSaysSo) {
  expect_course(with_no_data(NoData::ok), {{0, 85, fired, warning}, {1, no_value, same, warning},
                                           {60, no_value, same, warning}, {61, no_value, resolved, ok}});
  expect_course(with_no_data(NoData::ok, usual({}, 30s)),
                {{0, 85, fired, warning}, {1, no_value, same, warning}, {61, no_value, recovering, warning},
                 {90, no_value, same, warning}, {91, no_value, resolved, ok}});
}

TEST(AlertState, RemembersPeakWorstLevelAndTimes) {
  AlertState state = expect_course(usual(hold_for(10s)), {{0, 85, pending, ok},
                                                          {5, 93, same, ok},
                                                          {10, 82, fired, warning},
                                                          {20, 97, same, warning},
                                                          {30, 98, escalated, critical},
                                                          {40, 85, deescalated, warning}});
  EXPECT_EQ(state.peak, 98);
  EXPECT_EQ(state.worst, critical);
  EXPECT_EQ(state.active_since, at(0));
  EXPECT_EQ(state.fired_at, at(10));
  state = expect_course(usual(hold_for(10s)), {{50, 60, resolved, ok}}, state);
  EXPECT_EQ(state.value, 60) << "the value at recovery";
  EXPECT_EQ(state.peak, 98) << "still known, for the resolved message";
  state = expect_course(usual(), {{60, 81, fired, warning}}, state);
  EXPECT_EQ(state.peak, 81);
  EXPECT_EQ(state.worst, warning);
}

TEST(AlertState, PeakOfALowThresholdIsTheLowestValue) {
  Policy policy;
  policy.critical = LevelPolicy{{Comparison::less, 10, {}}, {}};
  const AlertState state =
      expect_course(policy, {{0, 5, fired, critical}, {1, 2, same, critical}, {2, 7, same, critical}});
  EXPECT_EQ(state.peak, 2);
}

TEST(AlertState, IsDueWhenADelayEnds) {
  const Policy policy = usual(hold_for(30s), 60s);
  AlertState state = expect_course(policy, {{0, 85, pending, ok}});
  EXPECT_EQ(next_due(state, policy), at(30));
  state = expect_course(policy, {{30, 85, fired, warning}}, state);
  EXPECT_EQ(next_due(state, policy), std::nullopt);
  state = expect_course(policy, {{40, 97, same, warning}}, state);
  EXPECT_EQ(next_due(state, policy), at(70));
  state = expect_course(policy, {{50, 60, recovering, warning}}, state);
  EXPECT_EQ(next_due(state, policy), at(110));
  state = expect_course(policy, {{60, no_value, same, warning}}, state);
  EXPECT_EQ(next_due(state, policy), std::nullopt) << "kept as it is, for ever";
  EXPECT_EQ(next_due(state, with_no_data(NoData::ok, policy)), at(120));
}

TEST(AlertState, ShiftingLeavesTheTimeAwayOutOfEveryDelay) {
  const Policy policy = usual(hold_for(30s));
  AlertState state = expect_course(policy, {{0, 85, pending, ok}, {10, 85, same, ok}});
  shift(state, 1000s, 0s);  // away from 10 to 1010
  EXPECT_EQ(state.active_since, at(0)) << "real time";
  expect_course(policy, {{1010, 85, same, ok}, {1029, 85, same, ok}, {1030, 85, fired, warning}}, state);
}

TEST(AlertState, EndsWhateverItWas) {
  AlertState state = expect_course(usual(), {{0, 97, fired, critical}});
  EXPECT_EQ(end(state).transition, resolved);
  EXPECT_TRUE(idle(end(state).next));
  state = expect_course(usual(hold_for(30s)), {{0, 97, pending, ok}});
  EXPECT_EQ(end(state).transition, cleared);
  EXPECT_EQ(end(AlertState{}).transition, same);
}

}  // namespace
}  // namespace sidewatch
