// Programs as they should not be: hanging, forking, flooding, missing. All are real, and all must be gone afterwards.
#include "base/program.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/program_trust.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::exec {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramTest : public ::testing::Test {
 protected:
  std::string script(const std::string& text, mode_t mode = 0755) {
    const std::string path = scripts.path() + "/script" + std::to_string(count_++);
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  Command sh(const std::string& text) {
    Command command;
    command.arguments = {script("#!/bin/sh\n" + text)};
    command.environment = {"PATH=/usr/bin:/bin"};
    return command;
  }

  sidewatch::exec::Run run(const Command& command) { return Program(command).run(); }

  // Whether a process that wrote its number into the file has gone, soon.
  bool goes_away(const std::string& pid_file) {
    std::ifstream file(pid_file);
    pid_t pid = 0;
    file >> pid;
    EXPECT_GT(pid, 0);
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (::kill(pid, 0) != 0) return true;
      std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
      std::string number, name, state;
      status >> number >> name >> state;
      if (state == "Z") return true;  // orphans wait for their new parent
      std::this_thread::yield();
    }
    return false;
  }

  static std::size_t open_files() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  }

  TempDir dir;
  // Not in memory: what is mounted there may be noexec.
  struct Folder {
    Folder() : path_(std::filesystem::temp_directory_path().string() + "/sidewatch-test-XXXXXX") {
      if (mkdtemp(path_.data()) == nullptr) path_.clear();
      std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }
    std::string path_;
  } scripts;

 private:
  int count_ = 0;
};

TEST_F(ProgramTest, ReadsWhatItIsGivenToReadAndTheEnd) {
  auto command = sh("cat; cat /dev/stdin | wc -c");
  command.input = std::string(300'000, 'x') + "\n";
  const auto it = run(command);
  EXPECT_EQ(it.end, sidewatch::exec::Run::End::exited);
  EXPECT_EQ(it.output.substr(0, 300'001), command.input);
  auto heedless = sh("exit 4");
  heedless.input = command.input;
  EXPECT_EQ(run(heedless).code, 4);
  EXPECT_EQ(run(sh("cat | wc -c")).output, "0\n");
}

TEST_F(ProgramTest, TellsWhatItWroteAndHowItEnded) {
  const auto done = run(sh("echo out; echo first >&2; echo last >&2; exit 3"));
  EXPECT_EQ(done.end, sidewatch::exec::Run::End::exited);
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.output, "out\n");
  EXPECT_EQ(done.last_error, "last");
  EXPECT_GT(done.seconds, 0);
}

TEST_F(ProgramTest, GetsItsArgumentsAsTheyAreAndNoShell) {
  Command command;
  command.arguments = {"/bin/echo", "a b", "$HOME", "; rm -rf /", "`id`", ""};
  EXPECT_EQ(run(command).output, "a b $HOME ; rm -rf / `id` \n");
}

TEST_F(ProgramTest, GetsTheEnvironmentThatItIsGivenAndNothingElse) {
  ::setenv("SECRET_OF_THE_AGENT", "x", 1);
  Command command;
  command.arguments = {"/usr/bin/env"};
  command.environment = {"A=1", "B=two words"};
  EXPECT_EQ(run(command).output, "A=1\nB=two words\n");
}

TEST_F(ProgramTest, HasAnEmptyInputItsDirectoryAndNoOtherFile) {
  const int open = ::dup(2);  // without O_CLOEXEC
  EXPECT_EQ(run(sh("cat; pwd; ls /proc/self/fd | wc -l")).output, "/\n4\n");  // 0, 1, 2, and ls's own
  ::close(open);
  auto command = sh("pwd");
  command.directory = "/usr";
  EXPECT_EQ(run(command).output, "/usr\n");
}

TEST_F(ProgramTest, HasNoSignalBlockedOrIgnored) {
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run(sh("grep -E 'SigBlk|SigIgn' /proc/self/status | cut -f2 | sort -u")).output, "0000000000000000\n");
  ::signal(SIGPIPE, SIG_DFL);
}

TEST_F(ProgramTest, IsEndedAtItsTimeoutWithEverythingThatItBegan) {
  auto command = sh("sleep 1000 & echo $! > " + (dir / "child") + "; echo $$ > " + (dir / "self") + "; echo begun; wait");
  command.timeout = 300ms;
  const auto began = std::chrono::steady_clock::now();
  const auto done = run(command);
  EXPECT_EQ(done.end, sidewatch::exec::Run::End::timed_out);
  EXPECT_EQ(done.output, "begun\n");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s + Program::patience);
  EXPECT_TRUE(goes_away(dir / "child"));
  EXPECT_TRUE(goes_away(dir / "self"));
}

