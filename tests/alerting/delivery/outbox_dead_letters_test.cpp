// Dead letters in the outbox: forgotten, or put back among what waits, over restarts and over a disk that is full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/outbox.h"
#include "alerting/outbox_backlog.h"
#include "tests/support/notifications.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeadLetters : public testing::Test {
 protected:
  DeadLetters() { open(); }

  // A process that ends and one that begins.
  void open(const OutboxLimits& limits = {.max_dead_letters = 5}) {
    outbox_.reset();
    outbox_.emplace(std::move(Outbox::open(directory_.path(), limits).value()));
    loaded_ = outbox_->load().value();
  }

  void bury(const std::string& id) {
    Transaction t;
    t.add = {make_notification({.id = id})};
    t.finished = {{id, Outcome::rejected, "HTTP 400"}};
    ASSERT_TRUE(outbox_->commit(t));
  }

  Forgotten letter(const std::string& id) {
    for (const auto& each : outbox_->dead_letters(100)) {
      if (each.notification.id == id) return {each.number, id};
    }
    return {};
  }
  std::vector<std::string> dead() {
    std::vector<std::string> ids;
    for (const auto& each : outbox_->dead_letters(100)) ids.push_back(each.notification.id);
    EXPECT_EQ(outbox_->dead_letter_count(), ids.size());
    return ids;
  }
  std::vector<std::string> pending() {
    std::vector<std::string> ids;
    for (const auto& each : loaded_.pending) ids.push_back(each.notification.id);
    return ids;
  }

  TempDir directory_;
  std::optional<Outbox> outbox_;
  Loaded loaded_;
};

TEST_F(DeadLetters, AForgottenOneIsGoneAlsoAfterARestart) {
  for (const auto* id : {"n1", "n2", "n3"}) bury(id);
  Transaction t;
  t.forgotten = {letter("n2")};
  ASSERT_TRUE(outbox_->commit(t));
  EXPECT_THAT(dead(), ElementsAre("n3", "n1"));
  open();
  EXPECT_THAT(dead(), ElementsAre("n3", "n1"));
}

TEST_F(DeadLetters, OneThatIsPutBackWaitsBehindAllOthersWithNoAttempts) {
  bury("n1");
  Transaction t;
  t.add = {make_notification({.id = "n2"})};
  ASSERT_TRUE(outbox_->commit(t));
  Transaction back;
  back.forgotten = {letter("n1")};
  back.add = {make_notification({.id = "n1"})};
  ASSERT_TRUE(outbox_->commit(back));
  EXPECT_THAT(dead(), IsEmpty());
  open();
  EXPECT_THAT(pending(), ElementsAre("n2", "n1"));
  EXPECT_EQ(loaded_.pending[1].attempts, 0);
  EXPECT_THAT(loaded_.warnings, IsEmpty());
}

TEST_F(DeadLetters, OneThatDiesAgainAtOnceIsThereOnce) {
  bury("n1");
  Transaction t;
  t.forgotten = {letter("n1")};
  t.add = {make_notification({.id = "n1"})};
  t.finished = {{"n1", Outcome::dropped, "full"}};
  ASSERT_TRUE(outbox_->commit(t));
  ASSERT_TRUE(outbox_->commit(t)) << "as after a sync that failed, when nobody knows whether it was written";
  EXPECT_THAT(dead(), ElementsAre("n1"));
  EXPECT_EQ(outbox_->dead_letters(1)[0].why, "full");
}

TEST_F(DeadLetters, AnotherOneUnderTheSameNumberIsLeftAlone) {
  bury("n1");
  const Forgotten first = letter("n1");
  Transaction t;
  t.forgotten = {first};
  ASSERT_TRUE(outbox_->commit(t));
  bury("n2");
  ASSERT_EQ(letter("n2").number, first.number) << "numbers are given anew";
  ASSERT_TRUE(outbox_->commit(t));
  EXPECT_THAT(dead(), ElementsAre("n2"));
}

TEST_F(DeadLetters, GapsDoNotCostTheOldestTheirPlace) {
  for (const auto* id : {"n1", "n2", "n3", "n4"}) bury(id);
  Transaction t;
  t.forgotten = {letter("n2"), letter("n3")};
  ASSERT_TRUE(outbox_->commit(t));
  for (const auto* id : {"n5", "n6", "n7"}) bury(id);
  EXPECT_THAT(dead(), ElementsAre("n7", "n6", "n5", "n4", "n1"));
  bury("n8");
  EXPECT_THAT(dead(), ElementsAre("n8", "n7", "n6", "n5", "n4")) << "five are kept";
}

TEST_F(DeadLetters, MoreThanASmallerBoundAllowsGoWithTheNext) {
  for (const auto* id : {"n1", "n2", "n3", "n4"}) bury(id);
  open({.max_dead_letters = 2});
  bury("n5");
  EXPECT_THAT(dead(), ElementsAre("n5", "n4"));
}

TEST_F(DeadLetters, WhatTheDiskDidNotTakeYetIsForgottenWithIt) {
  Backlog backlog;
  Transaction t;
  t.forgotten = {{7, "n1"}};
  t.add = {make_notification({.id = "n1"})};
  backlog.append(t, 10, false);
  ASSERT_EQ(backlog.forgotten().size(), 1U);
  Transaction done;
  done.finished = {{"n1", Outcome::delivered, ""}};
  backlog.append(done, 10, false);
  const Transaction all = backlog.as_transaction();
  EXPECT_THAT(all.add, IsEmpty());
  ASSERT_EQ(all.forgotten.size(), 1U);
  EXPECT_EQ(all.forgotten[0].number, 7);
}

}  // namespace
}  // namespace sidewatch
