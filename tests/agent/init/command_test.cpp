#include "agent/init/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/exit_code.h"
#include "base/errand.h"
#include "tests/agent/init/machine_tree.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr const char* machine = R"(
-- tcp --
listen 127.0.0.1:3000 1000 30
-- process 500 ppid=1 comm=ledger exe=/opt/ledger uid=1000 sockets=30 --
/opt/ledger
)";

// A machine under a directory, and nobody to ask.
struct World {
  World() { discovery::plant_machine(machine, directory / "root"); }

  CommandResult init(InitCommand command) {
    if (command.root.empty()) command.root = directory / "root";
    InitSurroundings surroundings;
    surroundings.state_dir = "/var/lib/sidewatch";
    surroundings.prober = [this](const auto&) {
      asked = true;
      return std::vector<std::uint16_t>();
    };
    return run_init(command, surroundings);
  }

  TempDir directory;
  bool asked = false;
};

TEST(Init, PrintsTheConfigurationAndOnStandardErrorWhatItFound) {
  World world;
  const auto result = world.init({});
  EXPECT_EQ(result.code, exit_ok);
  EXPECT_THAT(result.out, StartsWith("# `sidewatch init` wrote this for a host"));
  EXPECT_THAT(result.out, HasSubstr("match: {comm: ledger}"));
  EXPECT_THAT(result.err, HasSubstr("  ledger: user 1000, port 3000"));
}

TEST(Init, WritesAFileThatOnlyItsOwnerMayRead) {
  World world;
  const std::string path = world.directory / "sidewatch.yaml";
  const auto result = world.init({.output = path});
  EXPECT_EQ(result.code, exit_ok) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(content(path), world.init({}).out);
  EXPECT_THAT(result.err, HasSubstr("sidewatch run --config " + path));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(Init, LeavesAFileThatIsThereUnlessItIsTold) {
  World world;
  const std::string path = world.directory / "sidewatch.yaml";
  std::ofstream(path) << "mine\n";
  const auto refused = world.init({.output = path});
  EXPECT_EQ(refused.code, exit_environment);
  EXPECT_EQ(refused.err, "sidewatch: " + path + ": is there already and was left as it is; --force writes over it\n");
  EXPECT_EQ(content(path), "mine\n");
  EXPECT_EQ(world.init({.output = path, .force = true}).code, exit_ok);
  EXPECT_THAT(content(path), StartsWith("# `sidewatch init`"));
}

TEST(Init, LeavesNothingBehindBesideItsFile) {
  World world;
  const std::string folder = world.directory / "etc";
  std::filesystem::create_directory(folder);
  for (const bool force : {false, true, false}) (void)world.init({.output = folder + "/sidewatch.yaml", .force = force});
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.exists() ? 1 : 0;
  EXPECT_EQ(files, 1u);
}

TEST(Init, LeavesTheModeOfAFileThatItWritesOver) {
  World world;
  const std::string path = world.directory / "sidewatch.yaml";
  std::ofstream(path) << "old\n";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(world.init({.output = path, .force = true}).code, exit_ok);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(Init, WritesWhereASymbolicLinkLeads) {
  World world;
  const std::string target = world.directory / "target.yaml";
  const std::string link = world.directory / "link.yaml";
  std::ofstream(target) << "old\n";
  std::filesystem::create_symlink("target.yaml", link);
  EXPECT_EQ(world.init({.output = link}).code, exit_environment);
  EXPECT_EQ(content(target), "old\n");
  EXPECT_EQ(world.init({.output = link, .force = true}).code, exit_ok);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_THAT(content(target), StartsWith("# `sidewatch init`"));
}

TEST(Init, NeverTakesTheNameOfADeviceOrADirectory) {
  World world;
  for (const auto& path : {std::string("/dev/null"), world.directory.path()}) {
    EXPECT_EQ(world.init({.output = path}).code, exit_environment);
    const auto result = world.init({.output = path, .force = true});
    EXPECT_EQ(result.code, exit_environment);
    EXPECT_EQ(result.err, "sidewatch: " + path + ": is no regular file; without --output it goes to standard output\n");
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Init, SaysWhyAFileCannotBeWritten) {
  World world;
  const std::string path = world.directory / "no/such/folder.yaml";
  const auto result = world.init({.output = path});
  EXPECT_EQ(result.code, exit_environment);
  EXPECT_EQ(result.err, "sidewatch: " + path + ": No such file or directory\n");
}

TEST(Init, RefusesARootThatIsNot) {
  World world;
  const auto result = world.init({.root = "/no/such/root"});
  EXPECT_EQ(result.code, exit_configuration);
  EXPECT_EQ(result.err, "sidewatch: --root /no/such/root: No such file or directory\n");
}

TEST(Init, LetsTheAgentReadFromTheRootAsWell) {
  World world;
  const auto result = world.init({});
  const auto root = std::filesystem::canonical(world.directory / "root").string();
  EXPECT_THAT(result.out, HasSubstr("    procfs: " + root + "/proc\n    sysfs: " + root + "/sys\n    rootfs: " + root + "\n"));
}

// Its ports are not this machine's.
TEST(Init, AsksNobodyOnBehalfOfAnotherMachine) {
  World world;
  const auto result = world.init({});
  EXPECT_FALSE(world.asked);
  EXPECT_THAT(result.err, HasSubstr("whether local ports serve /metrics"));
}

TEST(Init, AsksOnlyWhenItMay) {
  InitSurroundings surroundings = real_surroundings();
  std::size_t asked = 0;
  surroundings.prober = [&asked](const auto&) {
    ++asked;
    return std::vector<std::uint16_t>();
  };
  EXPECT_THAT(run_init({.probe = false}, surroundings).err, HasSubstr("whether local ports serve /metrics"));
  EXPECT_EQ(asked, 0u);
  EXPECT_THAT(run_init({}, surroundings).err, Not(HasSubstr("whether local ports serve /metrics")));
  EXPECT_EQ(asked, 1u);
}

// A FIFO that nobody ever writes to stands for a file of /proc whose reader the kernel does not let go: not before the
// process ends.
TEST(Look, EndsWhenReadingHangs) {
  const TempDir root;
  discovery::plant_machine(machine, root.path());
  const std::string hanging = root / "proc/meminfo";
  ASSERT_EQ(mkfifo(hanging.c_str(), 0600), 0);
  const auto seen = discovery::look_within({.root = root.path(), .own_pid = 0, .environment = {}}, Duration(50));
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().text(), HasSubstr("hangs in the kernel"));
  EXPECT_EQ(errands_left_behind(), 1u) << "what main() asks before it takes anything apart";
}

// Every file of /proc cut at every length: fewer facts, never a crash or a configuration that is refused.
TEST(Init, TakesFilesThatAreCutAnywhere) {
  World world;
  const std::string root = world.directory / "root";
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  }
  ASSERT_GT(files.size(), 5u);
  for (const auto& file : files) {
    const std::string whole = content(file);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      std::ofstream(file, std::ios::binary) << whole.substr(0, length);
      EXPECT_EQ(world.init({}).code, exit_ok) << file << " cut at " << length;
    }
    std::ofstream(file, std::ios::binary) << whole;
  }
  EXPECT_THAT(world.init({}).out, HasSubstr("match: {comm: ledger}"));
}

}  // namespace
}  // namespace sidewatch
