#include "base/sqlite.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

SqliteDatabase open_or_fail(const std::string& path) {
  auto database = SqliteDatabase::open(path);
  EXPECT_TRUE(database) << database.error().text();
  return std::move(*database);
}

TEST(Sqlite, GivesBackWhatWasBoundBytesAndAll) {
  auto database = open_or_fail(":memory:");
  ASSERT_TRUE(database.execute("CREATE TABLE t(a INTEGER, b TEXT, c BLOB)"));
  const std::string blob("\0\xff\n", 3);
  {
    auto insert = database.prepare("INSERT INTO t VALUES(?, ?, ?)");
    ASSERT_TRUE(insert);
    ASSERT_TRUE(insert->bind(1, std::int64_t{-5}).bind(2, "text").bind_blob(3, blob).run());
    ASSERT_TRUE(insert->bind(1, std::int64_t{6}).bind(2, "").run());  // the third stays NULL
  }
  auto select = database.prepare("SELECT a, b, c FROM t ORDER BY a");
  ASSERT_TRUE(select);
  ASSERT_TRUE(*select->step());
  EXPECT_EQ(select->integer(0), -5);
  EXPECT_EQ(select->bytes(1), "text");
  EXPECT_EQ(select->bytes(2), blob);
  ASSERT_TRUE(*select->step());
  EXPECT_FALSE(select->is_null(1));
  EXPECT_TRUE(select->is_null(2));
  EXPECT_FALSE(*select->step());
}

TEST(Sqlite, ASecondConnectionIsShutOutOfAnExclusiveOne) {
  const TempDir directory;
  auto first = open_or_fail(directory / "a.db");
  ASSERT_TRUE(first.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t(a)"));
  auto second = open_or_fail(directory / "a.db");
  EXPECT_FALSE(second.execute("SELECT * FROM t"));
  EXPECT_EQ(second.failure(), SqliteFailure::busy);
  EXPECT_FALSE(std::filesystem::exists(directory / "a.db-shm"));
}

TEST(Sqlite, TellsAFileThatIsSomethingElse) {
  const TempDir directory;
  std::ofstream(directory / "a.db") << std::string(4096, 'x');
  auto database = open_or_fail(directory / "a.db");
  EXPECT_FALSE(database.execute("SELECT * FROM sqlite_schema"));
  EXPECT_EQ(database.failure(), SqliteFailure::not_a_database);
}

TEST(Sqlite, FollowsNoSymbolicLink) {
  const TempDir directory;
  std::ofstream(directory / "target");
  std::filesystem::create_symlink(directory / "target", directory / "a.db");
  auto database = SqliteDatabase::open(directory / "a.db");
  EXPECT_TRUE(!database || !database->execute("CREATE TABLE t(a)"));
  EXPECT_EQ(std::filesystem::file_size(directory / "target"), 0u);
}

TEST(Sqlite, TellsAFullDatabase) {
  auto database = open_or_fail(":memory:");
  ASSERT_TRUE(database.execute("PRAGMA max_page_count=4; CREATE TABLE t(a)"));
  EXPECT_FALSE(database.execute("INSERT INTO t VALUES(zeroblob(100000))"));
  EXPECT_EQ(database.failure(), SqliteFailure::full);
}

TEST(Sqlite, CountsTheFramesOfTheLog) {
  const TempDir directory;
  auto database = open_or_fail(directory / "a.db");
  ASSERT_TRUE(database.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL"));
  ASSERT_TRUE(database.execute("CREATE TABLE t(a)"));
  const int after_create = database.wal_frames();
  ASSERT_TRUE(database.execute("INSERT INTO t VALUES(1)"));
  EXPECT_GT(after_create, 0);
  EXPECT_GT(database.wal_frames(), after_create);
}

TEST(Sqlite, ClosedAsItIsKeepsTheLogBeside) {
  const TempDir directory;
  {
    auto database = open_or_fail(directory / "a.db");
    ASSERT_TRUE(database.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t(a)"));
    database.close_as_it_is();
  }
  EXPECT_GT(std::filesystem::file_size(directory / "a.db-wal"), 0u);
  auto again = open_or_fail(directory / "a.db");
  EXPECT_TRUE(again.execute("SELECT a FROM t"));
}

}  // namespace
}  // namespace sidewatch
