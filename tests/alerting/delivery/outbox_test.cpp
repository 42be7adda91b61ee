#include "alerting/outbox.h"

#include "alerting/outbox_backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/notifications.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Outbox open_or_fail(const std::string& directory, const OutboxLimits& limits = {}) {
  auto outbox = Outbox::open(directory, limits);
  if (!outbox) throw std::runtime_error(outbox.error().text());
  return std::move(*outbox);
}

Loaded load_or_fail(Outbox& outbox) {
  auto loaded = outbox.load();
  if (!loaded) throw std::runtime_error(loaded.error().text());
  return std::move(*loaded);
}

std::vector<std::string> ids(const std::vector<Pending>& pending) {
  std::vector<std::string> ids;
  for (const auto& entry : pending) ids.push_back(entry.notification.id);
  return ids;
}

Transaction adding(std::initializer_list<const char*> names) {
  Transaction transaction;
  for (const auto* name : names) transaction.add.push_back(make_notification({.id = name}));
  return transaction;
}

// Every test below runs once on disk and once in memory; `again` is what a restart would find.
class AnyOutbox : public testing::TestWithParam<bool> {
 protected:
  AnyOutbox() : outbox_(GetParam() ? open_or_fail(directory_.path()) : Outbox::in_memory()) {}

  Loaded again() {
    if (GetParam()) {
      outbox_ = Outbox::in_memory();  // releases the lock
      outbox_ = open_or_fail(directory_.path());
    }
    return load_or_fail(outbox_);
  }

  TempDir directory_;
  Outbox outbox_;
};
INSTANTIATE_TEST_SUITE_P(Kinds, AnyOutbox, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "OnDisk" : "InMemory"; });

TEST_P(AnyOutbox, GivesBackMessagesInTheOrderInWhichTheyWereAdded) {
  ASSERT_TRUE(outbox_.commit(adding({"n1", "n2"})));
  ASSERT_TRUE(outbox_.commit(adding({"n0"})));
  const auto loaded = again();
  EXPECT_THAT(ids(loaded.pending), ElementsAre("n1", "n2", "n0"));
  EXPECT_EQ(encode(loaded.pending[0].notification), encode(make_notification({.id = "n1"})));
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST_P(AnyOutbox, ForgetsWhatIsFinishedAndKeepsTheRefusedAsDeadLetters) {
  ASSERT_TRUE(outbox_.commit(adding({"n1", "n2", "n3", "n4", "n5"})));
  Transaction done;
  done.attempted = {{"n2", 3}, {"n5", 2}};
  done.finished = {{"n1", Outcome::delivered, ""}, {"n2", Outcome::rejected, "HTTP 400"},
                   {"n3", Outcome::dropped, "full"}, {"n4", Outcome::merged, ""}};
  done.at = WallTime(Duration(5000));
  ASSERT_TRUE(outbox_.commit(done));
  const auto loaded = again();
  EXPECT_THAT(ids(loaded.pending), ElementsAre("n5"));
  EXPECT_EQ(loaded.pending[0].attempts, 2);
  const auto letters = outbox_.dead_letters(10);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].notification.id, "n3");
  EXPECT_EQ(letters[1].why, "HTTP 400");
  EXPECT_EQ(letters[1].attempts, 3);
  EXPECT_EQ(letters[1].at, done.at);
  EXPECT_EQ(outbox_.dead_letters(1).size(), 1u);
  EXPECT_EQ(outbox_.dead_letter_count(), letters.size());
}

TEST_P(AnyOutbox, KeepsStatesTimesAndWhoWasTold) {
  Transaction first;
  first.states = {{"a", "one"}, {"b", std::string("bytes\0\xff", 7)}, {"c", "three"}};
  first.told = {{"oncall", "i1", true}, {"chat", "i1", true}, {"oncall", "i2", true}};
  first.saved = SavedAt{time_at_ms(123), Duration(-5), {"boot", 77}};
  ASSERT_TRUE(outbox_.commit(first));
  Transaction second;
  second.states = {{"a", ""}, {"b", "two"}};
  second.told = {{"chat", "i1", false}};
  ASSERT_TRUE(outbox_.commit(second));
  const auto loaded = again();
  ASSERT_EQ(loaded.states.size(), 2u);
  EXPECT_EQ(loaded.states[0].key, "b");
  EXPECT_EQ(loaded.states[0].blob, "two");
  EXPECT_EQ(loaded.states[1].key, "c");
  ASSERT_EQ(loaded.told.size(), 2u);
  EXPECT_EQ(loaded.told[1].incident, "i2");
  ASSERT_TRUE(loaded.saved);
  EXPECT_EQ(to_ms(loaded.saved->time), 123);
  EXPECT_EQ(loaded.saved->wall_step, Duration(-5));
  EXPECT_EQ(loaded.saved->boot.boot_id, "boot");
  EXPECT_EQ(loaded.saved->boot.boot_time_ms, 77);
}

