// A disk that fails on order, and a process that dies in the middle of any write.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "alerting/dispatcher.h"
#include "alerting/outbox.h"
#include "tests/alerting/delivery/failing_disk.h"
#include "tests/support/notifications.h"
#include "tests/support/outbox_model.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

constexpr OutboxLimits small{.ballast_bytes = 0, .checkpoint_frames = 12};

// A short life of alerts: fired, delivered, resolved, refused. Checkpoints fall into it.
std::vector<Transaction> script() {
  std::vector<Transaction> all;
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i);
    Transaction fired;
    fired.states = {{"a" + name, "firing since " + name}, {"common", "v" + name}};
    fired.add = {make_notification({.id = "f" + name, .alert = "a" + name}),
                 make_notification({.id = "g" + name, .alert = "a" + name, .receiver = "chat"})};
    all.push_back(fired);
    Transaction answered;
    answered.finished = {{"f" + name, i % 3 == 0 ? Outcome::rejected : Outcome::delivered, "why"}};
    answered.told = {{"oncall", "a" + name + "/1", true}};
    if (i % 2 == 0) answered.states = {{"a" + name, ""}};
    all.push_back(answered);
  }
  return all;
}

class OutboxFaults : public testing::Test {
 protected:
  void TearDown() override { faults = {}; }

  Outbox open_loaded() {
    auto outbox = Outbox::open(directory_.path(), small);
    if (!outbox) throw std::runtime_error(outbox.error().text());
    if (const auto loaded = outbox->load(); !loaded) throw std::runtime_error(loaded.error().text());
    return std::move(*outbox);
  }

  OutboxModel what_a_restart_finds(std::vector<std::string>* warnings = nullptr) {
    faults = {};
    auto outbox = Outbox::open(directory_.path(), small);
    EXPECT_TRUE(outbox) << outbox.error().text();
    const auto loaded = outbox->load();
    EXPECT_TRUE(loaded) << loaded.error().text();
    if (warnings != nullptr) *warnings = loaded->warnings;
    return OutboxModel::of(*loaded);
  }

  TempDir directory_;
};

// In write-ahead mode SQLite syncs a commit only when it is told to (synchronous=FULL).
TEST_F(OutboxFaults, EveryCommitIsSyncedBeforeItCounts) {
  auto outbox = open_loaded();
  for (const auto& transaction : script()) {
    faults = {};
    faults.watching = true;
    ASSERT_TRUE(outbox.commit(transaction));
    EXPECT_GE(faults.syncs, 1);
  }
}

