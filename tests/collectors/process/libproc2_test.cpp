// The seam of libproc2 meets each of its traps; and both describers say the same of the same process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "collectors/process/description.h"

namespace sidewatch {
namespace {

// A child with this name that sleeps until it is killed and reaped.
class Sleeper {
 public:
  explicit Sleeper(const std::string& name, bool zombie = false) {
    int ready[2];
    if (pipe(ready) != 0) ADD_FAILURE() << "pipe";
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      prctl(PR_SET_NAME, name.c_str());
      if (zombie || write(ready[1], "r", 1) != 1) _exit(0);
      while (true) pause();
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), zombie ? 0 : 1);
    close(ready[0]);
    siginfo_t info{};
    if (zombie) waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  ~Sleeper() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

constexpr pid_t nobody = 0x3ffffff;  // beyond the largest PID there can be

// Asks about as many processes as it takes to have the library asked.
std::vector<ProcessDescription> describe(ProcessDescriber& describer, std::vector<pid_t> pids) {
  pids.resize(std::max(pids.size(), many_processes), nobody);
  std::vector<ProcessDescription> out;
  describer.describe(pids, out);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return out;
}

long resident_pages() {
  long size = 0, resident = 0;
  FILE* statm = fopen("/proc/self/statm", "r");
  EXPECT_EQ(fscanf(statm, "%ld %ld", &size, &resident), 2);
  fclose(statm);
  return resident;
}

TEST(Libproc2, SaysTheSameAsTheFilesForEverySortOfName) {
  const auto library = make_libproc2_describer();
  ASSERT_TRUE(library);
  const auto files = make_file_describer("/proc");
  for (const std::string name : {"plain", "x) R 1 (", "a b", "l\nb", "\xff\xfe\xfd", "h\xc3\xa9llo?", "...", "-"}) {
    const Sleeper sleeper(name);
    const auto a = describe(*library, {sleeper.pid()});
    const auto b = describe(*files, {sleeper.pid()});
    ASSERT_EQ(a.size(), 1u);
    ASSERT_EQ(b.size(), 1u);
    EXPECT_EQ(a[0].comm, name);
    EXPECT_EQ(b[0].comm, name);
    EXPECT_EQ(a[0].pid, sleeper.pid());
    EXPECT_EQ(a[0].ppid, getpid());
    EXPECT_EQ(b[0].ppid, getpid());
    EXPECT_EQ(a[0].start_ticks, b[0].start_ticks);
    EXPECT_GT(a[0].start_ticks, 0u);
    EXPECT_EQ(a[0].exe, std::filesystem::read_symlink("/proc/self/exe").string());
    EXPECT_EQ(b[0].exe, a[0].exe);
    EXPECT_EQ(b[0].cmdline, a[0].cmdline);
    EXPECT_EQ(b[0].argv0(), a[0].argv0());
    EXPECT_NE(a[0].argv0(), "");
    EXPECT_EQ(a[0].user, std::to_string(geteuid()));
    EXPECT_EQ(b[0].user_name, a[0].user_name);
    EXPECT_NE(a[0].cgroups, "");
    EXPECT_EQ(b[0].cgroups, a[0].cgroups);
    EXPECT_THAT(a[0].cmdline, testing::HasSubstr("libproc2"));
  }
}

TEST(Libproc2, GivesNoProgramAndNoArgumentsForAZombie) {
  const Sleeper zombie("gone", true);
  for (const auto& describer : {make_libproc2_describer(), make_file_describer("/proc")}) {
    const auto described = describe(*describer, {zombie.pid()});
    ASSERT_EQ(described.size(), 1u);
    EXPECT_EQ(described[0].comm, "gone");
    EXPECT_EQ(described[0].exe, "") << "the library's \"-\" is no path";
    EXPECT_EQ(described[0].cmdline, "") << "the library's \"-\" is no argument";
  }
}

TEST(Libproc2, DescribesMoreThan255ProcessesAtOnce) {
  const auto describer = make_libproc2_describer();
  ASSERT_TRUE(describer);
  const Sleeper sleeper("last");
  std::vector<pid_t> pids(600, nobody);
  pids.front() = getpid();
  pids[300] = getppid();
  pids.back() = sleeper.pid();
  const auto described = describe(*describer, pids);
  std::vector<pid_t> found;
  for (const auto& process : described) found.push_back(process.pid);
  EXPECT_THAT(found, testing::UnorderedElementsAre(getpid(), getppid(), sleeper.pid()));
}

TEST(Libproc2, LeavesOutWhatVanished) {
  const auto describer = make_libproc2_describer();
  ASSERT_TRUE(describer);
  pid_t gone = 0;
  {
    const Sleeper sleeper("brief");
    gone = sleeper.pid();
    EXPECT_EQ(describe(*describer, {gone}).size(), 1u);
  }
  EXPECT_TRUE(describe(*describer, {gone}).empty());
  std::vector<ProcessDescription> none;
  describer->describe(std::vector<pid_t>{gone}, none);
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(describe(*describer, {}).empty());
}

TEST(Libproc2, KeepsWhatItSaidAfterTheNextQuestion) {
  const auto describer = make_libproc2_describer();
  ASSERT_TRUE(describer);
  const Sleeper one("number-one");
  const Sleeper two("number-two");
  const auto first = describe(*describer, {one.pid()});
  for (int i = 0; i < 50; ++i) describe(*describer, {two.pid(), getpid()});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].comm, "number-one");
}

