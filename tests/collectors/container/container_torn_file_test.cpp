// A file cut short at any byte may cost its samples; it never crashes and never gives a wrong number.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

// Where whole lines are missing, what is counted over lines is less.
bool counts_lines(const std::string& series) {
  return series.starts_with("container_processes{") || series.starts_with("container_file_descriptors");
}
// Says what could be read and when, and not what.
bool tells_of_the_reading(const std::string& series) {
  return series.starts_with("sidewatch_target_") || series.starts_with("container_last_seen{");
}
// Of fewer processes another one may be the oldest, or the first.
bool is_of_one_process(const std::string& series) {
  return series.starts_with("container_start_time_seconds{") || series.starts_with("container_ulimits_soft{");
}

void expect_no_wrong_number(const std::map<std::string, double>& torn, const std::map<std::string, double>& whole,
                            const std::string& what) {
  for (const auto& [series, value] : torn) {
    if (tells_of_the_reading(series)) continue;
    const auto found = whole.find(series);
    // A list without the process that cannot be looked into is one of processes that can.
    if (found == whole.end() && (counts_lines(series) || is_of_one_process(series))) continue;
    ASSERT_NE(found, whole.end()) << series << " with " << what;
    if (is_of_one_process(series)) continue;
    if (counts_lines(series)) {
      ASSERT_LE(value, found->second) << series << " with " << what;
    } else {
      ASSERT_EQ(value, found->second) << series << " with " << what;
    }
  }
}

// The files of a process are the process collector's to be tested; here they only lead to the cgroup.
bool is_read(const std::filesystem::path& file) {
  const std::string name = file.filename();
  if (file.parent_path().filename() == std::to_string(ContainerUnderTest::own_pid)) {
    return name == "cgroup" || name == "mountinfo";
  }
  return name != "config.yaml" && name != "expected.prom" && name != "loadavg";
}

// Without limits from elsewhere: they hold also where the cgroup cannot be found, under fewer labels.
ContainerConfig without_known_limits(const std::filesystem::path& tree) {
  ContainerConfig config = config_of(tree);
  for (auto& target : config.targets) target.limits = {};
  return config;
}

// What two passes give that follow each other so closely that no trend comes out of them.
std::map<std::string, double> values_of_two_passes(ContainerUnderTest& container) {
  container.pass(Duration(1));
  container.pass(Duration(1));
  return container.values();
}

// Read once, when the cgroup is looked for, so that a collector that has found it notices nothing.
bool leads_to_the_cgroup(const std::filesystem::path& file) {
  const std::string name = file.filename();
  return name.starts_with("cgroup") || name == "mountinfo" || name == "stat" || name == "cmdline" ||
         name == "release_agent";
}

class ContainerTornFile : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ContainerUnderTest intact(config_);
    whole_ = values_of_two_passes(intact);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree_.path())) {
      if (entry.is_regular_file() && is_read(entry.path())) files_.push_back(entry.path());
    }
    ASSERT_GT(files_.size(), 20u);
  }

  const FileTree tree_{container_cases() / GetParam()};
  const ContainerConfig config_ = without_known_limits(tree_.path());
  std::map<std::string, double> whole_;
  std::vector<std::filesystem::path> files_;
};

TEST_P(ContainerTornFile, NeverCrashesAndNeverGivesAWrongNumber) {
  std::size_t readings = 0;
  for (const auto& file : files_) {
    const std::string text = text_of(file);
    ContainerUnderTest running(config_);
    running.pass(Duration(1));
    for (std::size_t length = 0; length < text.size(); ++length, ++readings) {
      std::ofstream(file, std::ios::binary) << text.substr(0, length);
      const std::string what = file.string() + " cut at " + std::to_string(length);
      running.pass(Duration(1));
      expect_no_wrong_number(running.values(), whole_, what);
      if (leads_to_the_cgroup(file)) {
        ContainerUnderTest started(config_);
        expect_no_wrong_number(values_of_two_passes(started), whole_, what + " from the start");
      }
      if (HasFatalFailure()) return;
    }
    std::ofstream(file, std::ios::binary) << text;
  }
  EXPECT_GT(readings, 1000u);
}

TEST_P(ContainerTornFile, MayBeMissing) {
  for (const auto& file : files_) {
    const std::string name = file.filename();
    // Whose absence means something: the root has no events, and no process is in a cgroup without a list of them.
    if (name == "cgroup.events" || name == "release_agent" || name == "cgroup.procs") continue;
    // Where all other files are, a missing limit is a controller that is not enabled, so that the limits above hold.
    if (name == "memory.max" || name == "memory.high" || name == "pids.max" || name == "cpu.max") continue;
    const std::string text = text_of(file);
    std::filesystem::remove(file);
    ContainerUnderTest torn(config_);
    expect_no_wrong_number(values_of_two_passes(torn), whole_, file.string() + " missing");
    if (HasFatalFailure()) return;
    std::ofstream(file, std::ios::binary) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ContainerTornFile,
                         testing::Values("v2-service-of-the-host", "v1-docker", "pod-with-shared-processes"),
                         [](const auto& test) { return std::string(test.param).substr(0, 2); });

}  // namespace
}  // namespace sidewatch::container
