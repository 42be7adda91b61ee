// What becomes of log files while the agent does not run: which of their lines are read afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "collectors/log/places.h"
#include "tests/collectors/log/files_world.h"

namespace sidewatch::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogFilesOverARestart : public LogFiles {
 protected:
  // A life of the agent that ends after a look at what is there, and what it leaves.
  Places one_life(const Files::Options& wanted) {
    Files files(wanted);
    read(files);
    return places_of(files);
  }
  Places places_of(const Files& files) {
    const auto places = read_places(save_places("shop", files.places()), "shop");
    EXPECT_TRUE(places);
    EXPECT_TRUE(places->same_as(files.places()));
    return *places;
  }
  std::vector<std::string> first_pass(Files& files, const Places& places) {
    files.go_on_from(places);
    return read(files);
  }
  std::vector<std::string> next_life(const Files::Options& wanted, const Places& places) {
    Files files(wanted);
    return first_pass(files, places);
  }
};

TEST_F(LogFilesOverARestart, AreGoneOnWithWhereTheyWere) {
  append("a.log", "old\n");
  const auto places = one_life(options("a.log"));
  append("a.log", "one\ntwo\nhal");
  Files files(options("a.log"));
  EXPECT_THAT(first_pass(files, places), ElementsAre("one", "two"));
  append("a.log", "f\n");
  EXPECT_THAT(read(files), ElementsAre("half"));
  EXPECT_THAT(next_life(options("a.log"), places_of(files)), IsEmpty());
}

TEST_F(LogFilesOverARestart, ThatCameMeanwhileAreReadFromTheirBeginning) {
  append("a.log", "old\n");
  const auto places = one_life(options("*.log"));
  append("b.log", "new\n");
  EXPECT_THAT(next_life(options("*.log"), places), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, ThatAnotherPathNamesAreReadFromTheirEnd) {
  append("a.log", "old\n");
  const auto places = one_life(options("a.log"));
  append("a.log", "new\n");
  append("b.log", "of the other\n");
  EXPECT_THAT(next_life(options("*.log"), places), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, ThatWereRenamedAreReadToTheirEndBeforeTheNewOne) {
  append("a.log", "old\n");
  const auto places = one_life(options("a.log"));
  append("a.log", "1\n");
  rename("a.log", "a.log.1");
  append("a.log.1", "2\n");
  append("a.log", "3\n");
  append("other", "not a line of this log\n");
  Files files(options("a.log"));
  EXPECT_THAT(first_pass(files, places), ElementsAre("1", "2", "3"));
  append("a.log.1", "4\n");
  EXPECT_THAT(read(files), ElementsAre("4"));
  EXPECT_EQ(files.counts().rotated, 1U);
}

TEST_F(LogFilesOverARestart, WhoseNumberIsAnothersNowAreNotReadAsThat) {
  append("a.log", "old\n");
  auto places = one_life(options("a.log"));
  std::filesystem::remove(dir / "a.log");
  append("unrelated", "something else, and longer\n");
  struct stat status {};
  ASSERT_EQ(::stat((dir / "unrelated").c_str(), &status), 0);
  ASSERT_EQ(places.files.size(), 1U);
  places.files[0].id = {status.st_dev, status.st_ino};
  append("a.log", "new\n");
  EXPECT_THAT(next_life(options("a.log"), places), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, ThatWereEmptiedAreReadFromTheirBeginning) {
  append("a.log", "old old old\n");
  const auto places = one_life(options("a.log"));
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", "new\n");
  EXPECT_THAT(next_life(options("a.log"), places), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, ThatWereEmptiedAndHaveGrownBeyondWhereTheyWereAreReadFromTheirBeginning) {
  append("a.log", "old\n");
  const auto places = one_life(options("a.log"));
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", "new\nand longer than before\n");
  EXPECT_THAT(next_life(options("a.log"), places), ElementsAre("new", "and longer than before"));
}

TEST_F(LogFilesOverARestart, WhoseCopyWasMadeBeforeTheyWereEmptiedAreNotReadTwice) {
  for (const auto& start : {long_start, std::string("started\n")}) {
    append("a.log", start);
    const auto places = one_life(options("a.log*"));
    append("a.log", "1\n");
    copy_and_empty("a.log", "a.log.1");
    append("a.log", "2\n");
    EXPECT_THAT(next_life(options("a.log*"), places), UnorderedElementsAre("1", "2"));
    std::filesystem::remove(dir / "a.log");
    std::filesystem::remove(dir / "a.log.1");
  }
}

TEST_F(LogFilesOverARestart, ThatAreCopiesStillWaitForTheirOriginal) {
  append("a.log", long_start);
  Files before(options("a.log*"));
  read(before);
  append("a.log", "1\n");
  read(before);
  std::filesystem::copy_file(dir / "a.log", dir / "a.log.1");
  EXPECT_THAT(read(before), IsEmpty());
  const auto places = places_of(before);
  append("a.log", "2\n");
  append("a.log.1", "2\n");
  Files files(options("a.log*"));
  EXPECT_THAT(first_pass(files, places), ElementsAre("2"));
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", "3\n");
  EXPECT_THAT(read(files), ElementsAre("3"));
}

TEST_F(LogFilesOverARestart, ThatComeBackLaterAreGoneOnWith) {
  std::filesystem::create_directory(dir / "logs");
  append("logs/a.log", "old\n");
  const auto places = one_life(options("logs/a.log"));
  append("logs/a.log", "new\n");
  rename("logs", "not mounted");
  Files files(options("logs/a.log"));
  EXPECT_THAT(first_pass(files, places), IsEmpty());
  rename("not mounted", "logs");
  EXPECT_THAT(read(files), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, AreKnownUnderAnotherNumberOfTheirDevice) {
  append("a.log", "old\n");
  auto places = one_life(options("a.log"));
  ASSERT_EQ(places.files.size(), 1U);
  places.files[0].id.device += 1;
  append("a.log", "new\n");
  EXPECT_THAT(next_life(options("a.log"), places), ElementsAre("new"));
}

TEST_F(LogFilesOverARestart, AreCaughtUpOnOnlySoFar) {
  append("a.log", "old\n");
  const auto places = one_life(options("*.log"));
  append("a.log", "1\n2\n3\n4\n");
  auto wanted = options("*.log");
  wanted.max_catch_up = 3;  // the line in which that begins is read from its beginning
  Files files(wanted);
  EXPECT_THAT(first_pass(files, places), ElementsAre("3", "4"));
  EXPECT_EQ(files.counts().skipped_bytes, 4U);
  ASSERT_EQ(outcome.news.size(), 1U);
  EXPECT_EQ(outcome.news[0].text, "of " + (dir / "a.log") +
                                      ", 4 bytes that were written while the agent did not run are left out: they are "
                                      "more than max_catch_up");
  append("a.log", "5\n6\n7\n8\n");
  EXPECT_THAT(read(files), ElementsAre("5", "6", "7", "8"));
  wanted.max_catch_up = 0;
  EXPECT_THAT(next_life(wanted, places), IsEmpty());
}

TEST_F(LogFilesOverARestart, GoOnBehindALineThatWasCut) {
  append("a.log", "");
  Files before(options("a.log"));
  read(before);
  append("a.log", std::string(200'000, 'e'));
  EXPECT_EQ(read(before).size(), 1U);
  const auto places = places_of(before);
  append("a.log", "e\nf\n");
  EXPECT_THAT(next_life(options("a.log"), places), ElementsAre("f"));
}

}  // namespace
}  // namespace sidewatch::log
