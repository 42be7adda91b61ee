#include "agent/sd_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

SystemdNotifier with(std::map<std::string, std::string> environment) {
  return SystemdNotifier([environment = std::move(environment)](const char* name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

// systemd's end of the socket.
class Manager {
 public:
  explicit Manager(std::string name) : name_(std::move(name)) {
    descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (name_[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  ~Manager() {
    ::close(descriptor_);
    if (name_[0] == '/') std::filesystem::remove(name_);
  }
  std::string heard() const {
    std::array<char, 4096> buffer;
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    return count < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(count));
  }

 private:
  std::string name_;
  int descriptor_;
};

TEST(SystemdNotifier, DoesNothingWithoutSystemd) {
  const auto notifier = with({});
  EXPECT_FALSE(notifier.active());
  EXPECT_FALSE(notifier.watchdog_interval());
  EXPECT_TRUE(notifier.ready("x"));
  EXPECT_TRUE(notifier.watchdog());
}

TEST(SystemdNotifier, SendsOneDatagramForEachMessage) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("sidewatch-notify-" + std::to_string(::getpid()))).string();
  for (const std::string& name : {path, "@sidewatch-notify-" + std::to_string(::getpid())}) {
    const Manager manager(name);
    const auto notifier = with({{"NOTIFY_SOCKET", name}});
    ASSERT_TRUE(notifier.active());
    ASSERT_TRUE(notifier.ready("watching 3 processes"));
    EXPECT_EQ(manager.heard(), "READY=1\nSTATUS=watching 3 processes") << name;
    ASSERT_TRUE(notifier.status("a\nREADY=1\nb"));
    EXPECT_EQ(manager.heard(), "STATUS=a READY=1 b") << "one line";
    ASSERT_TRUE(notifier.reloading());
    EXPECT_EQ(manager.heard(), "RELOADING=1");
    ASSERT_TRUE(notifier.stopping());
    EXPECT_EQ(manager.heard(), "STOPPING=1");
    ASSERT_TRUE(notifier.watchdog());
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(manager.heard(), "");
  }
}

TEST(SystemdNotifier, FeedsTheWatchdogTwiceAsOftenAsAsked) {
  const std::string own = std::to_string(::getpid());
  EXPECT_EQ(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "10000000"}}).watchdog_interval(), 5s);
  EXPECT_EQ(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", own}}).watchdog_interval(), 5s);
  EXPECT_EQ(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "1"}}).watchdog_interval(), 1ms);
}

TEST(SystemdNotifier, IgnoresAWatchdogThatIsNotItsOwnOrMakesNoSense) {
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", "1"}}).watchdog_interval());
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", "x"}}).watchdog_interval());
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "0"}}).watchdog_interval());
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "10s"}}).watchdog_interval());
  EXPECT_FALSE(with({{"WATCHDOG_USEC", "10000000"}}).watchdog_interval());
}

TEST(SystemdNotifier, ReportsWhatItCannotReach) {
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/nowhere/notify"}}).ready("x"));
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "relative"}}).ready("x"));
  EXPECT_FALSE(with({{"NOTIFY_SOCKET", "/" + std::string(200, 'x')}}).ready("x"));
}

}  // namespace
}  // namespace sidewatch
