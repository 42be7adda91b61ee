// Cgroups as Docker, Kubernetes, podman and systemd write them into /proc/PID/cgroup.
#include "collectors/process/cgroup_text.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

const std::string id = "3f2a9c0d11e24b5f8a7766554433221100ffeeddccbbaa998877665544332211";
const std::string other = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const std::string service = "0::/system.slice/nginx.service\n";
const std::string user_service = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service\n";
const std::string v1 =
    "12:pids:/system.slice/cron.service\n2:cpu,cpuacct:/\n1:name=systemd:/system.slice/cron.service\n";

TEST(CgroupText, FindsACgroupAndThoseBelow) {
  EXPECT_TRUE(in_cgroup(service, "/system.slice/nginx.service"));
  EXPECT_TRUE(in_cgroup(service, "/system.slice"));
  EXPECT_FALSE(in_cgroup(service, "/system.slic"));
  EXPECT_FALSE(in_cgroup(service, "/system.slice/nginx.service/worker"));
  EXPECT_TRUE(in_cgroup(v1, "/system.slice/cron.service")) << "any hierarchy will do";
  EXPECT_TRUE(in_cgroup("0::/a/b:c (deleted)\n", "/a/b:c"));
}

TEST(CgroupText, FindsAUnitByItsName) {
  EXPECT_TRUE(in_unit(service, "nginx.service"));
  EXPECT_TRUE(in_unit(service, "nginx"));
  EXPECT_FALSE(in_unit(service, "ngin"));
  EXPECT_FALSE(in_unit(service, "nginx.slice"));
  EXPECT_TRUE(in_unit(service, "system.slice"));
  EXPECT_TRUE(in_unit(user_service, "bot"));
  EXPECT_TRUE(in_unit(user_service, "user@1000"));
  EXPECT_TRUE(in_unit(v1, "cron"));
}

TEST(CgroupText, FindsAContainerOfEveryRuntime) {
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

TEST(CgroupText, ListsThePathsAsGoDoes) {
  EXPECT_EQ(cgroup_list(v1), "[/system.slice/cron.service / /system.slice/cron.service]");
  EXPECT_EQ(cgroup_list(""), "[]");
}

TEST(CgroupText, IsNeverMisledByATextThatIsCut) {
  const std::string whole = v1 + "0::/system.slice/docker-" + id + ".scope\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto text = whole.substr(0, length);
    EXPECT_FALSE(in_container(text, id)) << length;
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
