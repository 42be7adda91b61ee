// Which kills are counted, and how often, while a target's cgroups come and go.
#include <gtest/gtest.h>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

// The service and the slice above it, with what each has counted.
struct Killed : Path {
  Killed() {
    write("memory.events", events(0));
    above(0);
  }
  static std::string events(int kills) { return "low 0\nmax 3\noom 2\noom_kill " + std::to_string(kills) + "\n"; }
  void above(int kills) const { tree.write("cgroup/system.slice/memory.events", events(kills)); }
  void own(int kills) const { write("memory.events", events(kills)); }
  // Another cgroup under the same path.
  void start_again() const {
    write("cgroup.procs", "");
    write("cgroup.events", "populated 1\n");
    own(0);
  }
  std::optional<double> kills() const { return of("container_oom_kills_total"); }
};

TEST(OomKills, AreThoseSinceTheFirstLook) {
  Killed target;
  target.own(7);
  target.above(90);
  target.container.pass();
  EXPECT_EQ(target.kills(), 0);
  target.own(9);
  target.above(92);
  target.container.pass();
  EXPECT_EQ(target.kills(), 2);
  target.above(95);
  target.container.pass();
  EXPECT_EQ(target.kills(), 2) << "somebody else's";
}

TEST(OomKills, CountTheOneThatEndedTheContainer) {
  Killed target;
  target.container.pass();
  target.above(1);
  target.tree.remove(target.cgroup);
  target.container.pass();
  EXPECT_EQ(target.up(), 0);
  EXPECT_EQ(target.kills(), 1) << "the slice has counted it";
  target.container.pass();
  EXPECT_EQ(target.kills(), 1);
  target.start_again();
  target.container.pass();
  EXPECT_EQ(target.up(), 1);
  EXPECT_EQ(target.kills(), 1) << "the new cgroup has none";
  target.own(1);
  target.above(2);
  target.container.pass();
  EXPECT_EQ(target.kills(), 2);
}

TEST(OomKills, AreNotCountedTwiceWhenTheContainerEndsAfterOneThatWasSeen) {
  Killed target;
  target.container.pass();
  target.own(1);
  target.above(1);
  target.container.pass();
  EXPECT_EQ(target.kills(), 1);
  target.tree.remove(target.cgroup);
  target.container.pass();
  EXPECT_EQ(target.kills(), 1);
}

TEST(OomKills, OfAProcessThatLeavesItsCgroupBehindAreReadThere) {
  Changing host("v2-service-of-the-host");
  const auto events = [&](const std::string& path, int kills) {
    host.tree.write("cgroup/shop.slice/" + path + "memory.events", Killed::events(kills));
  };
  const auto kills = [&] {
    return host.container.value(
        "container_oom_kills_total{container=\"checkout\",image=\"checkout:1.2\",name=\"checkout\"}");
  };
  events("", 0);
  events("checkout.service/", 0);
  host.container.pass();
  EXPECT_EQ(kills(), 0);
  events("", 5);
  events("checkout.service/", 1);
  host.tree.remove("proc/500");
  host.container.pass();
  EXPECT_EQ(kills(), 1) << "what its own cgroup says is known better than what the slice says";
}

TEST(OomKills, AreNotToldWhereTheKernelDoesNotCountThem) {
  Path target;
  target.container.pass();
  EXPECT_EQ(target.of("container_oom_kills_total"), std::nullopt);
  target.tree.remove(target.cgroup);
  target.container.pass();
  EXPECT_EQ(target.of("container_oom_kills_total"), std::nullopt);
}

}  // namespace
}  // namespace sidewatch::container