TEST_F(ProgramTest, IsMadeToEndWhenItDoesNotListen) {
  auto command = sh("trap '' TERM; echo $$ > " + (dir / "self") + "; while :; do sleep 0.05; done");
  command.timeout = 200ms;
  EXPECT_EQ(run(command).end, sidewatch::exec::Run::End::timed_out);
  EXPECT_TRUE(goes_away(dir / "self"));
}

TEST_F(ProgramTest, IsNotWaitedForWhenOnlyItsChildHoldsTheOutput) {
  auto command = sh("sleep 1000 & echo $! > " + (dir / "child") + "; echo done");
  command.timeout = 60s;
  const auto done = run(command);
  EXPECT_EQ(done.end, sidewatch::exec::Run::End::exited);
  EXPECT_EQ(done.output, "done\n");
  EXPECT_LT(done.seconds, 30);
  EXPECT_TRUE(goes_away(dir / "child"));
}

TEST_F(ProgramTest, IsNotWaitedForByWhatMadeItselfASessionOfItsOwn) {
  const std::string pid_file = scripts.path() + "/pid";
  auto command = sh("setsid sh -c 'echo $$ > " + pid_file + "; exec sleep 60' &\nwhile [ ! -s " + pid_file +
                    " ]; do sleep 0.01; done\necho ready\nsleep 60\n");
  command.timeout = 3s;
  const auto done = run(command);
  EXPECT_EQ(done.end, Run::End::timed_out);
  EXPECT_EQ(done.trouble, "");
  EXPECT_EQ(done.output, "ready\n");
  pid_t daemon = 0;
  std::ifstream(pid_file) >> daemon;
  ASSERT_GT(daemon, 0);
  EXPECT_EQ(::kill(daemon, SIGKILL), 0) << "it was not in the group that was ended";
}

TEST_F(ProgramTest, MayCloseItsOutputAndGoOn) {
  const auto done = run(sh("echo early; exec >&- 2>&-; sleep 0.2; exit 1"));
  EXPECT_EQ(done.end, sidewatch::exec::Run::End::exited);
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.output, "early\n");
}