TEST_F(OutboxFaults, AProcessThatDiesInTheMiddleOfAnyWriteLosesNothingThatWasAcknowledged) {
  const auto transactions = script();
  std::vector<OutboxModel> after{OutboxModel()};
  for (const auto& transaction : transactions) {
    after.push_back(after.back());
    after.back().apply(transaction);
  }
  long die_at = 1;
  for (;; die_at += 1 + die_at / 60) {
    const TempDir directory;
    int acknowledged_pipe[2];
    ASSERT_EQ(pipe(acknowledged_pipe), 0);
    const pid_t child = fork();
    if (child == 0) {
      faults.watching = true;
      faults.die_at = die_at;
      auto outbox = Outbox::open(directory.path(), small);
      if (!outbox || !outbox->load()) _exit(1);
      for (const auto& transaction : transactions) {
        if (!outbox->commit(transaction)) _exit(2);
        if (syscall(SYS_write, acknowledged_pipe[1], "x", 1) != 1) _exit(3);
      }
      _exit(0);
    }
    close(acknowledged_pipe[1]);
    std::size_t acknowledged = 0;
    char byte = 0;
    while (read(acknowledged_pipe[0], &byte, 1) == 1) ++acknowledged;
    close(acknowledged_pipe[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_TRUE(WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);

    auto outbox = Outbox::open(directory.path(), small);
    ASSERT_TRUE(outbox) << outbox.error().text() << ", died at " << die_at;
    const auto loaded = outbox->load();
    ASSERT_TRUE(loaded) << loaded.error().text();
    const auto found = OutboxModel::of(*loaded);
    const bool as_acknowledged = found == after[acknowledged];
    const bool one_more = acknowledged + 1 < after.size() && found == after[acknowledged + 1];
    EXPECT_TRUE(as_acknowledged || one_more) << "died at " << die_at << " after " << acknowledged;
    EXPECT_EQ(outbox->statistics().missing, 0) << die_at;
    if (WEXITSTATUS(status) == 0) break;
  }
  EXPECT_GT(die_at, 100);  // it did die in many places
}

TEST_F(OutboxFaults, AFailedSyncAnywhereIsReportedOrMendedAndNothingIsLost) {
  const auto transactions = script();
  for (long bad = 0; bad < 60; ++bad) {
    directory_.~TempDir();
    new (&directory_) TempDir();
    OutboxModel model;
    {
      auto outbox = open_loaded();
      faults.watching = true;
      faults.first_bad_sync = bad;
      faults.bad_syncs = 1;
      for (const auto& transaction : transactions) {
        model.apply(transaction);
        if (const auto done = outbox.commit(transaction); !done) {
          EXPECT_TRUE(outbox.statistics().degraded);
        }
      }
      ASSERT_TRUE(outbox.commit({}));
      EXPECT_FALSE(outbox.statistics().degraded);
      const bool met = faults.syncs > bad;
      EXPECT_TRUE(!met || !outbox.statistics().last_failure.empty() || outbox.statistics().reopened > 0) << bad;
    }
    std::vector<std::string> warnings;
    EXPECT_EQ(what_a_restart_finds(&warnings), model) << bad;
    EXPECT_TRUE(warnings.empty()) << warnings[0];
  }
}

TEST_F(OutboxFaults, WhileNoSyncSucceedsEverythingIsKeptInMemoryAndSaid) {
  const auto transactions = script();
  OutboxModel model;
  {
    auto outbox = open_loaded();
    ASSERT_TRUE(outbox.commit(transactions[0]));
    model.apply(transactions[0]);
    faults.watching = true;
    faults.first_bad_sync = 0;
    faults.bad_syncs = 1'000'000;
    for (std::size_t i = 1; i < transactions.size(); ++i) {
      const auto done = outbox.commit(transactions[i]);
      ASSERT_FALSE(done);
      EXPECT_NE(done.error().text().find("outbox.db"), std::string::npos) << done.error().text();
      model.apply(transactions[i]);
    }
    EXPECT_TRUE(outbox.statistics().degraded);
    EXPECT_GE(outbox.statistics().failed_commits, 1);
    faults.bad_syncs = 0;
    ASSERT_TRUE(outbox.commit({}));
    EXPECT_FALSE(outbox.statistics().degraded);
  }
  EXPECT_EQ(what_a_restart_finds(), model);
}

TEST_F(OutboxFaults, ADiskThatCannotBeReadIsAnErrorAndNothingIsMovedAway) {
  OutboxModel model;
  {
    auto outbox = open_loaded();
    for (int i = 0; i < 300; ++i) {  // more than the page cache holds
      Transaction t;
      t.add = {make_notification({.id = "n" + std::to_string(i)})};
      t.states = {{"s" + std::to_string(i), std::string(1500, 'x')}};
      ASSERT_TRUE(outbox.commit(t));
      model.apply(t);
    }
  }
  {
    auto outbox = Outbox::open(directory_.path(), small);
    ASSERT_TRUE(outbox);
    faults.watching = true;
    faults.bad_reads = true;
    const auto loaded = outbox->load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().text().find("outbox.db: cannot be read"), std::string::npos) << loaded.error().text();
  }
  EXPECT_EQ(what_a_restart_finds(), model);
}

TEST_F(OutboxFaults, OnAFullDiskMessagesAreKeptInMemoryAndWrittenWhenThereIsRoom) {
  const auto transactions = script();
  OutboxModel model;
  {
    auto outbox = open_loaded();
    faults.watching = true;
    faults.full = true;
    bool failed = false;
    for (const auto& transaction : transactions) {
      model.apply(transaction);
      failed = !outbox.commit(transaction) || failed;
    }
    EXPECT_TRUE(failed);
    EXPECT_TRUE(outbox.statistics().degraded);
    EXPECT_EQ(outbox.dead_letter_count(), 3u);
    EXPECT_EQ(outbox.dead_letters(100).size(), 3u);  // f0, f3, f6: listed although they are in memory only
    EXPECT_FALSE(outbox.commit({}));
    faults.full = false;
    ASSERT_TRUE(outbox.commit({}));
    EXPECT_FALSE(outbox.statistics().degraded);
    EXPECT_EQ(outbox.dead_letters(100).size(), 3u);
  }
  EXPECT_EQ(what_a_restart_finds(), model);
}

TEST_F(OutboxFaults, OnADiskThatTurnsReadOnlyMessagesAreKeptInMemoryAndWrittenWhenItMayBeWritten) {
  const auto transactions = script();
  OutboxModel model;
  {
    auto outbox = open_loaded();
    faults.watching = true;
    faults.read_only = true;
    for (const auto& transaction : transactions) {
      model.apply(transaction);
      EXPECT_FALSE(outbox.commit(transaction));
    }
    EXPECT_TRUE(outbox.statistics().degraded);
    EXPECT_FALSE(outbox.commit({}));
    faults.read_only = false;
    ASSERT_TRUE(outbox.commit({}));
    EXPECT_FALSE(outbox.statistics().degraded);
  }
  EXPECT_EQ(what_a_restart_finds(), model);
}

TEST_F(OutboxFaults, TheDispatcherGoesOnDeliveringAndSavesWhenThereIsRoom) {
  using namespace std::chrono_literals;
  auto outbox = Outbox::open(directory_.path(), small);
  ASSERT_TRUE(outbox);
  auto loaded = outbox->load();
  Time now = time_at_ms(0);
  Dispatcher dispatcher(*outbox, *loaded, {{"oncall", "", 100}}, [] { return 0.5; }, now);
  faults.watching = true;
  faults.full = true;
  Transaction with;
  with.states = {{"big", std::string(50'000, 'x')}};
  const std::vector<Notification> two = {make_notification({.id = "n1"}), make_notification({.id = "n2", .alert = "b"})};
  EXPECT_FALSE(dispatcher.enqueue(two, with, now));
  ASSERT_EQ(dispatcher.due(now).size(), 1u);
  EXPECT_FALSE(dispatcher.finished("oncall", "n1", Delivered{}, now, {}));
  ASSERT_EQ(dispatcher.due(now).at(0).id, "n2");
  EXPECT_TRUE(outbox->statistics().degraded);
  ASSERT_TRUE(dispatcher.next_due());
  EXPECT_LE(*dispatcher.next_due(), now + 10s);
  faults.full = false;
  now += 10s;
  EXPECT_TRUE(dispatcher.due(now).empty());
  EXPECT_FALSE(outbox->statistics().degraded);
  const auto saved = outbox->load();
  ASSERT_TRUE(saved);
  ASSERT_EQ(saved->pending.size(), 1u);
  EXPECT_EQ(saved->pending[0].notification.id, "n2");
}

TEST_F(OutboxFaults, AWeekOfAFullDiskCostsNoMoreMemoryThanWhatWaits) {
  auto outbox = open_loaded();
  faults.watching = true;
  faults.full = true;
  Transaction filling;
  filling.states = {{"big", std::string(300'000, 'x')}};  // no free page is left to hide in
  EXPECT_FALSE(outbox.commit(filling));
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "n" + std::to_string(i);
    Transaction fired;
    fired.add = {make_notification({.id = id})};
    fired.states = {{"a", "state " + id}};
    EXPECT_FALSE(outbox.commit(fired));
    Transaction delivered;
    delivered.finished = {{id, Outcome::delivered, ""}};
    EXPECT_FALSE(outbox.commit(delivered));
  }
  faults.full = false;
  ASSERT_TRUE(outbox.commit({}));
  const auto found = outbox.load();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->pending.empty());
  EXPECT_EQ(outbox.statistics().commits, 1);
}

// A real full disk, where the file system allows one to be made.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& where) : where_(where) {
    mounted_ = mount("tmpfs", where.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(where_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string where_;
  bool mounted_ = false;
};

TEST_F(OutboxFaults, TheBallastKeepsAFullDiskDurableForAWhile) {
  const SmallDisk disk(directory_.path());
  if (!disk.mounted()) GTEST_SKIP() << "making a small file system takes root";
  const OutboxLimits limits{.ballast_bytes = 128 * 1024, .checkpoint_frames = 12};
  OutboxModel model;
  {
    auto outbox = Outbox::open(directory_.path(), limits);
    ASSERT_TRUE(outbox && outbox->load());
    EXPECT_EQ(std::filesystem::file_size(directory_ / "outbox.ballast"), 128u * 1024);
    std::ofstream filler(directory_ / "filler");
    while (filler.write("0123456789abcdef", 16).flush()) {
    }
    int durable = 0;
    for (int i = 0; i < 2000 && !outbox->statistics().degraded; ++i) {
      Transaction t;
      t.add = {make_notification({.id = "n" + std::to_string(i)})};
      model.apply(t);
      if (outbox->commit(t)) ++durable;
    }
    EXPECT_EQ(outbox->statistics().ballast_freed, 1);
    EXPECT_GT(durable, 20);
    EXPECT_TRUE(outbox->statistics().degraded);
    Transaction sent;
    sent.finished = {{"n0", Outcome::delivered, ""}};
    model.apply(sent);
    EXPECT_FALSE(outbox->commit(sent));

    std::filesystem::remove(directory_ / "filler");
    filler.close();
    ASSERT_TRUE(outbox->commit({}));
    EXPECT_FALSE(outbox->statistics().degraded);
    EXPECT_TRUE(std::filesystem::exists(directory_ / "outbox.ballast"));  // set aside once more
  }
  EXPECT_EQ(what_a_restart_finds(), model);
}

}  // namespace
}  // namespace sidewatch
