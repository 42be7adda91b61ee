// Cgroups as Docker, Kubernetes, podman and systemd write them into /proc/PID/cgroup.
#include "collectors/process/cgroup_membership.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

const std::string id = "3f2a9c0d11e24b5f8a7766554433221100ffeeddccbbaa998877665544332211";
const std::string other = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const std::string service = "0::/system.slice/nginx.service\n";
const std::string user_service = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service\n";
const std::string v1 =
    "12:pids:/system.slice/cron.service\n2:cpu,cpuacct:/\n1:name=systemd:/system.slice/cron.service\n";

TEST(CgroupMembership, FindsACgroupAndThoseBelow) {
  EXPECT_TRUE(in_cgroup(service, "/system.slice/nginx.service"));
  EXPECT_TRUE(in_cgroup(service, "/system.slice"));
  EXPECT_FALSE(in_cgroup(service, "/system.slic"));
  EXPECT_FALSE(in_cgroup(service, "/system.slice/nginx.service/worker"));
  EXPECT_TRUE(in_cgroup(v1, "/system.slice/cron.service")) << "any hierarchy will do";
  EXPECT_TRUE(in_cgroup("0::/a/b:c (deleted)\n", "/a/b:c"));
}

TEST(CgroupMembership, FindsAUnitByItsName) {
  EXPECT_TRUE(in_unit(service, "nginx.service"));
  EXPECT_TRUE(in_unit(service, "nginx"));
  EXPECT_FALSE(in_unit(service, "ngin"));
  EXPECT_FALSE(in_unit(service, "nginx.slice"));
  EXPECT_TRUE(in_unit(service, "system.slice"));
  EXPECT_TRUE(in_unit(user_service, "bot"));
  EXPECT_TRUE(in_unit(user_service, "user@1000"));
  EXPECT_TRUE(in_unit(v1, "cron"));
}

TEST(CgroupMembership, FindsAContainerOfEveryRuntime) {
  const std::string texts[] = {
      "0::/system.slice/docker-" + id + ".scope\n",
      "4:memory:/docker/" + id + "\n",
      "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f.slice/cri-containerd-" + id + ".scope\n",
      "0::/../cri-containerd-" + id + ".scope\n",
      "0::/kubepods/besteffort/pod0a1b/" + id + "\n",
      "0::/machine.slice/libpod-" + id + ".scope/container\n",
      "0::/kubepods.slice/crio-" + id + ".scope/inner/deeper\n",
  };
  for (const auto& text : texts) {
    EXPECT_TRUE(in_container(text, id)) << text;
    EXPECT_TRUE(in_container(text, id.substr(0, 12))) << text;
    EXPECT_FALSE(in_container(text, other)) << text;
    EXPECT_FALSE(in_container(text, id.substr(1, 12))) << "only the beginning counts: " << text;
  }
  EXPECT_FALSE(in_container("0::/docker/" + id + "ab\n", id)) << "more digits than an id has";
  EXPECT_FALSE(in_container("0::/docker/" + id.substr(0, 63) + "\n", id.substr(0, 12)));
}

TEST(CgroupMembership, NamesTheContainerByItsWholeId) {
  EXPECT_EQ(container_id_of("0::/system.slice/docker-" + id + ".scope\n"), id);
  EXPECT_EQ(container_id_of("5:memory:/docker/" + id + "\n"), id);
  EXPECT_EQ(container_id_of("0::/kubepods.slice/pod1.slice/cri-containerd-" + id + ".scope\n"), id);
  EXPECT_EQ(container_id_of("0::/docker/" + id + "/docker/" + other + "\n"), id) << "the outermost of several";
  EXPECT_EQ(container_id_of("0::/docker/" + id + "0\n"), "") << "too long for one";
  EXPECT_EQ(container_id_of("0::/docker/" + id.substr(1) + "\n"), "");
  EXPECT_EQ(container_id_of(service), "");
  EXPECT_EQ(container_id_of(""), "");
}

TEST(CgroupMembership, NamesTheServiceNearestToTheProcess) {
  EXPECT_EQ(service_of(service), "nginx");
  EXPECT_EQ(service_of("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"),
            "postgresql@15-main");
  EXPECT_EQ(service_of("0::/system.slice/checkout.service/worker\n"), "checkout");
  EXPECT_EQ(service_of(user_service), "bot");
  EXPECT_EQ(service_of("4:memory:/\n1:name=systemd:/system.slice/checkout.service\n0::/\n"), "checkout");
  EXPECT_EQ(service_of("0::/system.slice/checkout.service (deleted)\n"), "checkout");
}

TEST(CgroupMembership, NamesNoServiceForSessionsContainersAndUsers) {
  EXPECT_EQ(service_of("0::/user.slice/user-1000.slice/session-3.scope\n"), "");
  EXPECT_EQ(service_of("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n"), "");
  EXPECT_EQ(service_of("0::/system.slice/docker.service/docker/" + id + "\n"), "");
  EXPECT_EQ(service_of(""), "");
  EXPECT_EQ(service_of("0::/system.slice/checkout.service"), "") << "torn";
}

TEST(CgroupMembership, TellsThePathThatMemoryIsCountedAt) {
  EXPECT_EQ(cgroup_path_of("0::/a\n"), "/a");
  EXPECT_EQ(cgroup_path_of("9:cpu:/b\n4:memory:/c\n0::/a\n"), "/c");
  EXPECT_EQ(cgroup_path_of(""), "");
}

TEST(CgroupMembership, TellsWhatALineHoldsAndSkipsWhatIsNone) {
  std::string_view rest = "strange\n4:cpu,cpuacct:/a:b (deleted)\n0::/c\n1:memory:/torn";
  CgroupLine line;
  ASSERT_TRUE(next_cgroup(rest, line));
  EXPECT_EQ(line.hierarchy, "4");
  EXPECT_EQ(line.controllers, "cpu,cpuacct");
  EXPECT_EQ(line.path, "/a:b");
  EXPECT_TRUE(line.deleted);
  ASSERT_TRUE(next_cgroup(rest, line));
  EXPECT_EQ(line.hierarchy, "0");
  EXPECT_EQ(line.controllers, "");
  EXPECT_EQ(line.path, "/c");
  EXPECT_FALSE(line.deleted);
  EXPECT_FALSE(next_cgroup(rest, line));
}

TEST(CgroupMembership, ListsThePathsAsGoDoes) {
  EXPECT_EQ(cgroup_list(v1), "[/system.slice/cron.service / /system.slice/cron.service]");
  EXPECT_EQ(cgroup_list(""), "[]");
}

TEST(CgroupMembership, IsNeverMisledByATextThatIsCut) {
  const std::string whole = v1 + "0::/system.slice/docker-" + id + ".scope\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto text = whole.substr(0, length);
    EXPECT_FALSE(in_container(text, id)) << length;
    EXPECT_EQ(container_id_of(text), "") << length;
    EXPECT_EQ(in_unit(text, "cron"), text.find("\n") != std::string::npos) << length;
    EXPECT_LE(cgroup_list(text).size(), whole.size());
  }
  for (const char* text : {":", "0:", "::", "0::", "\n", "no colon\n", "0::\n"}) {
    EXPECT_FALSE(in_cgroup(text, "/a"));
    EXPECT_FALSE(in_unit(text, "a"));
    EXPECT_FALSE(in_container(text, id));
  }
}

}  // namespace
}  // namespace sidewatch
