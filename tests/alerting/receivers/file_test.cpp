#include "alerting/receivers/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "alerting/receivers/webhook_payload.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace {

bool disk_fails = false;

}  // namespace

// In place of the C library's, for this program.
extern "C" int fsync(int fd) {
  if (disk_fails) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}

namespace sidewatch {
namespace {

using testing::HasSubstr;

class FileTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> file(const std::string& more = "") {
    return receiver("  file: {path: " + path_ + more + "}\n");
  }
  static std::string content(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  const TempDir directory_;
  const std::string path_ = directory_.path() + "/alerts.jsonl";
  const std::string line_ = webhook_payload(deliver_alone(make_notification({.id = "n-1"})), {""}) + "\n";
};

TEST_F(FileTest, AddsOneLineForEachMessage) {
  const auto to_file = file(", fsync: true");
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  EXPECT_EQ(content(path_), line_ + line_);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07, 0U);
}

TEST_F(FileTest, KeepsWhatIsThereAndFollowsTheNameWhenTheFileIsMovedAway) {
  std::ofstream(path_) << "before\n";
  const auto to_file = file();
  send(to_file);
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  EXPECT_EQ(content(path_ + ".1"), "before\n" + line_);
  EXPECT_EQ(content(path_), line_);
}

TEST_F(FileTest, TakesNothingMoreWhenItIsFull) {
  const auto to_file = file(", max_size: 4KiB");
  while (content(path_).size() + line_.size() <= 4096) ASSERT_EQ(why(send(to_file)), "(delivered)");
  const std::string full = content(path_);
  const Attempt attempt = send(to_file);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt), HasSubstr("has reached max_size: move it away"));
  EXPECT_EQ(content(path_), full);
}

TEST_F(FileTest, LeavesNoHalfALineOnAFullDisk) {
  const auto to_file = file();
  send(to_file);
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{line_.size() + 10, usual.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  const Attempt attempt = send(to_file);
  setrlimit(RLIMIT_FSIZE, &usual);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(std::holds_alternative<RetryLater>(attempt));
  EXPECT_EQ(content(path_), line_);
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  EXPECT_EQ(content(path_), line_ + line_);
}

TEST_F(FileTest, RepeatsNoLineForAsLongAsTheDiskDoesNotSayThatItHasIt) {
  const auto to_file = file(", fsync: true");
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  disk_fails = true;
  for (int i = 0; i < 3; ++i) {
    const Attempt attempt = send(to_file);
    EXPECT_TRUE(std::holds_alternative<RetryLater>(attempt));
    EXPECT_THAT(why(attempt), HasSubstr("may not be on the disk: Input/output error"));
  }
  EXPECT_EQ(content(path_), line_);
  disk_fails = false;
  EXPECT_EQ(why(send(to_file)), "(delivered)");
  EXPECT_EQ(content(path_), line_ + line_);
}

TEST_F(FileTest, FollowsNoLinkAndWritesToNothingButFiles) {
  const auto to_file = file();
  const std::string target = directory_.path() + "/target";
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_THAT(why(send(to_file)), HasSubstr("is not a regular file"));
  EXPECT_EQ(content(target), "");
  ASSERT_EQ(std::remove(path_.c_str()), 0);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(why(send(to_file)), HasSubstr("is not a regular file"));
}

TEST_F(FileTest, SaysWhyItCannotWrite) {
  const auto nowhere = receiver("  file: {path: " + directory_.path() + "/missing/alerts}\n");
  EXPECT_THAT(why(send(nowhere)), HasSubstr("cannot be opened: No such file or directory"));
}

TEST(FilePlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, file: {" + settings + "}}\n").problems;
  };
  EXPECT_EQ(problems("path: /var/log/alerts.jsonl"), "");
  EXPECT_THAT(problems("path: alerts.jsonl"), HasSubstr("path is not a whole path"));
  EXPECT_THAT(problems("path: /dev/null"), HasSubstr("path is not a regular file"));
  EXPECT_THAT(problems("path: /x, max_size: 10B"), HasSubstr("'max_size' must be between"));
}

TEST(FilePlan, WarnsOfAFolderThatIsMissing) {
  const auto warning = [](const std::string& path) {
    return plans_of("receivers:\n- {name: a, file: {path: " + path + "}}\n").at(0).warning;
  };
  const TempDir directory;
  EXPECT_EQ(warning(directory.path() + "/alerts.jsonl"), "");
  EXPECT_EQ(warning(directory.path() + "/away/alerts.jsonl"),
            "there is no folder " + directory.path() + "/away/, and none is made");
}

}  // namespace
}  // namespace sidewatch
