#include "agent/collector_runner.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <optional>
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

// Adds up what arrives at a pipe between its passes.
class Adder final : public Collector {
 public:
  Adder(int pipe, std::atomic<int>& heard) : pipe_(pipe), heard_(heard) {}
  Result<PassOutcome> collect(Batch&, Time) override { return PassOutcome{}; }
  void listen(int wake) override {
    while (true) {
      pollfd waiting[] = {{wake, POLLIN, 0}, {pipe_, POLLIN, 0}};
      EXPECT_GT(::poll(waiting, 2, -1), 0);
      char byte = 0;
      if (waiting[1].revents != 0 && ::read(pipe_, &byte, 1) == 1) ++heard_;
      if (byte == 'x') throw std::bad_alloc();
      if (waiting[0].revents != 0) return;
    }
  }

 private:
  const int pipe_;
  std::atomic<int>& heard_;
};

class ListeningRunnerTest : public CollectorRunnerTest {
 protected:
  ListeningRunnerTest() {
    EXPECT_EQ(::pipe(pipe), 0);
    CollectorPlan plan;
    plan.name = "adder";
    plan.listens = true;
    plan.make = [this](const CollectorContext&) { return std::make_unique<Adder>(pipe[0], heard); };
    adder = std::make_unique<CollectorRunner>(1, plan, CollectorContext{catalog, nullptr, nullptr, ""}, mailbox);
  }
  ~ListeningRunnerTest() override {
    adder->request_stop();
    EXPECT_TRUE(adder->join(20s)) << "it was not woken for its end";
    ::close(pipe[0]);
    ::close(pipe[1]);
  }

  void send(char byte) const { ASSERT_EQ(::write(pipe[1], &byte, 1), 1); }
  bool hears(int all) const {
    for (int i = 0; i < 2000 && heard < all; ++i) std::this_thread::sleep_for(5ms);
    return heard == all;
  }
  std::optional<PassDone> pass() {
    EXPECT_TRUE(adder->start(start_of_test));
    return take<PassDone>(*mailbox);
  }

  int pipe[2] = {-1, -1};
  std::atomic<int> heard = 0;
  std::unique_ptr<CollectorRunner> adder;
};

TEST_F(ListeningRunnerTest, HearsWhatComesBetweenItsPassesAtOnce) {
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(pass());
    send('a');
    EXPECT_TRUE(hears(2 * i - 1)) << i;
    send('a');
    EXPECT_TRUE(hears(2 * i)) << i;
  }
}

TEST_F(ListeningRunnerTest, TellsOfWhatItCouldNotTakeInWithItsNextPass) {
  ASSERT_TRUE(pass());
  send('x');
  EXPECT_TRUE(hears(1));
  const auto failed = pass();
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->outcome);
  const auto well = pass();
  ASSERT_TRUE(well);
  EXPECT_TRUE(well->outcome);
  send('a');
  EXPECT_TRUE(hears(2));
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