TEST_P(AnyOutbox, ChangesAMessageInItsPlace) {
  ASSERT_TRUE(outbox_.commit(adding({"n1", "n2"})));
  Transaction change;
  change.changed = {make_notification({.id = "n1", .reason = Reason::escalated, .level = Level::critical})};
  ASSERT_TRUE(outbox_.commit(change));
  const auto loaded = again();
  EXPECT_THAT(ids(loaded.pending), ElementsAre("n1", "n2"));
  EXPECT_EQ(loaded.pending[0].notification.level, Level::critical);
}

TEST_P(AnyOutbox, WritingTheSameTwiceChangesNothing) {
  ASSERT_TRUE(outbox_.commit(adding({"n1"})));
  ASSERT_TRUE(outbox_.commit(adding({"n1", "n2"})));
  const auto loaded = again();
  EXPECT_THAT(ids(loaded.pending), ElementsAre("n1", "n2"));
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST_P(AnyOutbox, AnEmptyTransactionCostsNothing) {
  ASSERT_TRUE(outbox_.commit({}));
  EXPECT_EQ(outbox_.statistics().commits, 0);
  EXPECT_EQ(outbox_.statistics().durable, GetParam());
}

TEST(Outbox, KeepsOnlyTheNewestDeadLetters) {
  auto outbox = Outbox::in_memory({.max_dead_letters = 3});
  for (int i = 0; i < 10; ++i) {
    Transaction t;
    t.add = {make_notification({.id = "n" + std::to_string(i)})};
    t.finished = {{"n" + std::to_string(i), Outcome::rejected, "no"}};
    ASSERT_TRUE(outbox.commit(t));
    EXPECT_EQ(outbox.dead_letter_count(), static_cast<std::size_t>(std::min(i + 1, 3)));
  }
  const auto letters = outbox.dead_letters(100);
  EXPECT_EQ(outbox.dead_letter_count(), letters.size());
  ASSERT_EQ(letters.size(), 3u);
  EXPECT_EQ(letters[0].notification.id, "n9");
  EXPECT_EQ(letters[2].notification.id, "n7");
}

TEST(Outbox, ForgetsTheOldestToldIncidentsOverTheLimit) {
  auto outbox = Outbox::in_memory({.max_told = 2});
  for (const auto* incident : {"i1", "i2", "i3"}) {
    Transaction t;
    t.told = {{"oncall", incident, true}};
    ASSERT_TRUE(outbox.commit(t));
  }
  const auto loaded = load_or_fail(outbox);
  ASSERT_EQ(loaded.told.size(), 2u);
  EXPECT_EQ(loaded.told[0].incident, "i2");
}

TEST(Outbox, FoldsItsLogIntoTheFileWhenItHasGrown) {
  const TempDir directory;
  auto outbox = open_or_fail(directory.path(), {.checkpoint_frames = 50});
  std::uintmax_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    Transaction t;
    t.states = {{"a", std::string(3000, static_cast<char>('a' + i % 26))}};
    ASSERT_TRUE(outbox.commit(t));
    longest = std::max(longest, std::filesystem::file_size(directory / "outbox.db-wal"));
  }
  EXPECT_LT(longest, 60u * 4200u);
}

TEST(Outbox, ShutsOutASecondAgentAndNamesTheFirst) {
  const TempDir directory;
  auto first = open_or_fail(directory.path());
  const auto second = Outbox::open(directory.path());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(), HasSubstr(directory.path()));
  EXPECT_THAT(second.error().text(), HasSubstr("locked by pid " + std::to_string(getpid())));
  EXPECT_FALSE(Outbox::move_aside(directory.path()));
}

TEST(Outbox, KeepsItsFilesFromOthers) {
  const TempDir directory;
  auto outbox = open_or_fail(directory.path() + "/made/here");
  ASSERT_TRUE(outbox.commit(adding({"n1"})));
  for (const auto& file : std::filesystem::directory_iterator(directory.path() + "/made/here")) {
    struct stat status{};
    ASSERT_EQ(stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 077, 0u) << file.path();
  }
}

class OutboxRefuses : public testing::Test {
 protected:
  std::string refusal() {
    const auto outbox = Outbox::open(directory_.path());
    if (outbox) return "(opened)";
    EXPECT_THAT(outbox.error().text(), HasSubstr(directory_.path()));
    return outbox.error().what;
  }
  std::string database() const { return directory_ / "outbox.db"; }

  TempDir directory_;
};

