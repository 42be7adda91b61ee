#include "agent/collector_runner.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/agent/scripted.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

class CollectorRunnerTest : public testing::Test {
 protected:
  std::unique_ptr<CollectorRunner> runner(Pass pass) {
    const auto plan = collector_plan("scripted", [pass](const CollectorContext&) { return pass; });
    return std::make_unique<CollectorRunner>(7, plan, CollectorContext{catalog, nullptr, nullptr, ""}, mailbox);
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(16);
  SeriesHandle series = catalog.series(Metric{"up", MetricType::gauge, "", "Up."}, {});
};

TEST_F(CollectorRunnerTest, TellsTheLoopWhatAPassGave) {
  auto scripted = runner([this](Batch& batch, Time) -> Result<PassOutcome> {
    batch.add(series, 4);
    return PassOutcome{2, "permission denied"};
  });
  ASSERT_TRUE(scripted->start(start_of_test));
  const auto done = take<PassDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->runner, 7u);
  EXPECT_EQ(done->at, start_of_test);
  EXPECT_GE(done->seconds, 0);
  ASSERT_TRUE(done->outcome);
  EXPECT_EQ(done->outcome->partial_errors, 2u);
  EXPECT_EQ(done->outcome->first_partial_error, "permission denied");
  ASSERT_EQ(done->batch.size(), 1u);
  EXPECT_EQ(done->batch.samples()[0].value, 4);
}

TEST_F(CollectorRunnerTest, GivesThePassTheTimeItWasStartedWith) {
  Time given;
  auto scripted = runner([&given](Batch&, Time now) -> Result<PassOutcome> {
    given = now;
    return PassOutcome{};
  });
  ASSERT_TRUE(scripted->start(start_of_test + 5s));
  ASSERT_TRUE(take<PassDone>(*mailbox));
  EXPECT_EQ(given, start_of_test + 5s);
}

TEST_F(CollectorRunnerTest, MakesItsCollectorOnTheThreadThatRunsIt) {
  std::thread::id made, ran;
  const auto plan = collector_plan("scripted", [&](const CollectorContext&) -> Pass {
    made = std::this_thread::get_id();
    return [&ran](Batch&, Time) -> Result<PassOutcome> {
      ran = std::this_thread::get_id();
      return PassOutcome{};
    };
  });
  CollectorRunner scripted(1, plan, CollectorContext{catalog, nullptr, nullptr, ""}, mailbox);
  ASSERT_TRUE(scripted.start(start_of_test));
  ASSERT_TRUE(take<PassDone>(*mailbox));
  EXPECT_EQ(made, ran);
  EXPECT_NE(made, std::this_thread::get_id());
}

// Sleeps between its passes until it is woken, and counts how often.
class Sleeper final : public Collector {
 public:
  explicit Sleeper(std::atomic<int>& naps) : naps_(naps) {}
  Result<PassOutcome> collect(Batch&, Time) override { return PassOutcome{}; }
  void listen(int wake) override {
    ++naps_;
    pollfd waiting{wake, POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, -1), 1);
  }

 private:
  std::atomic<int>& naps_;
};

TEST_F(CollectorRunnerTest, LetsACollectorListenBetweenItsPassesAndWakesItForEachAndForTheEnd) {
  std::atomic<int> naps = 0;
  CollectorPlan plan;
  plan.name = "sleeper";
  plan.listens = true;
  plan.make = [&naps](const CollectorContext&) { return std::make_unique<Sleeper>(naps); };
  CollectorRunner sleeper(1, plan, CollectorContext{catalog, nullptr, nullptr, ""}, mailbox);
  for (int pass = 0; pass < 50; ++pass) {
    ASSERT_TRUE(sleeper.start(start_of_test + pass * 1s));
    ASSERT_TRUE(take<PassDone>(*mailbox));
  }
  sleeper.request_stop();
  EXPECT_TRUE(sleeper.join(20s));
  EXPECT_GT(naps, 0);
  EXPECT_LE(naps, 50);
}

