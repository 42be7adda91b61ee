#include "base/errand.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Outcome = ErrandRunner::Outcome;

constexpr Duration patience = 20s;

// What an errand waits at until the test opens it. Shared with the errand, which may outlive the test.
struct Door {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = false;

  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, patience, [&] { return is_open; });
  }
};

std::shared_ptr<Errand> errand_through(const std::shared_ptr<Door>& door) {
  return std::make_shared<Errand>([door] { door->pass(); });
}

template <class Condition>
bool eventually(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(ErrandRunner, RunsWhatItIsSentOnOneThreadThatIsNotTheSenders) {
  ErrandRunner runner;
  std::vector<std::thread::id> threads;
  const auto errand = std::make_shared<Errand>([&threads] { threads.push_back(std::this_thread::get_id()); });
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(runner.send(errand, patience), Outcome::done);
    EXPECT_FALSE(errand->under_way);
  }
  ASSERT_EQ(threads.size(), 3u);
  EXPECT_EQ(threads[0], threads[2]);
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(ErrandRunner, WaitsForNobodyLongerThanItIsTold) {
  ErrandRunner runner;
  const auto door = std::make_shared<Door>();
  const auto stuck = errand_through(door);
  EXPECT_EQ(runner.send(stuck, 20ms), Outcome::late);
  EXPECT_TRUE(stuck->under_way);
  EXPECT_EQ(runner.left_behind(), 1u);
  bool ran = false;
  EXPECT_EQ(runner.send(std::make_shared<Errand>([&ran] { ran = true; }), patience), Outcome::done);
  EXPECT_TRUE(ran) << "the next errand does not wait behind the one that is stuck";
  door->open();
  EXPECT_TRUE(eventually([&] { return !stuck->under_way && runner.left_behind() == 0; }));
  EXPECT_EQ(runner.send(stuck, patience), Outcome::done);
}

TEST(ErrandRunner, LeavesNoMoreThreadsBehindThanItMay) {
  ErrandRunner runner(2);
  const auto door = std::make_shared<Door>();
  const auto one = errand_through(door);
  const auto two = errand_through(door);
  const auto three = errand_through(door);
  EXPECT_EQ(runner.send(one, 10ms), Outcome::late);
  EXPECT_EQ(runner.send(two, 10ms), Outcome::late);
  EXPECT_EQ(runner.send(three, 10ms), Outcome::no_thread);
  EXPECT_FALSE(three->under_way);
  door->open();
  ASSERT_TRUE(eventually([&] { return runner.left_behind() == 0; }));
  EXPECT_EQ(runner.send(three, patience), Outcome::done);
}

TEST(ErrandRunner, EndsWithoutWaitingForWhatIsStuck) {
  const auto door = std::make_shared<Door>();
  const auto stuck = errand_through(door);
  const auto begin = std::chrono::steady_clock::now();
  {
    ErrandRunner runner;
    EXPECT_EQ(runner.send(stuck, 10ms), Outcome::late);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, patience / 2);
  EXPECT_TRUE(stuck->under_way);
  EXPECT_GE(errands_left_behind(), 1u) << "the process knows of them, though their runner is gone";
  door->open();
  EXPECT_TRUE(eventually([&] { return !stuck->under_way && errands_left_behind() == 0; }));
}

}  // namespace
}  // namespace sidewatch
