// Which log files are read, and what is said of those that may not be.
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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

TEST_F(LogFiles, ThatAreMoreThanCanBeToldApartAreLeftOutAndTold) {
  auto wanted = options("*.log");
  wanted.max_found = 3;
  for (const char* name : {"1.log", "2.log", "3.log"}) append(name, "old\n");
  Files files(wanted);
  read(files);
  EXPECT_EQ(files.counts().left_out, 0U);
  EXPECT_EQ(outcome.partial_errors, 0U);
  append("4.log", "four\n");
  append("5.log", "five\n");
  EXPECT_THAT(read(files), IsEmpty());
  EXPECT_EQ(files.counts().left_out, 2U);
  EXPECT_EQ(outcome.partial_errors, 1U);
  EXPECT_EQ(outcome.first_partial_error,
            dir / "*.log" + ": more than 3 files fit: those behind, by their names, are not read, however new they are. "
                            "Give a path that fits fewer, or delete old ones");
  std::filesystem::remove(dir / "1.log");
  std::filesystem::remove(dir / "2.log");
  EXPECT_THAT(read(files), UnorderedElementsAre("four", "five"));
  EXPECT_EQ(outcome.partial_errors, 0U);
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
  reborn.before = {};
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