TEST_F(CollectorRunnerTest, NeverStartsAPassThatIsStillRunning) {
  Gate gate;
  auto scripted = runner([&gate](Batch&, Time) -> Result<PassOutcome> {
    EXPECT_TRUE(gate.pass());
    return PassOutcome{};
  });
  EXPECT_TRUE(scripted->start(start_of_test));
  EXPECT_FALSE(scripted->start(start_of_test + 1s));
  gate.open();
  const auto done = take<PassDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->at, start_of_test);
  EXPECT_TRUE(scripted->start(start_of_test + 2s)) << "the pass is over once its result is there";
  const auto next = take<PassDone>(*mailbox);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->at, start_of_test + 2s);
}

TEST_F(CollectorRunnerTest, StartsEachPassWithAnEmptyBatchWhoseMemoryIsUsedAgain) {
  std::size_t before = 1;
  auto scripted = runner([&](Batch& batch, Time) -> Result<PassOutcome> {
    before = batch.size();
    batch.add(series, 1);
    return PassOutcome{};
  });
  ASSERT_TRUE(scripted->start(start_of_test));
  auto done = take<PassDone>(*mailbox);
  ASSERT_TRUE(done);
  const auto* memory = done->batch.samples().data();
  scripted->recycle(std::move(done->batch));
  ASSERT_TRUE(scripted->start(start_of_test + 1s));
  done = take<PassDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(before, 0u);
  EXPECT_EQ(done->batch.size(), 1u);
  EXPECT_EQ(done->batch.samples().data(), memory);
}

TEST_F(CollectorRunnerTest, TurnsAnExceptionIntoAFailedPass) {
  auto scripted = runner([](Batch&, Time) -> Result<PassOutcome> { throw std::runtime_error("no memory"); });
  ASSERT_TRUE(scripted->start(start_of_test));
  const auto done = take<PassDone>(*mailbox);
  ASSERT_TRUE(done);
  ASSERT_FALSE(done->outcome);
  EXPECT_EQ(done->outcome.error().text(), "no memory");
}

TEST_F(CollectorRunnerTest, TriesAgainToMakeACollectorThatCouldNotBeMade) {
  std::atomic<int> tries{0};
  const auto plan = collector_plan("scripted", [&tries](const CollectorContext&) -> Pass {
    if (++tries == 1) throw std::runtime_error("no memory");
    return [](Batch&, Time) -> Result<PassOutcome> { return PassOutcome{}; };
  });
  CollectorRunner scripted(1, plan, CollectorContext{catalog, nullptr, nullptr, ""}, mailbox);
  for (const bool made : {false, true}) {
    ASSERT_TRUE(scripted.start(start_of_test));
    const auto done = take<PassDone>(*mailbox);
    ASSERT_TRUE(done);
    EXPECT_EQ(static_cast<bool>(done->outcome), made);
  }
}

TEST_F(CollectorRunnerTest, EndsAtOnceWhenItIsIdle) {
  auto scripted = runner([](Batch&, Time) -> Result<PassOutcome> { return PassOutcome{}; });
  scripted->request_stop();
  EXPECT_TRUE(scripted->join(patience));
  EXPECT_TRUE(scripted->join(0ms)) << "joined already";
  EXPECT_FALSE(scripted->start(start_of_test));
}

TEST_F(CollectorRunnerTest, LeavesABlockedPassBehindAndForgetsItsResult) {
  struct Shared {
    Gate entered, gate;
  };
  const auto shared = std::make_shared<Shared>();
  auto scripted = runner([shared](Batch&, Time) -> Result<PassOutcome> {
    shared->entered.open();
    EXPECT_TRUE(shared->gate.pass());
    return PassOutcome{};
  });
  ASSERT_TRUE(scripted->start(start_of_test));
  ASSERT_TRUE(shared->entered.pass());
  scripted->request_stop();
  EXPECT_FALSE(scripted->join(0ms));
  scripted.reset();  // waits for nobody
  shared->gate.open();
  EXPECT_FALSE(mailbox->take(0ms));
}

TEST_F(CollectorRunnerTest, EndsWhenTheLoopIsGone) {
  auto scripted = runner([](Batch&, Time) -> Result<PassOutcome> { return PassOutcome{}; });
  mailbox->close();
  ASSERT_TRUE(scripted->start(start_of_test));
  EXPECT_TRUE(scripted->join(patience));
}

}  // namespace
}  // namespace sidewatch