TEST_F(OutboxRefuses, ATextInPlaceOfTheDatabaseAndLeavesItAlone) {
  const std::string text(5000, 'x');
  std::ofstream(database()) << text;
  EXPECT_THAT(refusal(), HasSubstr("is not a database"));
  std::ifstream file(database());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

TEST_F(OutboxRefuses, ADirectoryInPlaceOfTheDatabase) {
  std::filesystem::create_directory(database());
  EXPECT_THAT(refusal(), HasSubstr("is a directory"));
}

TEST_F(OutboxRefuses, ASymbolicLinkAndLeavesItsTargetAlone) {
  std::ofstream(directory_ / "target") << "";
  std::filesystem::create_symlink(directory_ / "target", database());
  EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
  EXPECT_EQ(std::filesystem::file_size(directory_ / "target"), 0u);
}

TEST_F(OutboxRefuses, ALockThatIsASymbolicLink) {
  std::ofstream(directory_ / "target") << "precious";
  std::filesystem::create_symlink(directory_ / "target", directory_ / "lock");
  EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
  EXPECT_EQ(std::filesystem::file_size(directory_ / "target"), 8u);
}

TEST_F(OutboxRefuses, ANewerFormatAndAnotherProgramsDatabase) {
  const auto sqlite = [&](const std::string& sql) {
    ASSERT_EQ(std::system(("sqlite3 " + database() + " '" + sql + "'").c_str()), 0);
  };
  sqlite("PRAGMA application_id=1398230850; PRAGMA user_version=2; CREATE TABLE t(a)");
  EXPECT_THAT(refusal(), HasSubstr("newer sidewatch (format 2"));
  sqlite("PRAGMA application_id=7");
  EXPECT_THAT(refusal(), HasSubstr("another program"));
}

TEST_F(OutboxRefuses, AFileOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::ofstream(database()) << "";
  ASSERT_EQ(chown(database().c_str(), 12345, 12345), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to user 12345"));
}

TEST_F(OutboxRefuses, AStateDirectoryThatIsAFile) {
  std::ofstream(directory_ / "file") << "";
  const auto outbox = Outbox::open(directory_ / "file");
  ASSERT_FALSE(outbox);
  EXPECT_THAT(outbox.error().text(), HasSubstr("is not a directory"));
}

TEST_F(OutboxRefuses, NothingMoreOnceTheFileIsMovedAside) {
  std::ofstream(database()) << std::string(5000, 'x');
  std::ofstream(database() + ".aside-1") << "kept";
  const auto name = Outbox::move_aside(directory_.path());
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, database() + ".aside-2");
  EXPECT_EQ(std::filesystem::file_size(*name), 5000u);
  EXPECT_EQ(refusal(), "(opened)");
}

TEST_F(OutboxRefuses, NotAnEmptyFileWhichIsAFirstStartThatWasCutShort) {
  std::ofstream(database()) << "";
  EXPECT_EQ(refusal(), "(opened)");
}

TEST(Backlog, AChangeOfAMessageThatWaitsTooTakesItsPlaceAndOneOfAMessageOnDiskIsKept) {
  Backlog backlog;
  Transaction first;
  first.add = {make_notification({.id = "n1"})};
  backlog.append(first, 10, false);
  Transaction second;
  second.changed = {make_notification({.id = "n1", .reason = Reason::fired_and_resolved}),
                    make_notification({.id = "on-disk", .level = Level::critical})};
  backlog.append(second, 10, false);
  const Transaction all = backlog.as_transaction();
  ASSERT_EQ(all.add.size(), 1U);
  EXPECT_EQ(all.add[0].reason, Reason::fired_and_resolved);
  ASSERT_EQ(all.changed.size(), 1U);
  EXPECT_EQ(all.changed[0].id, "on-disk");
}

TEST(Backlog, OfWhatWasRefusedMeanwhileOnlyTheNewestAreKept) {
  Backlog backlog;
  for (int i = 0; i < 5; ++i) {
    const std::string id = "n" + std::to_string(i);
    Transaction refused;
    refused.add = {make_notification({.id = id})};
    refused.attempted = {{id, 1}};
    refused.finished = {{id, Outcome::rejected, "HTTP 400"}};
    backlog.append(refused, 2, false);
  }
  const auto letters = backlog.dead_letters();
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0].notification.id, "n4");
  EXPECT_EQ(letters[1].notification.id, "n3");
  const Transaction all = backlog.as_transaction();
  EXPECT_EQ(all.add.size(), 2U);
  EXPECT_EQ(all.attempted.size(), 2U);
  EXPECT_EQ(all.finished.size(), 2U);
}

TEST(Backlog, KeepsTheTimeOfItsDeadLettersWhenItIsOnlyAskedToTry) {
  Backlog backlog;
  Transaction refused;
  refused.add = {make_notification({.id = "n1"})};
  refused.finished = {{"n1", Outcome::rejected, "HTTP 400"}};
  refused.at = WallTime(Duration(1'772'366'400'000));
  backlog.append(refused, 10, false);
  backlog.append(Transaction{}, 10, false);
  ASSERT_EQ(backlog.dead_letters().size(), 1U);
  EXPECT_EQ(backlog.dead_letters().front().at, refused.at);
  EXPECT_EQ(backlog.as_transaction().at, refused.at);
}

}  // namespace
}  // namespace sidewatch
