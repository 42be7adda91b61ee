#include "alerting/receivers/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "alerting/receivers/webhook_payload.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class ExecReceiverTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> running(const std::string& script, const std::string& more = "") {
    const std::string path = directory_.path() + "/tell";
    std::ofstream(path) << "#!/bin/sh\n" + script;
    EXPECT_EQ(chmod(path.c_str(), 0755), 0);
    return receiver("  exec:\n    command: [" + path + ", \"" + out() + "\", \"; touch " + out() +
                    ".hacked\"]\n    every: 0ms\n" + more);
  }
  std::string out() const { return directory_.path() + "/out"; }
  std::string content() const {
    std::ifstream stream(out());
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  // Whether the process is gone soon, or is nothing but an exit code that nobody has asked for.
  static bool goes_away(const std::string& pid) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      std::ifstream stream("/proc/" + pid + "/stat");
      std::string stat;
      if (!std::getline(stream, stat)) return true;
      if (stat.find(") Z ") != std::string::npos || stat.find(") X ") != std::string::npos) return true;
      std::this_thread::yield();
    }
    return false;
  }

  const TempDir directory_;
};

TEST_F(ExecReceiverTest, GivesTheProgramTheMessageOnItsStandardInput) {
  EXPECT_EQ(why(send(running("cat > \"$1\""))), "(delivered)");
  EXPECT_EQ(content(), webhook_payload(deliver_alone(make_notification({.id = "n-1"})), {""}) + "\n");
}

TEST_F(ExecReceiverTest, SaysTheMostImportantInTheEnvironmentAndNothingOfTheAgents) {
  setenv("AGENTS_OWN", "secret", 1);
  host_ = "web-7";
  EXPECT_EQ(why(send(running("env | sort > \"$1\"", "    environment: {TOKEN: t0psecret}\n"))), "(delivered)");
  unsetenv("AGENTS_OWN");
  EXPECT_THAT(content(), HasSubstr("SIDEWATCH_ALERT=HostMemoryHigh\nSIDEWATCH_HOST=web-7\nSIDEWATCH_ID=n-1\nSIDEWATCH_KEY=a1\n"
                                   "SIDEWATCH_LEVEL=warning\nSIDEWATCH_STATUS=firing\n"
                                   "SIDEWATCH_TITLE=WARNING: Memory at 93% on a1 on web-7\nTOKEN=t0psecret\n"));
  EXPECT_THAT(content(), Not(HasSubstr("AGENTS_OWN")));
}

TEST_F(ExecReceiverTest, LetsNoShellSeeAnything) {
  auto n = make_notification({.id = "n-1"});
  n.annotations = Labels{{"summary", "$(touch " + out() + ".hacked)\n`id`"}};
  const auto tell = running("printf '%s' \"$SIDEWATCH_TITLE\" > \"$1\"");
  EXPECT_EQ(why(tell->send(deliver_alone(n))), "(delivered)");
  EXPECT_THAT(content(), HasSubstr("$(touch "));
  struct stat found {};
  EXPECT_NE(stat((out() + ".hacked").c_str(), &found), 0);
}

TEST_F(ExecReceiverTest, TakesTheExitCodeForTheAnswer) {
  const Attempt later = send(running("echo busy >&2; exit 75"));
  EXPECT_TRUE(std::holds_alternative<RetryLater>(later));
  EXPECT_THAT(why(later), HasSubstr("/tell asks to come back: busy"));
  const Attempt never = send(running("echo no t0psecret >&2; exit 3", "    environment: {TOKEN: t0psecret}\n"));
  EXPECT_TRUE(std::holds_alternative<Rejected>(never));
  EXPECT_THAT(why(never), HasSubstr("/tell ended with exit code 3: no <...>"));
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(running("kill -9 $$"))));
  EXPECT_TRUE(std::holds_alternative<Rejected>(send(running("head -c 5000 /dev/zero", "    max_output: 1KiB\n"))));
}

TEST_F(ExecReceiverTest, ShowsNothingOfWhatVariablesPutIntoTheArguments) {
  setenv("EXEC_TOKEN", "t0ken-as-an-argument", 1);
  const auto told = receiver("  exec:\n    command: [/bin/sh, -c, 'echo \"no $0\" >&2; exit 1', \"k=${EXEC_TOKEN}\"]\n");
  EXPECT_EQ(why(send(told)), "/bin/sh ended with exit code 1: no k=<...>");
  EXPECT_THAT(traced_answer_, Not(HasSubstr("t0ken")));
}

TEST_F(ExecReceiverTest, EndsWhatTakesTooLongWithAllThatItBegan) {
  const auto begun = std::chrono::steady_clock::now();
  const Attempt attempt = send(running("sleep 1000 & echo $! > \"$1\"; wait", "    timeout: 1s\n"));
  EXPECT_TRUE(std::holds_alternative<RetryLater>(attempt));
  EXPECT_THAT(why(attempt), HasSubstr("took longer than 1s"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
  std::string pid = content();
  pid.resize(pid.find('\n'));
  EXPECT_TRUE(goes_away(pid));
}

TEST_F(ExecReceiverTest, StopsSoonWhenInterrupted) {
  const auto waiting = running("echo begun > \"$1\"; sleep 1000");
  std::thread other([&] {
    while (content().empty()) std::this_thread::yield();
    waiting->interrupt();
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(waiting)));
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 9s);  // its timeout is 10 s
}

TEST_F(ExecReceiverTest, KeepsItsDistance) {
  const auto tell = receiver("  exec: {command: [/bin/true], every: 300ms}\n");
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(why(send(tell)), "(delivered)");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 600ms);
}

TEST_F(ExecReceiverTest, RunsNothingThatIsNotThereOrThatOthersCouldHaveChanged) {
  const Attempt missing = send(receiver("  exec: {command: [" + directory_.path() + "/missing]}\n"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(missing)) << why(missing);
  EXPECT_TRUE(std::get<RetryLater>(missing).refused);
  const auto changeable = running("exit 0");
  ASSERT_EQ(chmod((directory_.path() + "/tell").c_str(), 0777), 0);
  const Attempt attempt = send(changeable);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << why(attempt);
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
}

TEST(ExecReceiverPlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, exec: {" + settings + "}}\n").problems;
  };
  EXPECT_EQ(problems("command: [/bin/true]"), "");
  EXPECT_THAT(problems("command: /bin/echo hello"), HasSubstr("there is no shell"));
  EXPECT_THAT(problems("command: [tell]"), HasSubstr("'tell' is not an absolute path"));
  EXPECT_THAT(problems("command: [/bin/true], environment: {SIDEWATCH_ID: x}"),
              HasSubstr("is set by sidewatch itself"));
}

TEST(ExecReceiverPlan, WarnsOfAProgramThatIsMissing) {
  EXPECT_EQ(plans_of("receivers:\n- {name: a, exec: {command: [/bin/true]}}\n").at(0).warning, "");
  EXPECT_EQ(plans_of("receivers:\n- {name: a, exec: {command: [/usr/bin/away]}}\n").at(0).warning,
            "there is no /usr/bin/away");
}

}  // namespace
}  // namespace sidewatch
