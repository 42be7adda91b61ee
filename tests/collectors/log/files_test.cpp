// Log files as programs and logrotate treat them: each line is given once, whatever becomes of the names.
#include "collectors/log/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace sidewatch::log {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogFiles : public ::testing::Test {
 protected:
  void append(const std::string& name, const std::string& text) { std::ofstream(dir / name, std::ios::app) << text; }
  void rename(const std::string& from, const std::string& to) { std::filesystem::rename(dir / from, dir / to); }
  // As logrotate does it with copytruncate.
  void copy_and_empty(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(dir / from, dir / to);
    ASSERT_EQ(::truncate((dir / from).c_str(), 0), 0);
  }

  std::vector<std::string> read(Files& files) {
    std::vector<std::string> lines;
    outcome = {};
    now += 1s;
    files.read(now, [&lines](std::string_view line) { lines.emplace_back(line); }, outcome);
    return lines;
  }

  Files::Options options(const std::string& pattern) {
    Files::Options made;
    made.paths = {dir / pattern};
    made.max_time = 30s;
    return made;
  }

  TempDir dir;
  Time now = time_at_ms(1'000'000);
  PassOutcome outcome;
};

const std::string long_start = std::string(300, 'a') + "\n";  // by which a copy is known

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

TEST_F(LogFiles, ThatAreTooManyAreTheOldOnes) {
  auto wanted = options("*.log");
  wanted.max_files = 2;
  for (const char* name : {"1.log", "2.log", "3.log"}) {
    append(name, "old\n");
    const auto age = std::chrono::hours('9' - name[0]);
    std::filesystem::last_write_time(dir / name, std::filesystem::file_time_type::clock::now() - age);
  }
  Files files(wanted);
  read(files);
  EXPECT_EQ(files.counts().open, 2U);
  EXPECT_EQ(files.counts().left_out, 1U);
  append("1.log", "it wakes\n");  // is the newest now, and what was in it at the start is not new
  EXPECT_THAT(read(files), ElementsAre("it wakes"));
}

TEST_F(LogFiles, ThatAreCompressedAreLeftAlone) {
  Files files(options("a.log*"));
  read(files);
  append("a.log.2.gz", "binary\n");
  EXPECT_THAT(read(files), IsEmpty());
  EXPECT_EQ(outcome.partial_errors, 0U);
}

TEST_F(LogFiles, RefusePipesWithoutWaitingOrWakingTheirWriter) {
  ASSERT_EQ(::mkfifo((dir / "a.log").c_str(), 0600), 0);
  Files files(options("a.log"));
  EXPECT_THAT(read(files), IsEmpty());
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("is a named pipe"));
}

TEST_F(LogFiles, RefuseDevicesAndDirectories) {
  std::filesystem::create_symlink("/dev/zero", dir / "a.log");
  Files device(options("a.log"));
  EXPECT_THAT(read(device), IsEmpty());
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("is a device"));
  std::filesystem::create_directory(dir / "b");
  Files directory(options("b"));
  EXPECT_THAT(read(directory), IsEmpty());
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("is a directory; to read the files in it write"));
  Files with_pattern(options("b*"));
  read(with_pattern);
  EXPECT_EQ(outcome.partial_errors, 0U);
}

TEST_F(LogFiles, FollowALinkOfTheirOwnerAndNotThatOfAnother) {
  append("real", "");
  std::filesystem::create_symlink(dir / "real", dir / "a.log");
  Files files(options("a.log"));
  read(files);
  append("real", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make links for others";
  ASSERT_EQ(::lchown((dir / "a.log").c_str(), 65534, 65534), 0);
  Files refused(options("a.log"));
  EXPECT_THAT(read(refused), IsEmpty());
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("is a symbolic link that"));
}

TEST_F(LogFiles, AreNotReachedThroughTheLinksOfAnotherWhereverOnTheWay) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make links for others";
  std::filesystem::create_directories(dir / "secret/in");
  std::filesystem::create_directory(dir / "open");
  append("secret/in/a.log", "");
  std::filesystem::create_directory_symlink("../secret", dir / "open/evil");  // a directory
  std::filesystem::create_symlink("evil/in/a.log", dir / "open/chain");       // of root, through that of another
  const auto refused = [&](const std::string& path) {
    Files files(options(path));
    read(files);
    return outcome.first_partial_error;
  };
  for (const char* path : {"open/evil/in/a.log", "open/evil/in/*.log", "open/chain"}) EXPECT_EQ(refused(path), "") << path;
  ASSERT_EQ(::lchown((dir / "open/evil").c_str(), 65534, 65534), 0);
  for (const char* path : {"open/evil/in/a.log", "open/evil/in/*.log", "open/chain"}) {
    EXPECT_THAT(refused(path), HasSubstr("is a symbolic link that")) << path;
  }
  EXPECT_EQ(refused("secret/in/a.log"), "");
  ASSERT_EQ(::chown((dir / "secret/in/a.log").c_str(), 65534, 65534), 0);
  EXPECT_EQ(refused("open/evil/in/a.log"), "");  // it is theirs
  std::filesystem::create_symlink("round", dir / "open/round");
  EXPECT_THAT(refused("open/round"), HasSubstr("go in a circle"));
}

