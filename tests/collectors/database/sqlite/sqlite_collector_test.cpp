// The collector on real files, whose owner is in the same process. (What only another process can show, locks and what
// the agent leaves behind, is in tests/integration/sqlite_test.py.)
#include "collectors/database/sqlite/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/sqlite.h"
#include "tests/collectors/database/database_under_test.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::database::sqlite {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// Writes a database and closes it, as an agent's own open file would be refused.
void write_database(const std::string& path, const std::string& sql) {
  auto database = SqliteDatabase::open(path);
  ASSERT_TRUE(database) << database.error().text();
  const auto done = database->execute(sql);
  ASSERT_TRUE(done) << done.error().text();
}

class SqliteCollectorTest : public ::testing::Test {
 protected:
  SqliteCollectorTest() {
    config.instance.name.value = "main";
    config.path.value = directory / "app.db";
  }

  std::map<std::string, double> collect() {
    if (!collector) collector = make_collector(config, under.catalog);
    under.batch.clear();
    const auto outcome = collector->collect(under.batch, under.now);
    EXPECT_TRUE(outcome);
    trouble = outcome->first_partial_error;
    under.now += 5s;
    return under.samples();
  }

  TempDir directory;
  SqliteConfig config;
  DatabaseUnderTest under;
  std::unique_ptr<Collector> collector;
  std::string trouble;
};

