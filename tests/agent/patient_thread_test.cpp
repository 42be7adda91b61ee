#include "agent/patient_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

TEST(PatientThread, IsJoinedWhenItEndsInTime) {
  PatientThread thread;
  EXPECT_FALSE(thread.started());
  auto ran = std::make_shared<std::atomic<bool>>(false);
  EXPECT_EQ(thread.start([ran] { *ran = true; }), "");
  EXPECT_TRUE(thread.join(10s));
  EXPECT_TRUE(*ran);
  EXPECT_FALSE(thread.started());
}

TEST(PatientThread, IsLeftBehindWhenItIsBlocked) {
  auto gate = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  PatientThread thread;
  EXPECT_EQ(thread.start([gate, ended] {
    gate->get_future().wait();
    ended->set_value();
  }), "");
  EXPECT_FALSE(thread.join(Duration(0)));
  EXPECT_FALSE(thread.started());
  EXPECT_TRUE(thread.join(Duration(0)));  // it is nobody's any more
  auto at_last = ended->get_future();
  gate->set_value();
  EXPECT_EQ(at_last.wait_for(10s), std::future_status::ready);
}

TEST(PatientThread, GivesUpWhatItSharesBeforeItCountsAsEnded) {
  auto shared = std::make_shared<int>(1);
  PatientThread thread;
  EXPECT_EQ(thread.start([shared] { EXPECT_EQ(*shared, 1); }), "");
  EXPECT_TRUE(thread.join(10s));
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(PatientThread, RunsAgainAfterItWasJoined) {
  PatientThread thread;
  auto runs = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(thread.start([runs] { ++*runs; }), "");
    EXPECT_TRUE(thread.join(10s));
  }
  EXPECT_EQ(*runs, 2);
}

}  // namespace
}  // namespace sidewatch
