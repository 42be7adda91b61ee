#include "base/kept_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

class KeptFile : public testing::Test {
 protected:
  std::optional<std::string> read(std::size_t max_bytes = 1000) const {
    const auto text = read_kept_file(path, max_bytes);
    EXPECT_TRUE(text) << text.error().text();
    return text ? *text : std::nullopt;
  }
  TempDir directory;
  const std::string path = directory / "kept";
};

TEST_F(KeptFile, IsReadAsItWasWrittenLast) {
  EXPECT_EQ(read(), std::nullopt) << "there is none yet";
  ASSERT_TRUE(write_kept_file(path, "first"));
  EXPECT_EQ(read(), "first");
  ASSERT_TRUE(write_kept_file(path, ""));
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(KeptFile, IsReadableByItsOwnerAlone) {
  ASSERT_TRUE(write_kept_file(path, "secret"));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(KeptFile, IsNotHeldUpByWhatACrashLeft) {
  std::ofstream(path + ".new") << "half a te";
  ASSERT_TRUE(write_kept_file(path, "whole"));
  EXPECT_EQ(read(), "whole");
}

TEST_F(KeptFile, FollowsNoLink) {
  const std::string elsewhere = directory / "elsewhere";
  std::ofstream(elsewhere) << "not ours";
  ASSERT_EQ(::symlink(elsewhere.c_str(), path.c_str()), 0);
  ASSERT_EQ(::symlink(elsewhere.c_str(), (path + ".new").c_str()), 0);
  EXPECT_FALSE(read_kept_file(path, 1000));
  ASSERT_TRUE(write_kept_file(path, "ours")) << "the link is replaced";
  EXPECT_EQ(read(), "ours");
  std::string text;
  std::getline(std::ifstream(elsewhere), text);
  EXPECT_EQ(text, "not ours");
}

TEST_F(KeptFile, SaysWhyItCannotBeHad) {
  ASSERT_TRUE(write_kept_file(path, std::string(1001, 'x')));
  EXPECT_THAT(read_kept_file(path, 1000).error().text(), HasSubstr("is larger than it can be"));
  EXPECT_THAT(read_kept_file(directory.path(), 1000).error().text(), HasSubstr("is not a regular file"));
  EXPECT_THAT(write_kept_file(directory / "none/kept", "x").error().text(), HasSubstr("cannot be written: No such file"));
  const std::string fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(read_kept_file(fifo, 1000)) << "and nobody waits for a writer";
}

}  // namespace
}  // namespace sidewatch
