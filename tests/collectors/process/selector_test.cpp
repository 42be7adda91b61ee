// Conditions on where a process runs and as whom, over a procfs of plain files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/process/user_names.h"
#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

using testing::Optional;

TEST(ProcessSelector, MatchesTheEffectiveUserByNameOrNumber) {
  FakeProc proc;
  proc.write({.pid = 10, .user = 0});
  proc.write({.pid = 11, .user = 0});
  proc.write({.pid = 12, .user = 4'000'000'001});
  ProcessMatch root, number, both, stranger;
  root.user = {"root"};
  root.comm = {"service"};
  number.user = {"4000000001"};
  both.user = {"0", "4000000001"};
  both.comm = {"service"};
  stranger.user = {"no-such-user"};
  for (const auto& [match, count] : {std::pair(root, 2.0), {number, 1.0}, {both, 3.0}, {stranger, 0.0}}) {
    auto w = watch(proc, {group_named("shop", match)});
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(count)) << match.user[0];
  }
}

TEST(ProcessSelector, AsksAgainForTheNameOfAUserAfterAMinute) {
  using std::chrono::seconds;
  std::optional<std::string> name = "alice";
  int asked = 0;
  UserNames users([&](uid_t) { return ++asked, name; });
  const UserNames::Moment start{};
  EXPECT_EQ(users.of(1000, start), "alice");
  name = "bob";
  EXPECT_EQ(users.of(1000, start + seconds(59)), "alice");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(users.of(1000, start + seconds(60)), "bob");
  name.reset();
  EXPECT_EQ(users.of(1000, start + seconds(120)), "1000");
}

TEST(ProcessSelector, MatchesCgroupUnitAndContainer) {
  const std::string id(64, 'a');
  FakeProc proc;
  proc.write({.pid = 10, .cgroups = "0::/system.slice/nginx.service/workers\n"});
  proc.write({.pid = 11, .cgroups = "0::/system.slice/docker-" + id + ".scope\n"});
  proc.write({.pid = 12, .cgroups = ""});
  ProcessMatch cgroup, unit, container;
  cgroup.cgroup = "/system.slice";
  unit.unit = "nginx";
  container.container = id.substr(0, 12);
  for (const auto& [match, count] : {std::pair(cgroup, 2.0), {unit, 1.0}, {container, 1.0}}) {
    auto w = watch(proc, {group_named("shop", match)});
    w.good_pass();
    EXPECT_THAT(w.processes("shop"), Optional(count));
  }
}

TEST(ProcessSelector, TakesAProcessForWhichOneOfAListHolds) {
  FakeProc proc;
  proc.write({.pid = 10, .comm = "a", .exe = "/bin/x"});
  proc.write({.pid = 11, .comm = "b", .exe = "/bin/y"});
  proc.write({.pid = 12, .comm = "c", .exe = "/bin/x"});
  ProcessMatch match;
  match.comm = {"a", "b"};
  auto by_name = watch(proc, {group_named("shop", match)});
  by_name.good_pass();
  EXPECT_THAT(by_name.processes("shop"), Optional(2.0));
  match.exe = {"y", "/bin/z"};
  auto by_both = watch(proc, {group_named("shop", match)});
  by_both.good_pass();
  EXPECT_THAT(by_both.processes("shop"), Optional(1.0));
}

TEST(ProcessSelector, LeavesToAnotherCollectorWhomAnEarlierEntryOfItSelects) {
  FakeProc proc;
  proc.write({.pid = 10});
  proc.write({.pid = 11, .ppid = 10, .comm = "sh", .exe = "/bin/sh"});
  proc.write({.pid = 12, .comm = "other", .exe = "/bin/other"});
  auto elsewhere = group_named("shop", by_exe("service"));
  elsewhere.sampled_elsewhere = true;
  auto w = watch(proc, {elsewhere, group_named("rest", by_cmdline("service"))});
  w.good_pass();
  EXPECT_EQ(w.processes("shop"), std::nullopt) << "its series are written by the other one";
  EXPECT_THAT(w.processes("rest"), Optional(2.0)) << "11 and 12, which have the same arguments";
  auto by_name = watch(proc, {elsewhere, group_named("rest", by_comm("systemd"))});
  by_name.good_pass();
  EXPECT_THAT(by_name.processes("rest"), Optional(2.0)) << "init and 12: 11 goes with its parent";
}

TEST(ProcessSelector, NoticesAYoungProcessThatIsMovedToAnotherCgroup) {
  FakeProc proc;
  ProcessMatch match;
  match.unit = "shop";
  auto w = watch(proc, {group_named("shop", match)});
  w.good_pass();
  proc.write({.pid = 10});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(0.0));
  proc.write({.pid = 10, .cgroups = "0::/system.slice/shop.service\n"});
  w.good_pass();
  EXPECT_THAT(w.processes("shop"), Optional(1.0));
}

}  // namespace
}  // namespace sidewatch
