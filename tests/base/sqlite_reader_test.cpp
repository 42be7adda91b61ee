// SqliteReader: it reads what others have written, and whatever it is asked it leaves no trace.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/sqlite.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

namespace fs = std::filesystem;

SqliteDatabase owner_of(const std::string& path, const std::string& sql) {
  auto database = SqliteDatabase::open(path);
  EXPECT_TRUE(database) << database.error().text();
  const auto done = database->execute(sql);
  EXPECT_TRUE(done) << done.error().text();
  return std::move(*database);
}

SqliteReader reader_of(const std::string& path) {
  SqliteFailure failure = SqliteFailure::other;
  auto reader = SqliteReader::open(path, failure);
  EXPECT_TRUE(reader) << reader.error().text();
  return std::move(*reader);
}

// What the first row of `sql` begins with, or the kind of failure in angle brackets.
std::string first(SqliteReader& reader, std::string_view sql) {
  const auto failed = [&] { return "<" + std::to_string(static_cast<int>(reader.failure())) + ">"; };
  auto statement = reader.prepare(sql);
  if (!statement) return failed();
  const auto row = statement->step();
  if (!row) return failed();
  return *row ? std::string(statement->bytes(0)) : "";
}
std::string kind(SqliteFailure failure) { return "<" + std::to_string(static_cast<int>(failure)) + ">"; }

// Every file of the directory with what tells one content from another. Of the index of a log only that it is there:
// connections of one process share it, and here the owner's may write (that a reader alone does not is tested from
// outside, in tests/integration).
std::map<std::string, std::size_t> contents(const TempDir& directory) {
  std::map<std::string, std::size_t> all;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    std::ostringstream text;
    if (!entry.path().string().ends_with("-shm")) text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    all[entry.path().filename()] = std::hash<std::string>()(text.str());
  }
  return all;
}

TEST(SqliteReader, ReadsWhatTheOwnerHasCommittedInEitherMode) {
  for (const char* mode : {"DELETE", "WAL"}) {
    const TempDir directory;
    auto owner = owner_of(directory / "a.db", std::string("PRAGMA journal_mode=") + mode +
                                                  "; CREATE TABLE t(a, b); INSERT INTO t VALUES(7, 0.1)");
    auto reader = reader_of(directory / "a.db");
    EXPECT_EQ(first(reader, "SELECT a FROM t"), "7") << mode;
    auto statement = reader.prepare("SELECT b AS tenth, a FROM t; -- and no more");
    ASSERT_TRUE(statement) << statement.error().text();
    ASSERT_EQ(statement->columns(), 2);
    EXPECT_EQ(statement->name(0), "tenth");
    ASSERT_TRUE(*statement->step());
    EXPECT_EQ(statement->real(0), 0.1);
    EXPECT_EQ(statement->real(1), std::nullopt);
  }
}

TEST(SqliteReader, ReadsAFileWhosePathHasTheSignsOfAUri) {
  const TempDir directory;
  auto owner = owner_of(directory / "a%41?mode=rwc#x.db", "CREATE TABLE t(a); INSERT INTO t VALUES(5)");
  auto reader = reader_of(directory / "a%41?mode=rwc#x.db");
  EXPECT_EQ(first(reader, "SELECT a FROM t"), "5");
}

TEST(SqliteReader, RefusesWhateverDoesMoreThanRead) {
  const TempDir directory;
  auto owner = owner_of(directory / "a.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(5)");
  const auto before = contents(directory);
  auto reader = reader_of(directory / "a.db");
  const std::string other = directory / "other.db";
  for (const std::string& sql : std::vector<std::string>{
           "INSERT INTO t VALUES(1)", "DELETE FROM t", "CREATE TABLE u(a)", "DROP TABLE t", "VACUUM",
           "VACUUM INTO '" + other + "'", "ATTACH '" + other + "' AS x", "BEGIN IMMEDIATE", "BEGIN", "SAVEPOINT a",
           "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode=DELETE", "PRAGMA user_version=3", "PRAGMA optimize",
           "PRAGMA writable_schema=1", "PRAGMA locking_mode=EXCLUSIVE", "ANALYZE", "CREATE TEMP TABLE u(a)",
           "SELECT load_extension('x')", "SELECT 1; DELETE FROM t", "", "-- nothing"}) {
    auto statement = reader.prepare(sql);
    const bool refused = !statement || !statement->step();
    EXPECT_TRUE(refused) << sql;
  }
  EXPECT_EQ(first(reader, "SELECT a FROM t"), "5");
  EXPECT_EQ(first(reader, "SELECT * FROM pragma_page_count"), "2");
  EXPECT_EQ(first(reader, "PRAGMA quick_check(t)"), "ok");
  EXPECT_EQ(contents(directory), before);
}

