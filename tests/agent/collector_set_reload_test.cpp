// What a reload does to collectors: those that stay the same go on, those that changed begin anew, those that go are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/agent/collector_set_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration interval = collector_set_interval;

using CollectorSetReload = CollectorSetTest;

TEST_F(CollectorSetReload, DoesNotWaitForEachOfManyBusyCollectorsThatAReloadTakesAway) {
  const auto gate = std::make_shared<Gate>();
  std::vector<CollectorPlan> plans;
  for (int i = 0; i < 20; ++i) {
    plans.push_back(collector_plan("scrape:" + std::to_string(i), [gate](const CollectorContext&) -> Pass {
      return [gate](Batch&, Time) -> Result<PassOutcome> {
        EXPECT_TRUE(gate->pass());
        return PassOutcome{};
      };
    }));
  }
  CollectorSet many{CollectorContext{catalog, &store, nullptr, "1"}, store, mailbox};
  many.configure(plans, interval, now);
  many.start_due(now, news);
  const auto began = std::chrono::steady_clock::now();
  many.configure({}, interval, now);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1500ms);
  gate->open();
}

TEST_F(CollectorSetReload, KeepsWhatIsTheSameOverAReload) {
  configure({gauge_plan("memory", value, "same")});
  pass();
  now += 2s;
  configure({gauge_plan("memory", value, "same")});
  EXPECT_EQ(collectors.next_due(), start_of_test + 5s) << "its rhythm goes on";
  EXPECT_EQ(shown(store, "memory"), 1);
  EXPECT_EQ(run_value("passes_total"), 1);
}

TEST_F(CollectorSetReload, ReplacesWhatAReloadChanged) {
  configure({gauge_plan("memory", value, "before")});
  pass();
  now += 2s;
  configure({gauge_plan("memory", value, "after")});
  EXPECT_EQ(collectors.size(), 1u);
  EXPECT_FALSE(shown(store, "memory")) << "nothing vouches for the old value";
  EXPECT_EQ(collectors.next_due(), now);
  *value = 2;
  pass();
  EXPECT_EQ(shown(store, "memory"), 2);
  EXPECT_EQ(run_value("passes_total"), 1) << "it is another collector";
}

TEST_F(CollectorSetReload, ReplacesACollectorWhoseIntervalChanged) {
  configure({gauge_plan("memory", value)});
  pass();
  now += 2s;
  collectors.configure({gauge_plan("memory", value)}, 1s, now);
  EXPECT_EQ(collectors.next_due(), now);
  pass();
  EXPECT_EQ(collectors.next_due(), now + 1s);
}

TEST_F(CollectorSetReload, RemovesWhatAReloadTookAwayWithAllItsSeries) {
  configure({gauge_plan("memory", value), gauge_plan("disk", value)});
  start();
  ASSERT_TRUE(take_pass());
  ASSERT_TRUE(take_pass());
  now += 2s;
  configure({gauge_plan("disk", value)});
  EXPECT_EQ(collectors.size(), 1u);
  EXPECT_FALSE(shown(store, "memory"));
  EXPECT_FALSE(run_value("success", "memory"));
  EXPECT_EQ(shown(store, "disk"), 1);
  EXPECT_EQ(run_value("success", "disk"), 1);
}

TEST_F(CollectorSetReload, IgnoresThePassOfACollectorThatIsNoMore) {
  configure({gauge_plan("memory", value, "before")});
  start();
  auto late = take<PassDone>(*mailbox);
  ASSERT_TRUE(late);
  configure({gauge_plan("memory", value, "after")});
  EXPECT_FALSE(collectors.take(*late, now, news));
  EXPECT_FALSE(shown(store, "memory"));
  EXPECT_FALSE(run_value("passes_total"));
}

class NoTarget final : public PushTarget {
 public:
  PushAnswer take(const PushRequest&) override { return {}; }
};

TEST_F(CollectorSetReload, ACollectorThatIsKeptKeepsWhereItsPushesGo) {
  const auto first = std::make_shared<NoTarget>();
  const auto second = std::make_shared<NoTarget>();
  auto plan = gauge_plan("push", value, "same");
  plan.receives = first;
  configure({plan, gauge_plan("memory", value)});
  EXPECT_EQ(*collectors.push_targets().read(), (PushTargets{{"push", first}}));
  plan.receives = second;
  configure({plan});
  EXPECT_EQ(collectors.push_targets().read()->at("push"), first) << "it holds what came in";
  plan.fingerprint = "other";
  configure({plan});
  EXPECT_EQ(collectors.push_targets().read()->at("push"), second);
  configure({});
  EXPECT_TRUE(collectors.push_targets().read()->empty());
}

TEST_F(CollectorSetReload, AnotherIntervalKeepsWhatWasPushed) {
  const auto first = std::make_shared<NoTarget>();
  auto plan = gauge_plan("push", value, "same");
  plan.receives = first;
  configure({plan});
  pass();
  now += 2s;
  plan.receives = std::make_shared<NoTarget>();
  collectors.configure({plan}, 1s, now);
  EXPECT_EQ(collectors.push_targets().read()->at("push"), first) << "it holds what came in";
  EXPECT_TRUE(shown(store, "push"));
  EXPECT_EQ(collectors.next_due(), now);
  pass();
  EXPECT_EQ(collectors.next_due(), now + 1s);
  EXPECT_EQ(run_value("passes_total", "push"), 2);
}

}  // namespace
}  // namespace sidewatch