TEST_F(SqliteCollectorTest, TellsTheSizesOfADatabaseInRollbackMode) {
  write_database(config.path.value,
                 "PRAGMA page_size=1024; PRAGMA user_version=41; CREATE TABLE t(a); "
                 "INSERT INTO t SELECT randomblob(900) FROM pragma_compile_options; DELETE FROM t;");
  const auto samples = collect();
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(samples.at("sidewatch_sqlite_up"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_readable"), 1);
  const double pages = samples.at("sidewatch_sqlite_pages");
  EXPECT_EQ(samples.at("sidewatch_sqlite_size_bytes"), 1024 * pages);
  EXPECT_EQ(samples.at("sidewatch_sqlite_freelist_pages"), pages - 2) << "all but the schema and the empty table";
  EXPECT_EQ(samples.at("sidewatch_sqlite_freelist_bytes"), 1024 * (pages - 2));
  EXPECT_DOUBLE_EQ(samples.at("sidewatch_sqlite_freelist_ratio"), (pages - 2) / pages);
  EXPECT_EQ(samples.at("sidewatch_sqlite_user_version"), 41);
  EXPECT_THAT(samples, Contains(Key(HasSubstr(R"(sidewatch_sqlite_info{auto_vacuum="none")"))));
  EXPECT_THAT(samples, Not(Contains(Key(HasSubstr("_wal_")))));
}

TEST_F(SqliteCollectorTest, TellsTheStateOfAWalDatabaseThatNobodyHasOpenWithoutOpeningItsLog) {
  write_database(config.path.value, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  config.tables = {"t"};
  const auto samples = collect();
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(samples.at("sidewatch_sqlite_wal_in_use"), 0);
  EXPECT_EQ(samples.at("sidewatch_sqlite_wal_size_bytes"), 0);
  EXPECT_EQ(samples.at("sidewatch_sqlite_freelist_pages"), 0);
  EXPECT_THAT(samples, Not(Contains(Key("sidewatch_sqlite_readable"))));
  EXPECT_THAT(samples, Not(Contains(Key(HasSubstr("table_rows")))));
  EXPECT_FALSE(fs::exists(config.path.value + "-wal"));
  EXPECT_FALSE(fs::exists(config.path.value + "-shm"));
}

TEST_F(SqliteCollectorTest, SaysNothingAboutWhatMayStandInALogThatWasLeftBehind) {
  {
    auto owner = SqliteDatabase::open(config.path.value);
    ASSERT_TRUE(owner->execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a)"));
    owner->close_as_it_is();
  }
  const auto samples = collect();
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(samples.at("sidewatch_sqlite_up"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_wal_in_use"), 0);
  EXPECT_EQ(samples.at("sidewatch_sqlite_wal_size_bytes"),
            static_cast<double>(fs::file_size(config.path.value + "-wal")));
  EXPECT_THAT(samples, Not(Contains(Key("sidewatch_sqlite_pages"))));
  EXPECT_THAT(samples, Not(Contains(Key(HasSubstr("freelist")))));
  EXPECT_THAT(samples, Not(Contains(Key("sidewatch_sqlite_user_version"))));
}

TEST_F(SqliteCollectorTest, CountsRowsOfTablesWhoseNamesNeedQuotes) {
  write_database(config.path.value, R"(CREATE TABLE "a ""b"" c"(x); INSERT INTO "a ""b"" c" VALUES(1), (2))");
  config.tables = {"a \"b\" c", "none"};
  const auto samples = collect();
  EXPECT_EQ(samples.at(R"(sidewatch_sqlite_table_rows{table="a \"b\" c"})"), 2);
  EXPECT_EQ(trouble, "query 'rows of none': no such table: none");
  EXPECT_THAT(samples, Contains(Key(HasSubstr(R"(query="rows of none", reason="missing")"))));
}

TEST_F(SqliteCollectorTest, AsksQueriesOfTheUsersOwn) {
  write_database(config.path.value,
                 "CREATE TABLE t(kind, size); INSERT INTO t VALUES('a', 1.5), ('b', NULL), (x'ff', 3)");
  CustomQuery query;
  query.name.value = "sizes";
  query.sql = "SELECT kind, size FROM t";
  query.labels.emplace_back().value = "kind";
  query.metrics = {{"size", "app_size", MetricType::gauge, "Size."}};
  config.queries = {query};
  const auto samples = collect();
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(samples.at(R"(app_size{kind="a"})"), 1.5);
  EXPECT_EQ(samples.at("app_size{kind=\"\uFFFD\"}"), 3) << "bytes that are no text";
  EXPECT_THAT(samples, Not(Contains(Key(R"(app_size{kind="b"})"))));
}

TEST_F(SqliteCollectorTest, FindsADatabaseSoundAndKeepsSayingSo) {
  write_database(config.path.value, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  config.integrity.emplace();
  std::map<std::string, double> samples;
  for (int i = 0; i < 500 && !samples.contains("sidewatch_sqlite_integrity_ok"); ++i) samples = collect();
  EXPECT_EQ(samples.at("sidewatch_sqlite_integrity_ok"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_integrity_check_finished"), 1);
  const double checked = samples.at("sidewatch_sqlite_integrity_check_timestamp_seconds");
  EXPECT_EQ(collect().at("sidewatch_sqlite_integrity_check_timestamp_seconds"), checked);
  under.now += 24h;
  EXPECT_GT(collect().at("sidewatch_sqlite_integrity_check_timestamp_seconds"), checked);
}

TEST_F(SqliteCollectorTest, FindsDamage) {
  write_database(config.path.value, "CREATE TABLE t(a); CREATE INDEX i ON t(a); "
                                    "INSERT INTO t SELECT randomblob(500) FROM pragma_compile_options");
  {
    std::fstream file(config.path.value, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2 * 4096);
    for (int i = 0; i < 2000; ++i) file.put('\x55');
  }
  config.integrity.emplace();
  std::map<std::string, double> samples;
  for (int i = 0; i < 500 && !samples.contains("sidewatch_sqlite_integrity_ok"); ++i) samples = collect();
  EXPECT_EQ(samples.at("sidewatch_sqlite_integrity_ok"), 0);
  EXPECT_THAT(trouble, HasSubstr("query 'integrity': the database is damaged: "));
  EXPECT_EQ(samples.at("sidewatch_sqlite_up"), 1);
}

TEST_F(SqliteCollectorTest, SaysWhatIsTheMatterWithAFileThatIsNoDatabase) {
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 0);
  EXPECT_EQ(trouble, "there is no file " + config.path.value);

  std::ofstream(config.path.value) << std::string(5000, '\x7e');
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 0);
  EXPECT_EQ(trouble, config.path.value + " is not an SQLite database, or it is encrypted");

  fs::remove(config.path.value);
  fs::create_directory(config.path.value);
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 0);
  EXPECT_EQ(trouble, config.path.value + " is not a regular file");

  fs::remove(config.path.value);
  ASSERT_EQ(mkfifo(config.path.value.c_str(), 0600), 0);
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 0) << "and it does not hang";

  fs::remove(config.path.value);
  write_database(config.path.value, "CREATE TABLE t(a)");
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 1);
  EXPECT_EQ(trouble, "");
}

TEST_F(SqliteCollectorTest, TakesAnEmptyFileForADatabaseToWhichNothingWasWritten) {
  std::ofstream(config.path.value).close();
  const auto samples = collect();
  EXPECT_EQ(samples.at("sidewatch_sqlite_up"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_pages"), 0);
  EXPECT_EQ(samples.at("sidewatch_sqlite_size_bytes"), 0);
  EXPECT_EQ(trouble, "");
}

TEST_F(SqliteCollectorTest, KeepsAwayFromAFileThatTheAgentItselfHasOpen) {
  auto owner = SqliteDatabase::open(config.path.value);
  ASSERT_TRUE(owner->execute("CREATE TABLE t(a)"));
  EXPECT_EQ(collect().at("sidewatch_sqlite_up"), 0);
  EXPECT_THAT(trouble, HasSubstr("is in use by the agent itself"));
}

TEST_F(SqliteCollectorTest, FollowsALinkToTheDatabaseThatItLeadsTo) {
  write_database(directory / "one.db", "PRAGMA user_version=1; CREATE TABLE t(a)");
  write_database(directory / "two.db", "PRAGMA user_version=2; CREATE TABLE t(a)");
  fs::create_symlink("one.db", config.path.value);
  EXPECT_EQ(collect().at("sidewatch_sqlite_user_version"), 1);
  fs::remove(config.path.value);
  fs::create_symlink("two.db", config.path.value);
  EXPECT_EQ(collect().at("sidewatch_sqlite_user_version"), 2);
}

TEST_F(SqliteCollectorTest, ForgetsWhatAFileThatWasReplacedHasAnswered) {
  write_database(config.path.value, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  config.tables = {"t"};
  config.tables_every = 24h;
  EXPECT_EQ(collect().at(R"(sidewatch_sqlite_table_rows{table="t"})"), 1);
  write_database(directory / "new.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2), (3)");
  fs::rename(directory / "new.db", config.path.value);
  EXPECT_EQ(collect().at(R"(sidewatch_sqlite_table_rows{table="t"})"), 3);
}

TEST_F(SqliteCollectorTest, LeavesADatabaseAloneThatMustBeRolledBack) {
  const TempDir owned;
  auto owner = SqliteDatabase::open(owned / "app.db");
  ASSERT_TRUE(owner->execute("CREATE TABLE t(a); INSERT INTO t VALUES(1); PRAGMA cache_size=1; BEGIN;"
                             "INSERT INTO t SELECT randomblob(3000) FROM pragma_compile_options"));
  fs::copy(owned / "app.db", config.path.value);
  fs::copy(owned / "app.db-journal", config.path.value + "-journal");
  const auto size = fs::file_size(config.path.value + "-journal");
  config.tables = {"t"};
  const auto samples = collect();
  EXPECT_EQ(samples.at("sidewatch_sqlite_up"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_readable"), 0);
  EXPECT_EQ(samples.at("sidewatch_sqlite_journal_hot"), 1);
  EXPECT_EQ(samples.at("sidewatch_sqlite_journal_size_bytes"), static_cast<double>(size));
  EXPECT_THAT(trouble, HasSubstr("a transaction that was left half done"));
  EXPECT_THAT(samples, Not(Contains(Key(HasSubstr("table_rows")))));
  EXPECT_EQ(fs::file_size(config.path.value + "-journal"), size);
}

TEST_F(SqliteCollectorTest, HoldsNothingOpenBetweenPasses) {
  write_database(config.path.value, "CREATE TABLE t(a)");
  config.tables = {"t"};
  config.integrity.emplace();
  std::map<std::string, double> samples;
  for (int i = 0; i < 500 && !samples.contains("sidewatch_sqlite_integrity_ok"); ++i) samples = collect();
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    EXPECT_NE(fs::read_symlink(entry.path(), gone).string(), fs::canonical(config.path.value).string());
  }
}

}  // namespace
}  // namespace sidewatch::database::sqlite