TEST(SqliteReader, OpensNoLogThatIsNotThere) {
  const TempDir directory;
  { auto owner = owner_of(directory / "a.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a)"); }
  const auto before = contents(directory);
  ASSERT_EQ(before.size(), 1u) << "the owner folded the log back";
  auto reader = reader_of(directory / "a.db");
  EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), kind(SqliteFailure::cannot_open));
  EXPECT_EQ(contents(directory), before);
}

TEST(SqliteReader, LeavesTheLogAloneWhenItIsTheLastToClose) {
  const TempDir directory;
  auto owner = owner_of(directory / "a.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto before = contents(directory);
  ASSERT_EQ(before.size(), 3u);
  {
    auto reader = reader_of(directory / "a.db");
    EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), "0");
    owner.close_as_it_is();
  }
  EXPECT_EQ(contents(directory), before);
}

// What a program leaves that dies in the middle of a transaction: copied while it is under way.
TEST(SqliteReader, RollsNothingBackThatWasLeftHalfDone) {
  const TempDir owned;
  const TempDir directory;
  auto owner = owner_of(owned / "a.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1); PRAGMA cache_size=1; BEGIN;"
                                        "INSERT INTO t SELECT randomblob(3000) FROM pragma_compile_options");
  ASSERT_TRUE(fs::exists(owned / "a.db-journal"));
  fs::copy(owned / "a.db", directory / "a.db");
  fs::copy(owned / "a.db-journal", directory / "a.db-journal");
  const auto before = contents(directory);
  {
    auto reader = reader_of(directory / "a.db");
    EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), kind(SqliteFailure::needs_recovery));
  }
  EXPECT_EQ(contents(directory), before);
}

TEST(SqliteReader, WaitsForALockNoLongerThanItSays) {
  const TempDir directory;
  auto owner = owner_of(directory / "a.db", "CREATE TABLE t(a); BEGIN EXCLUSIVE");
  auto reader = reader_of(directory / "a.db");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), kind(SqliteFailure::busy));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_TRUE(owner.execute("COMMIT"));
  EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), "0");
}

TEST(SqliteReader, EndsWhatNobodyWantsToWaitForAnyLonger) {
  const TempDir directory;
  auto owner = owner_of(directory / "a.db", "CREATE TABLE t(a)");
  auto reader = reader_of(directory / "a.db");
  int asked = 0;
  reader.stop_when([&asked] { return ++asked > 20; });
  EXPECT_EQ(first(reader, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
            kind(SqliteFailure::interrupted));
  reader.stop_when(nullptr);
  EXPECT_EQ(first(reader, "SELECT count(*) FROM t"), "0");
}

TEST(SqliteReader, RefusesAValueThatIsTooLarge) {
  const TempDir directory;
  auto owner = owner_of(directory / "a.db", "CREATE TABLE t(a, b); INSERT INTO t VALUES(1, zeroblob(2000000))");
  auto reader = reader_of(directory / "a.db");
  EXPECT_EQ(first(reader, "SELECT b FROM t"), kind(SqliteFailure::too_large));
  EXPECT_EQ(first(reader, "SELECT hex(zeroblob(900000))"), kind(SqliteFailure::too_large));
  EXPECT_EQ(first(reader, "SELECT a FROM t"), "1");
}

TEST(SqliteReader, TellsWhatIsNoDatabaseAndWhatIsNotThere) {
  const TempDir directory;
  std::ofstream(directory / "a.db") << std::string(4096, 'x');
  auto reader = reader_of(directory / "a.db");
  EXPECT_EQ(first(reader, "SELECT 1 FROM t"), kind(SqliteFailure::not_a_database));
  SqliteFailure failure = SqliteFailure::none;
  EXPECT_FALSE(SqliteReader::open(directory / "none.db", failure));
  EXPECT_EQ(failure, SqliteFailure::cannot_open);
  EXPECT_FALSE(fs::exists(directory / "none.db"));
}

TEST(SqliteReader, NumbersTheLibraryAsServersAreNumbered) {
  EXPECT_GE(SqliteReader::library_version(), 33'400u);
  EXPECT_LT(SqliteReader::library_version(), 100'000u);
}

}  // namespace
}  // namespace sidewatch
