#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

TEST(Mailbox, GivesItemsInTheOrderTheyWerePut) {
  Mailbox<int> mailbox(4);
  ASSERT_TRUE(mailbox.put(1));
  ASSERT_TRUE(mailbox.put(2));
  EXPECT_EQ(mailbox.take(0ms), 1);
  EXPECT_EQ(mailbox.take(0ms), 2);
  EXPECT_EQ(mailbox.take(0ms), std::nullopt);
}

TEST(Mailbox, RefusesWhenFullAndLeavesTheItemWithTheCaller) {
  Mailbox<std::unique_ptr<int>> mailbox(1);
  ASSERT_TRUE(mailbox.put(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(mailbox.put(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST(Mailbox, ClosedTakesNothingMoreButGivesWhatItHolds) {
  Mailbox<int> mailbox(2);
  ASSERT_TRUE(mailbox.put(1));
  mailbox.close();
  EXPECT_FALSE(mailbox.put(2));
  EXPECT_EQ(mailbox.take(1h), 1);
  EXPECT_EQ(mailbox.take(1h), std::nullopt);
}

TEST(Mailbox, WakesASleepingTakerWhenAnItemArrives) {
  Mailbox<int> mailbox(1);
  std::optional<int> taken;
  std::thread taker([&] { taken = mailbox.take(60s); });
  ASSERT_TRUE(mailbox.put(7));
  taker.join();
  EXPECT_EQ(taken, 7);
}

TEST(Mailbox, LosesNothingBetweenManyThreads) {
  constexpr int per_thread = 2000;
  Mailbox<int> mailbox(16);
  std::vector<std::thread> putters;
  for (int t = 0; t < 4; ++t) {
    putters.emplace_back([&mailbox, t] {
      for (int i = 0; i < per_thread; ++i) {
        while (!mailbox.put(t * per_thread + i)) std::this_thread::yield();
      }
    });
  }
  std::vector<bool> seen(4 * per_thread, false);
  for (int i = 0; i < 4 * per_thread; ++i) {
    const auto item = mailbox.take(60s);
    ASSERT_TRUE(item.has_value());
    EXPECT_FALSE(seen[static_cast<std::size_t>(*item)]);
    seen[static_cast<std::size_t>(*item)] = true;
  }
  for (auto& putter : putters) putter.join();
  EXPECT_EQ(mailbox.take(0ms), std::nullopt);
}

}  // namespace
}  // namespace sidewatch
