#include "agent/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/agent/scripted.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

constexpr const char* good = R"(
agent: {state_dir: /var/lib/x}
rules: [{alert: A, expr: up, warning: "> 1"}]
)";

class ReloaderTest : public testing::Test {
 protected:
  Settings started() {
    config::Problems problems;
    Settings settings = load_settings(path, {}, problems);
    EXPECT_EQ(problems.text(), "");
    return settings;
  }

  config::TemporaryFolder folder;
  std::string path = folder.write("sidewatch.yaml", good);
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(64);
  Reloader reloader{path, {}, started(), mailbox};
};

TEST_F(ReloaderTest, SendsTheNewSettingsToTheLoop) {
  folder.write("sidewatch.yaml", R"(
agent: {state_dir: /var/lib/x}
rules: [{alert: A, expr: up, warning: "> 1"}, {alert: B, expr: up, warning: "> 2"}]
)");
  const auto answer = reloader.reload();
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(*answer, "the configuration was read again\n");
  const auto read = take<SettingsRead>(*mailbox);
  ASSERT_TRUE(read && read->settings);
  EXPECT_EQ(name_of((*read->settings)->rule_groups.at(0).rules.at(1)), "B");
}

TEST_F(ReloaderTest, SendsEveryProblemToTheLoopAndToWhoAsked) {
  folder.write("sidewatch.yaml", "rulez: []\nagent: {state_dri: /x}\n");
  const auto answer = reloader.reload();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().text(), HasSubstr("sidewatch.yaml:1:1: unknown key 'rulez'"));
  EXPECT_THAT(answer.error().text(), HasSubstr("sidewatch.yaml:2:9: unknown key 'state_dri'"));
  const auto read = take<SettingsRead>(*mailbox);
  ASSERT_TRUE(read);
  ASSERT_FALSE(read->settings);
  EXPECT_EQ(read->settings.error().text(), answer.error().text());
}

TEST_F(ReloaderTest, SaysWhatNeedsARestart) {
  folder.write("sidewatch.yaml", "agent: {state_dir: /elsewhere}\nhttp: {listen: 127.0.0.1:1}\n");
  for (int i = 0; i < 2; ++i) {  // also the second time: it is still not in force
    const auto answer = reloader.reload();
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer,
              "the configuration was read again\n"
              "agent.state_dir changed: that needs a restart to take effect\n"
              "http.listen changed: that needs a restart to take effect\n");
  }
}

TEST_F(ReloaderTest, TellsWhoAsksThatTheAgentStops) {
  mailbox->close();
  const auto answer = reloader.reload();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().text(), HasSubstr("stopping"));
}

TEST_F(ReloaderTest, TellsWhoAsksTooOftenThatEarlierReloadsAreWaiting) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(reloader.reload());
  const auto answer = reloader.reload();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().text(), HasSubstr("earlier reloads"));
}

TEST_F(ReloaderTest, LogsOnceThatItRefusesUntilItReadsAgain) {
  std::vector<std::string> lines;
  const ReceiverContext context{[&lines](Level, const std::string& line) { lines.push_back(line); }, {}};
  Reloader heard(path, context, started(), mailbox);
  for (int i = 0; i < 100; ++i) (void)heard.reload();
  EXPECT_THAT(lines, testing::ElementsAre(
                         "the configuration was not read again: earlier reloads have not been put into force yet"));
  while (mailbox->take(Duration(0))) {
  }
  for (int i = 0; i < 100; ++i) (void)heard.reload();
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(ReloaderTest, ReadsForOneAskerAfterTheOther) {
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) askers.emplace_back([this] { EXPECT_TRUE(reloader.reload()); });
  for (auto& asker : askers) asker.join();
  for (int i = 0; i < 4; ++i) {
    const auto read = take<SettingsRead>(*mailbox);
    ASSERT_TRUE(read && read->settings);
    EXPECT_EQ(name_of((*read->settings)->rule_groups.at(0).rules.at(0)), "A");
  }
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