TEST_F(LogFiles, AreReadByTheirOwnNameThoughALinkToThemIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make links for others";
  append("b.log", "");
  std::filesystem::create_symlink("b.log", dir / "a.log");
  ASSERT_EQ(::lchown((dir / "a.log").c_str(), 65534, 65534), 0);
  Files files(options("*.log"));
  read(files);
  append("b.log", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
}

TEST_F(LogFiles, AreReadThroughTheRootOfAProcess) {
  append("a.log", "");
  auto wanted = options("");
  wanted.paths = {"/proc/" + std::to_string(::getpid()) + "/root" + (dir / "a.log")};
  Files files(wanted);
  read(files);
  append("a.log", "1\n");
  EXPECT_THAT(read(files), ElementsAre("1"));
}

// Runs as nobody: what nobody may not, shows.
class LogFilesWithoutRight : public LogFiles {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
    std::filesystem::create_directory(dir / "closed");
    append("closed/a.log", "old\n");
    allow("closed", 0700);
  }
  void allow(const std::string& name, unsigned mode) {
    std::filesystem::permissions(dir / name, static_cast<std::filesystem::perms>(mode));
  }
  std::vector<std::string> read_as_nobody(Files& files) {
    EXPECT_EQ(::seteuid(65534), 0);
    auto lines = read(files);
    EXPECT_EQ(::seteuid(0), 0);
    return lines;
  }
};

TEST_F(LogFilesWithoutRight, SayWhichDirectoryAPatternCannotSee) {
  Files files(options("closed/*.log"));
  read_as_nobody(files);
  EXPECT_THAT(outcome.first_partial_error,
              HasSubstr("/closed: no right to list this directory. It belongs to root:root (mode 0700), the agent runs as nobody"));
  Files none(options("nothing/*.log"));
  read(none);
  EXPECT_EQ(outcome.partial_errors, 0U);
}

TEST_F(LogFilesWithoutRight, AreReadFromTheirEndWhenTheRightIsGivenLater) {
  for (const char* path : {"closed/a.log", "closed/*.log"}) {
    allow("closed", 0700);
    Files files(options(path));
    EXPECT_THAT(read_as_nobody(files), IsEmpty());
    EXPECT_THAT(read_as_nobody(files), IsEmpty());
    append("closed/a.log", "half a li");
    allow("closed", 0755);
    EXPECT_THAT(read_as_nobody(files), IsEmpty()) << path;
    EXPECT_EQ(outcome.first_partial_error, "");
    append("closed/a.log", "ne\n");
    EXPECT_THAT(read_as_nobody(files), ElementsAre("half a line")) << path;
    append("closed/b.log", "new\n");
    EXPECT_EQ(read_as_nobody(files).size(), path == std::string("closed/*.log") ? 1U : 0U);
    std::filesystem::remove(dir / "closed/b.log");
  }
}

TEST_F(LogFilesWithoutRight, ThatCannotBeOpenedYetGoOnAtTheBeginningOfALine) {
  allow("closed", 0755);
  append("closed/a.log", "half a li");
  allow("closed/a.log", 0600);
  Files files(options("closed/a.log"));
  EXPECT_THAT(read_as_nobody(files), IsEmpty());
  append("closed/a.log", "ne\n");
  allow("closed/a.log", 0644);
  EXPECT_THAT(read_as_nobody(files), ElementsAre("half a line"));
}

TEST_F(LogFiles, ThatAreGivenTheNumberOfAnotherAreNotTakenForIt) {
  append("a.log", long_start + "1\n");
  auto tail = Tail::open(dir / "a.log");
  ASSERT_TRUE(tail);
  tail->go_to_end();
  const auto place = tail->place();
  EXPECT_TRUE(tail->go_to(place));
  // Another one of the same number, which begins alike and is longer.
  ASSERT_EQ(::truncate((dir / "a.log").c_str(), 0), 0);
  append("a.log", long_start + "2\n3\n");
  tail = Tail::open(dir / "a.log");
  EXPECT_FALSE(tail->go_to(place));
  auto reborn = place;
  reborn.before.clear();
  EXPECT_TRUE(tail->go_to(reborn));
  if (place.born == 0) GTEST_SKIP() << "this filesystem does not say when a file was made";
  ++reborn.born;
  EXPECT_FALSE(tail->go_to(reborn));
}

TEST_F(LogFiles, SayWhichRightIsMissing) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
  auto wanted = options("");
  wanted.paths = {"/etc/shadow"};
  Files files(wanted);
  ASSERT_EQ(::seteuid(65534), 0);
  const auto lines = read(files);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_THAT(outcome.first_partial_error, HasSubstr("/etc/shadow: no right to read this file. It belongs to root:shadow (mode 0640), the agent runs "
                             "as nobody: put that user into the group shadow"));
}

}  // namespace
}  // namespace sidewatch::log
