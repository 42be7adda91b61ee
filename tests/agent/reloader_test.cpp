#include "agent/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/settings.h"
#include "tests/agent/scripted.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest() { write("agent: {interval: 5s}\n"); }

  void write(const std::string& text) { std::ofstream(directory / "sidewatch.yaml") << text; }

  TempDir directory;
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(64);
  Reloader reloader{directory / "sidewatch.yaml", {}, Settings{}, mailbox};
};

TEST_F(ReloaderTest, GivesTheLoopWhatItRead) {
  ASSERT_TRUE(reloader.reload());
  const auto read = take<SettingsRead>(*mailbox);
  ASSERT_TRUE(read && read->settings);
  EXPECT_EQ((*read->settings)->agent.interval, std::chrono::seconds(5));
}

TEST_F(ReloaderTest, GivesTheLoopWhatIsWrongAndSaysItToWhoAsked) {
  write("agent: {intervall: 5s}\n");
  const auto answer = reloader.reload();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("interval"));
  const auto read = take<SettingsRead>(*mailbox);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->settings);
}

TEST_F(ReloaderTest, LeavesRoomInTheMailboxWhateverStormOfReloadsComes) {
  int taken = 0;
  for (int i = 0; i < 200; ++i) taken += reloader.reload() ? 1 : 0;
  EXPECT_GE(taken, 1);
  EXPECT_LE(taken, 8);
  Message answer = AttemptDone{1, "oncall", "n1", Delivered{}};
  EXPECT_TRUE(mailbox->put(std::move(answer))) << "what came of a delivery must not be lost";
  for (int i = 0; i < taken; ++i) EXPECT_TRUE(take<SettingsRead>(*mailbox));
  EXPECT_TRUE(reloader.reload()) << "once the loop has come to them";
}

}  // namespace
}  // namespace sidewatch