TEST_F(ProgramTest, IsEndedWhenItWritesTooMuch) {
  for (const char* flood : {"yes", "yes >&2", "trap '' TERM PIPE; while :; do echo 1234567890; done 2>/dev/null"}) {
    auto command = sh(flood);
    command.max_output_bytes = 100'000;
    command.timeout = 60s;
    const auto done = run(command);
    EXPECT_EQ(done.end, sidewatch::exec::Run::End::wrote_too_much) << flood;
    EXPECT_LE(done.output.size(), 100'001U);
    EXPECT_LE(done.last_error.size(), Program::max_error_bytes);
    EXPECT_LT(done.seconds, 30) << flood;
  }
}

TEST_F(ProgramTest, TellsTheSignalThatEndedIt) {
  const auto done = run(sh("kill -SEGV $$"));
  EXPECT_EQ(done.end, sidewatch::exec::Run::End::signalled);
  EXPECT_EQ(done.code, SIGSEGV);
}

TEST_F(ProgramTest, ThatCannotBeStartedSaysWhy) {
  Command missing;
  missing.arguments = {"/nowhere/check"};
  EXPECT_EQ(run(missing).end, sidewatch::exec::Run::End::not_started);
  EXPECT_THAT(run(missing).trouble, HasSubstr("/nowhere/check cannot be run: No such file or directory"));

  Command closed;
  closed.arguments = {script("#!/bin/sh\n", 0644)};
  EXPECT_THAT(run(closed).trouble, HasSubstr("cannot be run: Permission denied"));

  Command no_interpreter;
  no_interpreter.arguments = {script("#!/nowhere/perl\n")};
  EXPECT_THAT(run(no_interpreter).trouble, HasSubstr("the interpreter that its first line (#!) names is not there"));

  Command no_first_line;
  no_first_line.arguments = {script("echo hello\n")};
  EXPECT_THAT(run(no_first_line).trouble, HasSubstr("a script needs a first line such as #!/bin/sh"));

  auto elsewhere = sh("true");
  elsewhere.directory = "/nowhere";
  EXPECT_THAT(run(elsewhere).trouble, HasSubstr("the directory /nowhere cannot be entered"));
}

TEST_F(ProgramTest, HasTheRightsOfTheUserItIsToRunAs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto command = sh("id -u; id -g; id -G; grep CapEff /proc/self/status; grep CapAmb /proc/self/status");
  command.identity = *identity_of("nobody");
  EXPECT_EQ(run(command).output, "65534\n65534\n65534\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
}

TEST_F(ProgramTest, CannotRunAsAnotherWithoutRoot) {
  EXPECT_THAT(identity_of("no-such-user").error().what, HasSubstr("there is no user 'no-such-user' on this machine"));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  ASSERT_EQ(::seteuid(65534), 0);
  const auto refused = identity_of("root");
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what, HasSubstr("the agent does not run as root and so cannot become the user 'root'"));
}

TEST_F(ProgramTest, HasTheLimitsThatItIsGiven) {
  auto command = sh("ulimit -v; ulimit -c; nice");
  command.max_memory_bytes = std::uint64_t{512} << 20;
  command.nice = 5;
  const int now = ::nice(0);
  EXPECT_EQ(run(command).output, "524288\n0\n" + std::to_string(std::min(19, now + 5)) + "\n");
}

TEST_F(ProgramTest, IsTrustedOnlyIfOthersCannotChangeIt) {
  EXPECT_EQ(why_not_trusted(script("#!/bin/sh\n"), std::nullopt), std::nullopt);
  EXPECT_THAT(why_not_trusted(script("#!/bin/sh\n", 0757), std::nullopt)->what, HasSubstr("others may write to it: chmod go-w"));
  EXPECT_THAT(why_not_trusted("/tmp", std::nullopt)->what, HasSubstr("is not a program"));
  EXPECT_THAT(why_not_trusted("/nowhere", std::nullopt)->what, HasSubstr("cannot be run: No such file"));
  if (::geteuid() != 0) return;
  const auto foreign = script("#!/bin/sh\n");
  ASSERT_EQ(::chown(foreign.c_str(), 65534, 65534), 0);
  EXPECT_THAT(why_not_trusted(foreign, std::nullopt)->what, HasSubstr("belongs to another user (number 65534)"));
  EXPECT_EQ(why_not_trusted(foreign, *identity_of("nobody")), std::nullopt);
}

TEST_F(ProgramTest, IsTrustedOnlyIfOthersCannotPutAnotherInItsPlace) {
  const auto in = scripts.path() + "/in";
  std::filesystem::create_directories(in + "/deep");
  std::filesystem::copy_file("/bin/true", in + "/deep/program");
  std::filesystem::create_directory_symlink("in/deep", scripts.path() + "/link");
  const auto why = [&](const std::string& name) {
    const auto error = why_not_trusted(scripts.path() + name, std::nullopt);
    return error ? error->what : "";
  };
  for (const char* path : {"/in/deep/program", "/link/program", "/in/../link/program"}) EXPECT_EQ(why(path), "") << path;
  ASSERT_EQ(::chmod(in.c_str(), 0777), 0);
  for (const char* path : {"/in/deep/program", "/link/program", "/in/../link/program"}) {
    EXPECT_THAT(why(path), HasSubstr("the directory " + in + " can be written to by everybody: chmod o-w")) << path;
  }
  ASSERT_EQ(::chmod(in.c_str(), 0755), 0);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(in.c_str(), 65534, 65534), 0);
  EXPECT_THAT(why("/in/deep/program"), HasSubstr("the directory " + in + " belongs to another user (number 65534)"));
  EXPECT_EQ(why_not_trusted(in + "/deep/program", *identity_of("nobody")), std::nullopt);
  ASSERT_EQ(::chown(in.c_str(), 0, 0), 0);
  ASSERT_EQ(::lchown((scripts.path() + "/link").c_str(), 65534, 65534), 0);
  EXPECT_THAT(why("/link/program"), HasSubstr("/link belongs to another user (number 65534)"));
}

