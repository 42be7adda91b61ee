// Log files as programs and logrotate treat them: each line is given once, whatever becomes of the names.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/collectors/log/files_world.h"

namespace sidewatch::log {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(LogFiles, BeginAtTheEndAndGiveEachNewLineOnce) {
  append("a.log", "old\n");
  Files files(options("a.log"));
  EXPECT_THAT(read(files), IsEmpty());
  append("a.log", "one\ntwo\r\n");
  EXPECT_THAT(read(files), ElementsAre("one", "two"));
  EXPECT_THAT(read(files), IsEmpty());
  EXPECT_EQ(outcome.partial_errors, 0U);
}

TEST_F(LogFiles, BeginAtTheBeginningWhereThatIsWanted) {
  append("a.log", "old\n");
  auto wanted = options("a.log");
  wanted.from = Files::From::beginning;
  Files files(wanted);
  EXPECT_THAT(read(files), ElementsAre("old"));
}

TEST_F(LogFiles, WaitForTheEndOfALine) {
  append("a.log", "half of what was begun before the start");
  Files files(options("a.log"));
  EXPECT_THAT(read(files), IsEmpty());
  append("a.log", " is whole now\nnext");
  EXPECT_THAT(read(files), ElementsAre("half of what was begun before the start is whole now"));
  EXPECT_EQ(files.counts().backlog_bytes, 0U);
  append("a.log", "\n");
  EXPECT_THAT(read(files), ElementsAre("next"));
}

TEST_F(LogFiles, MayComeLaterAndAreThenReadFromTheirBeginning) {
  Files files(options("a.log"));
  EXPECT_THAT(read(files), IsEmpty());
  EXPECT_EQ(outcome.partial_errors, 0U);
  EXPECT_EQ(files.counts().open, 0U);
  append("a.log", "first\n");
  EXPECT_THAT(read(files), ElementsAre("first"));
}

TEST_F(LogFiles, AreReadToTheirEndAfterARename) {
  append("a.log", "");
  Files files(options("a.log"));
  read(files);
  append("a.log", "1\n");
  rename("a.log", "a.log.1");
  append("a.log.1", "2\n");  // who writes has not noticed
  EXPECT_THAT(read(files), ElementsAre("1", "2"));
  append("a.log.1", "3\n");
  append("a.log", "4\n");
  EXPECT_THAT(read(files), ElementsAre("3", "4"));
  append("a.log.1", "5\n");
  EXPECT_THAT(read(files), ElementsAre("5"));
  EXPECT_EQ(files.counts().rotated, 1U);
  EXPECT_EQ(files.counts().open, 2U);
  now += Files::linger;
  read(files);
  EXPECT_EQ(files.counts().open, 1U);
}

TEST_F(LogFiles, AreTheSameFileUnderAnotherNameOfThePattern) {
  append("a.log", "");
  Files files(options("*"));
  read(files);
  append("a.log", "1\n");
  rename("a.log", "b.log");
  append("a.log", "2\n");
  EXPECT_THAT(read(files), UnorderedElementsAre("1", "2"));
  now += Files::linger;
  EXPECT_THAT(read(files), IsEmpty());
}

TEST_F(LogFiles, GiveTheirLastLineWithoutAnEndWhenTheyAreGivenUp) {
  append("a.log", "");
  Files files(options("a.log"));
  read(files);
  append("a.log", "killed while wri");
  read(files);
  std::filesystem::remove(dir / "a.log");
  EXPECT_THAT(read(files), IsEmpty());
  now += Files::linger;
  EXPECT_THAT(read(files), ElementsAre("killed while wri"));
  EXPECT_EQ(files.counts().open, 0U);
}

TEST_F(LogFiles, AreReadFromTheBeginningOnceTheyWereEmptied) {
  append("a.log", "old old old\n");
  Files files(options("a.log"));
  read(files);
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", "new\n");
  EXPECT_THAT(read(files), ElementsAre("new"));
  EXPECT_EQ(files.counts().tails.emptied, 1U);
}

TEST_F(LogFiles, AreReadFromTheBeginningAlsoWhenTheyHaveGrownBeyondWhereTheyWere) {
  append("a.log", "old\n");
  Files files(options("a.log"));
  read(files);
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", "new\nand longer than before\n");
  EXPECT_THAT(read(files), ElementsAre("new", "and longer than before"));
}

TEST_F(LogFiles, AreReadBehindTheHoleThatAWriterLeavesWhoDidNotNoticeTheEmptying) {
  append("a.log", std::string(100'000, 'x') + "\n");
  Files files(options("a.log"));
  read(files);
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  const int file = ::open((dir / "a.log").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::pwrite(file, "after\n", 6, 100'001), 6);
  ::close(file);
  EXPECT_THAT(read(files), ElementsAre("after"));
  EXPECT_EQ(files.counts().tails.cut, 0U);
}

TEST_F(LogFiles, ThatAreCopiesAreNotReadTwice) {
  append("a.log", long_start);
  Files files(options("a.log*"));
  read(files);
  append("a.log", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
  append("a.log", "2\n");
  copy_and_empty("a.log", "a.log.1");
  append("a.log", "3\n");
  EXPECT_THAT(read(files), UnorderedElementsAre("2", "3"));
}

TEST_F(LogFiles, ThatAreCopiesAreNotReadTwiceHoweverLongTheCopyingTakes) {
  const std::string text = long_start + std::string(1000, 'b') + "\n";
  append("a.log", text);
  Files files(options("a.log*"));
  read(files);
  append("a.log", "1\n");
  for (const std::size_t copied : {std::size_t{0}, std::size_t{5}, std::size_t{299}, std::size_t{1000}}) {
    std::ofstream(dir / "a.log.1") << text.substr(0, copied);
    EXPECT_THAT(read(files), copied == 0 ? std::vector<std::string>{"1"} : std::vector<std::string>{}) << copied;
  }
  append("a.log", "2\n");
  EXPECT_THAT(read(files), ElementsAre("2"));
  std::ofstream(dir / "a.log.1") << text << "1\n2\n";
  EXPECT_THAT(read(files), IsEmpty());
  append("a.log", "3\n");
  EXPECT_THAT(read(files), ElementsAre("3"));
  append("a.log", "4\n");  // what comes between the last pass and the emptying
  append("a.log.1", "3\n4\n");
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  EXPECT_THAT(read(files), ElementsAre("4"));
  append("a.log", "5\n");
  EXPECT_THAT(read(files), ElementsAre("5"));
  EXPECT_EQ(files.counts().backlog_bytes, 0U);
}

TEST_F(LogFiles, ThatAreCopiesOfShortOnesAreKnownByTheirNames) {
  append("a.log", "started\n");
  Files files(options("a.log*"));
  read(files);
  append("a.log", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
  append("a.log", "2\n");
  copy_and_empty("a.log", "a.log.1");
  append("a.log", "started\n");
  EXPECT_THAT(read(files), UnorderedElementsAre("2", "started"));
}

TEST_F(LogFiles, ThatOnlyBeginAsAnotherAreRead) {
  append("a.log", long_start);
  Files files(options("a.log*"));
  read(files);
  append("a.log", "1\n");
  read(files);
  append("a.log.web", long_start);
  EXPECT_THAT(read(files), IsEmpty());  // it may be a copy under way
  append("a.log.web", "2\n");
  EXPECT_THAT(read(files), ElementsAre(long_start.substr(0, 300), "2"));
  rename("a.log", "a.log.1");
  append("a.log", long_start);
  EXPECT_THAT(read(files), ElementsAre(long_start.substr(0, 300)));
}

TEST_F(LogFiles, ThatBeginAlikeAreNoCopies) {
  append("a.log", "started\n");
  Files files(options("*.log"));
  read(files);
  append("b.log", "started\n");
  EXPECT_THAT(read(files), ElementsAre("started"));
}

TEST_F(LogFiles, AreGoneOnWithWhenTheyComeBack) {
  append("a.log", "1\n");
  Files files(options("a.log"));
  read(files);
  rename("a.log", "away");
  read(files);
  now += Files::linger;
  read(files);
  EXPECT_EQ(files.counts().open, 0U);
  rename("away", "a.log");
  append("a.log", "2\n");
  EXPECT_THAT(read(files), ElementsAre("2"));
}

TEST_F(LogFiles, MayBeOneFileUnderTwoNames) {
  append("a.log", "");
  ASSERT_EQ(::link((dir / "a.log").c_str(), (dir / "b.log").c_str()), 0);
  Files files(options("*.log"));
  read(files);
  append("b.log", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
}

TEST_F(LogFiles, AreReadOnlySoFarInOnePass) {
  auto wanted = options("a.log");
  wanted.from = Files::From::beginning;
  wanted.max_bytes = 1;  // a pass takes at least a chunk
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  append("a.log", text);
  Files files(wanted);
  auto lines = read(files);
  EXPECT_GT(files.counts().backlog_bytes, text.size() / 2);
  int passes = 1;
  for (; files.counts().backlog_bytes > 0; ++passes) {
    const auto more = read(files);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  EXPECT_GT(passes, 2);
  ASSERT_EQ(lines.size(), 100'000U);
  for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], "line " + std::to_string(i));
  EXPECT_EQ(files.counts().tails.bytes, text.size());
}

TEST_F(LogFiles, ThatArePutAsideUnreadAreReadBeforeTheNewOne) {
  auto wanted = options("a.log");
  wanted.from = Files::From::beginning;
  wanted.max_bytes = 1;
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "line " + std::to_string(i) + "\n";
  append("a.log", text);
  Files files(wanted);
  auto lines = read(files);
  rename("a.log", "a.log.1");
  append("a.log", "newest\n");
  for (int i = 0; i < 20; ++i) {
    const auto more = read(files);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  ASSERT_EQ(lines.size(), 60'001U);
  EXPECT_EQ(lines.back(), "newest");
}

TEST_F(LogFiles, HaveTheirLongLinesCut) {
  append("a.log", "");
  Files files(options("a.log"));
  read(files);
  append("a.log", std::string(max_line_bytes, 'a') + "\n" + std::string(max_line_bytes + 1, 'b') + "\n" +
                      std::string(1'000'000, 'c') + "\nd\n");
  auto lines = read(files);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0], std::string(max_line_bytes, 'a'));
  EXPECT_EQ(lines[1], std::string(max_line_bytes, 'b'));
  EXPECT_EQ(lines[2], std::string(max_line_bytes, 'c'));
  EXPECT_EQ(lines[3], "d");
  EXPECT_EQ(files.counts().tails.cut, 2U);
  append("a.log", std::string(200'000, 'e'));  // not at its end yet
  ASSERT_EQ(read(files).size(), 1U);
  append("a.log", std::string(200'000, 'e'));
  EXPECT_THAT(read(files), IsEmpty());
  append("a.log", "e\nf\n");
  EXPECT_THAT(read(files), ElementsAre("f"));
}
}  // namespace
}  // namespace sidewatch::log