TEST(Libproc2, DoesNotGrowFromQuestionToQuestion) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer keeps freed memory";
#endif
  const auto describer = make_libproc2_describer();
  ASSERT_TRUE(describer);
  std::vector<pid_t> pids(255, getpid());
  for (std::size_t i = 0; i < pids.size(); i += 2) pids[i] = getppid();
  for (int i = 0; i < 5; ++i) describe(*describer, pids);
  const long before = resident_pages();
  for (int i = 0; i < 100; ++i) describe(*describer, pids);
  EXPECT_LT(resident_pages() - before, 1024);
}

TEST(Libproc2, LeavesOutTheTextsThatNobodyAskedFor) {
  for (const bool library : {true, false}) {
    for (const DescribedTexts texts : {DescribedTexts{true, false, false, true},
                                       {false, true, true, false},
                                       {false, false, false, false}}) {
      const auto describer = library ? make_libproc2_describer(texts) : make_file_describer("/proc", texts);
      const auto described = describe(*describer, {getpid()});
      ASSERT_EQ(described.size(), 1u);
      EXPECT_EQ(described[0].pid, getpid());
      EXPECT_EQ(described[0].ppid, getppid());
      EXPECT_NE(described[0].comm, "");
      EXPECT_GT(described[0].start_ticks, 0u);
      EXPECT_EQ(described[0].exe != "", texts.exe);
      EXPECT_EQ(described[0].cmdline != "", texts.cmdline);
      EXPECT_EQ(described[0].user != "", texts.user);
      EXPECT_EQ(described[0].user_name != "", texts.user);
      EXPECT_EQ(described[0].cgroups != "", texts.cgroups);
    }
  }
}

TEST(Libproc2, TakesMemoryForOneThreadOnly) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory is counted with it";
#endif
  const auto ask = [] {
    const auto describer = make_libproc2_describer();
    EXPECT_EQ(describe(*describer, {getpid()}).size(), 1u);
  };
  ask();
  std::thread(ask).join();
  const long before = resident_pages();
  for (int i = 0; i < 100; ++i) std::thread(ask).join();
  EXPECT_LT(resident_pages() - before, 1024) << "each thread that asks the library costs 180 KB for good";
}

TEST(FileDescriber, CutsAHugeCommandLine) {
  const auto root = std::filesystem::temp_directory_path() / ("sidewatch-cmdline-" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "7");
  const auto put = [&root](const char* name, const std::string& text) {
    FILE* file = fopen((root / "7" / name).c_str(), "w");
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  };
  put("stat", "7 (big) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 1 1 1\n");
  put("cmdline", std::string(std::size_t{2} << 20, 'x'));
  auto described = describe(*make_file_describer(root), {7});
  ASSERT_EQ(described.size(), 1u);
  EXPECT_EQ(described[0].cmdline.size(), max_cmdline_bytes);
  put("cmdline", std::string("a\0b c\0\0d\ne\0\0\0", 13));
  described = describe(*make_file_describer(root), {7});
  EXPECT_EQ(described[0].cmdline, "a b c  d e");
  EXPECT_EQ(described[0].argv0(), "a");
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace sidewatch
