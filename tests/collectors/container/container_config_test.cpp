#include "collectors/container/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/reference.h"
#include "tests/collectors/read_plans.h"

namespace sidewatch::container {
namespace {

ReadPlans read(const std::string& yaml) { return read_plans(configure_container, yaml); }
std::string targets(const std::string& target) { return "container:\n  targets:\n    - " + target + "\n"; }

TEST(ContainerConfig, WatchesTheAgentsOwnContainerWhenNothingIsSaid) {
  for (const char* yaml : {"container: {}\n", "container: {interval: 1s}\n"}) {
    const auto [plans, problems] = read(yaml);
    EXPECT_EQ(problems, "");
    ASSERT_EQ(plans.size(), 1u);
    EXPECT_EQ(plans[0].name, "container");
    EXPECT_EQ(plans[0].watches, "containers: self (the agent's own cgroup)");
  }
  EXPECT_TRUE(read("host: {}\n").plans.empty());
  EXPECT_TRUE(read("container: {targets: []}\n").plans.empty());
}

TEST(ContainerConfig, SaysHowEachTargetIsFound) {
  const auto [plans, problems] = read(
      "container:\n  targets:\n    - {name: checkout, process: {exe: checkout}}\n"
      "    - {name: batch, cgroup: /system.slice/batch.service}\n    - {name: me, self: true}\n"
      "    - {name: far, limits: {memory: 512Mi, cpu: 500m}}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].watches,
            "containers: checkout (process: exe checkout); batch (cgroup /system.slice/batch.service); me (the agent's "
            "own cgroup); far (its limits only)");
}

TEST(ContainerConfig, HasAnotherFingerprintForWhateverChanges) {
  const std::string variants[] = {
      targets("{name: a, self: true}"),
      targets("{name: b, self: true}"),
      targets("{name: a, cgroup: /a}"),
      targets("{name: a, process: {comm: a}}"),
      targets("{name: a, process: {comm: b}}"),
      targets("{name: a, self: true, limits: {memory: 1Gi}}"),
      targets("{name: a, self: true, limits: {memory: 2Gi}}"),
      targets("{name: a, self: true, limits: {cpu: 1}}"),
      targets("{name: a, self: true, labels: {pod: x}}"),
      targets("{name: a, self: true, network: true}"),
      "container:\n  roots: {procfs: /host/proc}\n  targets: [{name: a, self: true}]\n",
      "container:\n  roots: {sysfs: /host/sys}\n  targets: [{name: a, self: true}]\n",
      "container:\n  roots: {cgroupfs: /host/cgroup}\n  targets: [{name: a, self: true}]\n"};
  std::vector<std::string> fingerprints;
  for (const auto& yaml : variants) {
    const auto [plans, problems] = read(yaml);
    ASSERT_EQ(problems, "") << yaml;
    EXPECT_EQ(read(yaml).plans[0].fingerprint, plans[0].fingerprint);
    EXPECT_THAT(fingerprints, testing::Not(testing::Contains(plans[0].fingerprint))) << yaml;
    fingerprints.push_back(plans[0].fingerprint);
  }
}

TEST(ContainerConfig, RefusesWhatCannotBeMeant) {
  const std::pair<std::string, std::string> broken[] = {
      {targets("{self: true}"), "f:3:7: 'name' is missing"},
      {targets("{name: \"\", self: true}"), "a target needs a name"},
      {targets("{name: a}"), "does not say which container is meant: give process, cgroup, self: true"},
      {targets("{name: a, self: true, cgroup: /a}"), "give only one of self, cgroup and process"},
      {targets("{name: a, cgroup: /a, network: true}"), "can be told only with process or self: true"},
      {targets("{name: a, cgroup: a}"), "'a' is not an absolute path"},
      {targets("{name: a, cgroup: /a, limits: {memory: lots}}"),
       "'lots' is not an amount of memory, write for example 536870912 or 512Mi"},
      {targets("{name: a, cgroup: /a, limits: {memory: -1}}"), "'-1' is not an amount of memory"},
      {targets("{name: a, cgroup: /a, limits: {cpu: 2 cores}}"), "'2 cores' is not a number of cores"},
      {targets("{name: a, cgroup: /a, limits: {cpu: 0}}"), "'0' is not a number of cores"},
      {targets("{name: a, cgroup: /a, limits: {ram: 1Gi}}"), "unknown key 'ram'"},
      {targets("{name: a, cgroup: /a, labels: {id: x}}"), "the label 'id' is set by the agent"},
      {targets("{name: a, cgroup: /a, labels: {a-b: x}}"), "'a-b' is not the name of a label"},
      {targets("{name: a, cgruop: /a, self: true}"), "did you mean 'cgroup'?"},
      {"container:\n  targets: [{name: a, self: true}, {name: a, self: true}]\n", "already a target named 'a'"},
      {"container: {roots: {cgroupfs: host}}\n", "'host' is not an absolute path"},
      {"container: {interval: 1ms}\n", "interval"},
      {"container: [{name: a, self: true}]\n", "f:1:12: "},
  };
  for (const auto& [yaml, problem] : broken) {
    const auto problems = read(yaml).problems;
    EXPECT_THAT(problems, testing::HasSubstr(problem)) << yaml;
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << "one mistake, one line: " << problems;
  }
}

TEST(ContainerConfig, ReadsQuantitiesAsKubernetesWritesThem) {
  EXPECT_EQ(parse_memory_quantity("536870912"), 536870912);
  EXPECT_EQ(parse_memory_quantity("512Mi"), 536870912);
  EXPECT_EQ(parse_memory_quantity("512MiB"), 536870912);
  EXPECT_EQ(parse_memory_quantity("1.5Gi"), 1.5 * 1024 * 1024 * 1024);
  EXPECT_EQ(parse_memory_quantity("128974848"), 128974848);
  EXPECT_EQ(parse_memory_quantity("129M"), 129e6);
  EXPECT_EQ(parse_memory_quantity("64Ki"), 65536);
  EXPECT_EQ(parse_memory_quantity("1k"), 1000);
  for (const char* text : {"", "Mi", "1 Gi", "0", "-5", "1Xi", "0x10", "1e400", "nan"}) {
    EXPECT_EQ(parse_memory_quantity(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_cpu_quantity("2"), 2);
  EXPECT_EQ(parse_cpu_quantity("0.5"), 0.5);
  EXPECT_EQ(parse_cpu_quantity("500m"), 0.5);
  for (const char* text : {"", "m", "0", "-1", "2 cores", "50%", "inf"}) {
    EXPECT_EQ(parse_cpu_quantity(text), std::nullopt) << text;
  }
}

TEST(ContainerConfig, DescribesEveryKeyInTheReference) {
  const auto reference = config::reference_markdown<PlansOf<configure_container>>();
  for (const char* key : {"interval", "roots", "procfs", "sysfs", "cgroupfs", "targets", "name", "process", "cgroup",
                          "self", "network", "limits", "memory", "cpu", "labels"}) {
    EXPECT_THAT(reference, testing::HasSubstr(std::string("`") + key + "`")) << reference;
  }
}

}  // namespace
}  // namespace sidewatch::container
