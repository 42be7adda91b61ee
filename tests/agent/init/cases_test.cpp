// Every folder of tests/cases/init: a machine (machine.txt), which of its ports serve samples (serving.txt), and exactly
// the configuration and the summary that `sidewatch init` makes of it. Each configuration is checked as `sidewatch check`
// would. With UPDATE_EXPECTED=1 in the environment both are written anew, to be looked at in a diff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "agent/init/look.h"
#include "agent/init/services.h"
#include "agent/init/write_config.h"
#include "agent/settings.h"
#include "tests/agent/init/machine_tree.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::discovery {
namespace {

namespace fs = std::filesystem;

const fs::path cases = fs::path(SIDEWATCH_SOURCE_DIR) / "tests" / "cases" / "init";

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(cases)) names.push_back(entry.path().filename());
  return names;
}

Findings findings_of(const fs::path& folder) {
  const TempDir root;
  plant_machine(content(folder / "machine.txt"), root.path());
  Findings findings;
  findings.machine = look({.root = root.path(), .own_pid = 0, .environment = {}});
  for (auto& skipped : findings.machine.skipped) {
    const auto at = skipped.find(root.path());
    if (at != std::string::npos) skipped.erase(at, root.path().size());
  }
  findings.services = find_services(findings.machine);
  findings.probed = fs::exists(folder / "serving.txt");
  std::istringstream ports(content(folder / "serving.txt"));
  for (std::uint16_t port; ports >> port;) findings.metrics_ports.push_back(port);
  findings.state_dir = "/var/lib/sidewatch";
  return findings;
}

// The configuration with the hash signs of its databases taken out, and no other; their passwords stand there already.
std::string with_databases(const std::string& config) {
  std::istringstream lines(config);
  std::string out;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    for (const auto* key : {"postgresql:", "mysql:", "redis:", "memcached:"}) inside = inside || line == std::string("  # ") + key;
    if (line.empty()) inside = false;
    if (const auto secret = line.find("\"${file:"); secret != std::string::npos && inside) {
      line = line.substr(0, secret) + "secret";
    }
    out += (inside ? "  " + line.substr(4) : line) + "\n";
  }
  return out;
}

std::string problems_of(const std::string& config) {
  const TempDir directory;
  std::ofstream(directory / "sidewatch.yaml", std::ios::binary) << config;
  config::Problems problems;
  (void)load_settings(directory / "sidewatch.yaml", {}, problems);
  return problems.text();
}

// What a person gets who takes the hash signs off what is offered: `key:` and the indented lines that follow.
std::string taken_into_use(const std::string& config, const std::string& key) {
  std::istringstream lines(config);
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    inside = line == "# " + key || (inside && line.starts_with("#  "));
    text += (inside ? line.substr(2) : line) + "\n";
  }
  EXPECT_NE(text, config) << key << " is not offered";
  return text;
}

void expect_content(const fs::path& path, const std::string& text) {
  if (std::getenv("UPDATE_EXPECTED") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, content(path)) << path;
}

class InitCase : public testing::TestWithParam<std::string> {};

TEST_P(InitCase, GivesExactlyTheExpectedConfigurationAndItIsAccepted) {
  const auto folder = cases / GetParam();
  const Findings findings = findings_of(folder);
  const std::string config = write_config(findings);
  EXPECT_EQ(problems_of(config), "") << config;
  for (const char* key : {"rules:", "rule_changes:"}) {
    EXPECT_EQ(problems_of(taken_into_use(config, key)), "") << "after taking the offered " << key;
  }
  EXPECT_EQ(problems_of(with_databases(config)), "") << "after taking the offered databases";
  EXPECT_THAT(config, testing::Not(testing::HasSubstr("canary"))) << "an argument of a process was copied";
  expect_content(folder / "expected.yaml", config);
  expect_content(folder / "expected.txt", summary(findings));
}

INSTANTIATE_TEST_SUITE_P(All, InitCase, testing::ValuesIn(case_names()), [](const auto& folder) {
  std::string name = folder.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(InitCases, OfferADatabaseOfEachKind) {
  const auto config = content(cases / "databases" / "expected.yaml");
  const auto taken = with_databases(config);
  for (const auto* key : {"\n  postgresql:\n", "\n  mysql:\n", "\n  redis:\n", "\n  memcached:\n"}) {
    EXPECT_THAT(taken, testing::HasSubstr(key));
  }
}

TEST(InitCases, AreMoreThanADozen) { EXPECT_GT(case_names().size(), 12u); }

}  // namespace
}  // namespace sidewatch::discovery