TEST_F(ProgramTest, LeavesNoFileAndNoProcessBehindInAThousandRuns) {
  Command command;
  command.arguments = {"/bin/true"};
  Program program(command);
  program.run();
  const auto before = open_files();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(program.run().end, sidewatch::exec::Run::End::exited);
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no child, ended or not
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(ProgramTest, DiesWithTheAgent) {
  const auto command = sh("echo $$ > " + (dir / "self") + "; sleep 1000 & wait");
  const pid_t agent = ::fork();
  if (agent == 0) {
    auto long_one = command;
    long_one.timeout = 1000s;
    Program(long_one).run();
    ::_exit(0);
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::filesystem::exists(dir / "self") ? std::filesystem::file_size(dir / "self") == 0
                                               : std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_EQ(::kill(agent, SIGKILL), 0);
  ASSERT_EQ(::waitpid(agent, nullptr, 0), agent);
  EXPECT_TRUE(goes_away(dir / "self"));
}

// Rights are a thread's own: the one that this is called on lacks CAP_KILL from then on.
void lose_the_right_to_kill() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
  sets[0].effective &= ~(1U << CAP_KILL);
  ASSERT_EQ(::syscall(SYS_capset, &header, sets.data()), 0);
}

TEST_F(ProgramTest, IsSaidToRunOnWhereTheAgentHasNoRightToEndIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto command = sh("echo $$; exec sleep 1000");
  command.timeout = 100ms;
  command.identity = *identity_of("nobody");
  std::string first, second;
  pid_t pid = 0;
  std::thread([&] {
    lose_the_right_to_kill();
    Program program(command);
    const auto run = program.run();
    EXPECT_EQ(run.end, sidewatch::exec::Run::End::timed_out);
    first = run.trouble;
    second = program.run().trouble;
    pid = std::stoi(run.output);
  }).join();
  const std::string why = "the process " + std::to_string(pid) + " runs as another user, and the agent has no right to end it";
  EXPECT_THAT(first, HasSubstr("cannot be ended: " + why));
  EXPECT_THAT(second, HasSubstr("an earlier run cannot be ended: " + why));
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

TEST_F(ProgramTest, LeavesNoZombiesToAnAgentThatIsTheFirstProcess) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // as for that one, orphans become children
  EXPECT_EQ(run(sh("sleep 300 & sleep 300 & echo OK")).output, "OK\n");
  auto hangs = sh("sleep 300 & sleep 300");
  hangs.timeout = 100ms;
  EXPECT_EQ(run(hangs).end, sidewatch::exec::Run::End::timed_out);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1) << "process " << info.si_pid;
  EXPECT_EQ(errno, ECHILD);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(ProgramTest, OfAnotherUserMayOpenItsStandardFilesByName) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto command = sh("echo 5 > /dev/stdout; echo trouble > /dev/stderr");
  command.identity = *identity_of("nobody");
  const auto done = run(command);
  EXPECT_EQ(done.output, "5\n");
  EXPECT_EQ(done.last_error, "trouble");
}

TEST_F(ProgramTest, MayBeOfTheAgentsOwnUserAlsoInAnotherGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto command = sh("id -u; id -g");
  const auto nobody = *identity_of("nobody");
  sidewatch::exec::Run done;
  std::thread([&] {  // the ids are set by the bare calls, which are of one thread alone
    ASSERT_EQ(::syscall(SYS_setresgid, 7, 7, 7), 0);
    ASSERT_EQ(::syscall(SYS_setresuid, nobody.user, nobody.user, nobody.user), 0);
    auto same = command;
    same.identity = *identity_of("nobody");
    done = Program(same).run();
  }).join();
  EXPECT_EQ(done.output, std::to_string(nobody.user) + "\n7\n") << done.trouble;
}

TEST_F(ProgramTest, ToldOfNoFreeDescriptorSaysSo) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<std::string> messages;
  const auto command = sh("echo");
  for (rlim_t most = open_files(); most < open_files() + 12; ++most) {
    const rlimit few{most, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    messages.push_back(run(command).trouble);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  EXPECT_THAT(messages, Contains(HasSubstr("Too many open files")));
  EXPECT_THAT(messages, Not(Contains(HasSubstr("Bad file descriptor"))));
}

}  // namespace
}  // namespace sidewatch::exec
