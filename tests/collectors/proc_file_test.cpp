#include "collectors/proc_file.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sidewatch {
namespace {

class ProcFileTest : public testing::Test {
 protected:
  ProcFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "proc_file_XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~ProcFileTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::filesystem::path root_;
  ReadBuffer buffer_;
};

TEST_F(ProcFileTest, ReadsTheWholeFileHoweverLong) {
  const std::string text(100'001, 'x');
  write("a/long", text);
  const ProcDir root(root_.string());
  EXPECT_EQ(root.read("a/long", buffer_).text, text);
  ProcFile kept(root, "a/long");
  EXPECT_EQ(kept.read(buffer_).text, text);
}

TEST_F(ProcFileTest, AKernelsFileIsWholeThoughTheEndOfAShortOneIsNotAskedFor) {
  const ProcDir proc("/proc");
  for (const std::string name : {"filesystems", "devices", "crypto", "iomem", "kallsyms", "version", "cgroups"}) {
    ProcFile file(proc, name);
    const std::string first(file.read(buffer_).text);
    const std::string again(file.read(buffer_).text);
    const std::string to_the_end(proc.read(name.c_str(), buffer_).text);
    EXPECT_TRUE(first == to_the_end) << name << ": " << first.size() << " of " << to_the_end.size() << " bytes";
    EXPECT_TRUE(again == to_the_end) << name;
  }
}

TEST_F(ProcFileTest, AKeptFileYieldsItsPresentContentAtEachRead) {
  write("value", "1\n");
  const ProcDir root(root_.string());
  ProcFile file(root, "value");
  EXPECT_EQ(file.read(buffer_).text, "1\n");
  write("value", "22\n");
  EXPECT_EQ(file.read(buffer_).text, "22\n");
}

TEST_F(ProcFileTest, FindsAFileThatComesLater) {
  const ProcDir root((root_ / "later").string());
  EXPECT_EQ(root.status(), FileStatus::gone);
  ProcFile file(root, "value");
  EXPECT_EQ(file.read(buffer_).status(), FileStatus::gone);
  write("later/value", "1\n");
  EXPECT_EQ(file.read(buffer_).text, "1\n");
}

TEST_F(ProcFileTest, SaysWhyInWords) {
  const ProcDir root(root_.string());
  ProcFile file(root, "net/dev");
  const FileText text = file.read(buffer_);
  ASSERT_FALSE(text);
  EXPECT_EQ(file.error(text).text(), root_.string() + "/net/dev: No such file or directory");
}

TEST_F(ProcFileTest, ADirectoryInPlaceOfAFileFailsButIsNotGone) {
  write("dir/file", "");
  const ProcDir root(root_.string());
  EXPECT_EQ(root.read("dir", buffer_).status(), FileStatus::failed);
}

TEST_F(ProcFileTest, ListsADirectoryWithoutDots) {
  for (int i = 0; i < 300; ++i) write("many/entry" + std::to_string(i), "");
  const ProcDir root(root_.string());
  std::vector<std::string> entries;
  EXPECT_EQ(root.list("many", buffer_, [&](std::string_view name) { entries.emplace_back(name); }), 0);
  EXPECT_EQ(entries.size(), 300u);
  EXPECT_EQ(std::count(entries.begin(), entries.end(), "entry299"), 1);
  EXPECT_EQ(root.list("none", buffer_, [](std::string_view) {}), ENOENT);
}

TEST(ProcFile, AProcessThatEndedIsGoneThroughItsDirectoryAndItsKeptFile) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const ProcDir proc("/proc");
  const ProcDir process(proc, std::to_string(child));
  ProcFile stat(process, "stat");
  ProcFile status(process, "status");
  ReadBuffer buffer;
  EXPECT_TRUE(stat.read(buffer));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(stat.read(buffer).status(), FileStatus::gone);
  EXPECT_EQ(stat.read(buffer).status(), FileStatus::gone);
  EXPECT_EQ(status.read(buffer).status(), FileStatus::gone);
}

TEST(ProcFile, TellsGoneFromForbiddenFromBroken) {
  EXPECT_EQ(file_status(0), FileStatus::ok);
  for (const int number : {ENOENT, ESRCH, ENODEV, ENXIO}) EXPECT_EQ(file_status(number), FileStatus::gone);
  for (const int number : {EACCES, EPERM}) EXPECT_EQ(file_status(number), FileStatus::permission);
  for (const int number : {EIO, EINVAL, EMFILE, EFBIG}) EXPECT_EQ(file_status(number), FileStatus::failed);
}

TEST(ProcText, ATornLastLineIsNotALine) {
  std::string_view rest = "one 1\n\ntwo 2";
  std::string_view line;
  ASSERT_TRUE(next_line(rest, line));
  EXPECT_EQ(line, "one 1");
  ASSERT_TRUE(next_line(rest, line));
  EXPECT_EQ(line, "");
  EXPECT_FALSE(next_line(rest, line));
  EXPECT_EQ(first_line("one\ntwo\n"), "one");
  EXPECT_EQ(first_line("on"), "");
}

TEST_F(ProcFileTest, AnOrdinaryFileNeverClaimsToBeUnchanged) {
  write("plain", "one\n");
  const ProcDir root(root_.string());
  ProcFile file(root, "plain");
  EXPECT_FALSE(file.unchanged()) << "it was not read yet";
  ASSERT_TRUE(file.read(buffer_));
  EXPECT_FALSE(file.unchanged());
}

// In a process and mount namespace of its own; says on which line it failed.
int mount_and_watch(const std::string& place) {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  const ProcDir root("/proc");
  ProcFile mounts(root, "self/mounts");
  ReadBuffer buffer;
  if (!mounts.read(buffer)) return __LINE__;
  if (!mounts.unchanged()) return __LINE__;
  if (mount("nothing", place.c_str(), "tmpfs", 0, nullptr) != 0) return 77;
  if (mounts.unchanged()) return __LINE__;
  const auto text = mounts.read(buffer);
  if (!text || text.text.find(place) == std::string_view::npos) return __LINE__;
  return mounts.unchanged() ? 0 : __LINE__;
}

TEST_F(ProcFileTest, TheKernelAnnouncesThatMountsChanged) {
  const std::string place = root_.string();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(mount_and_watch(place) % 256);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "mounting is not allowed here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the line that failed (modulo 256)";
}

TEST(ProcText, FieldsAreSeparatedByAnyBlanks) {
  std::string_view rest = "  a \t b\tc ";
  EXPECT_EQ(next_field(rest), "a");
  EXPECT_EQ(next_field(rest), "b");
  EXPECT_EQ(next_field(rest), "c");
  EXPECT_EQ(next_field(rest), "");
  EXPECT_EQ(next_field(rest), "");
  EXPECT_EQ(trim(" a b\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(ProcText, NumbersAreWholeOrNotAtAll) {
  EXPECT_EQ(parse_u64("18446744073709551615"), 18446744073709551615u);
  for (const auto* text : {"", " 1", "1 ", "-1", "+1", "1x", "18446744073709551616", "0x1"}) {
    EXPECT_EQ(parse_u64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_i64("-125000"), -125000);
  EXPECT_EQ(parse_hex("0x1003"), 0x1003u);
  EXPECT_EQ(parse_hex("ff"), 255u);
  EXPECT_EQ(parse_hex("0x"), std::nullopt);
  EXPECT_EQ(parse_double("0.25"), 0.25);
  for (const auto* text : {"", "nan", "inf", "1e400", "1.5s"}) EXPECT_EQ(parse_double(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sidewatch
