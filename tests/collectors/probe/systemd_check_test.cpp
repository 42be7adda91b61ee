// Units of systemd: what is made of its answers, and libsystemd itself talking to a stand-in for systemd, which is
// libsystemd again, at the other end of a socket.
#include "collectors/probe/systemd_check.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "tests/collectors/probe/run_check.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

Verdict judged(const UnitState& unit, const std::string& more = "") {
  const auto checks = read_checks("{name: a, systemd: {unit: shop.service" + more + "}}");
  Verdict verdict;
  judge_unit(*checks.at(0).systemd, unit, verdict);
  return verdict;
}

TEST(SystemdCheck, TellsTheStateAsNodeExporterDoes) {
  const auto verdict = judged({"loaded", "active", "running", "notify", 3});
  EXPECT_EQ(why(verdict), "");
  const Labels shop{{"name", "shop.service"}, {"type", "notify"}};
  EXPECT_EQ(fact(verdict, "node_systemd_unit_state", shop.with("state", "active")), 1);
  EXPECT_EQ(fact(verdict, "node_systemd_unit_state", shop.with("state", "failed")), 0);
  EXPECT_EQ(fact(verdict, "node_systemd_service_restart_total"), 3);
}

TEST(SystemdCheck, FailsInEveryStateButThoseThatAreWell) {
  EXPECT_EQ(why(judged({"loaded", "failed", "failed", "", {}})), "shop.service is failed (failed), not active");
  EXPECT_EQ(why(judged({"not-found", "inactive", "dead", "", {}})), "systemd knows no unit 'shop.service'");
  EXPECT_EQ(why(judged({"loaded", "inactive", "dead", "", {}}, ", states: [active, inactive]")), "");
  EXPECT_EQ(why(judged({"loaded", "active", "exited", "", {}}, ", sub_states: [running]")),
            "shop.service is exited, not running");
}

TEST(SystemdCheck, SaysThatSystemdCannotBeAskedWhereItDoesNotRun) {
  const auto answer = ask_systemd("shop.service", "unix:path=/no/such/socket", false, 1s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(
      answer.error().text(),
      "systemd cannot be asked at /no/such/socket: No such file or directory; it does not run here, or the agent may "
      "not reach it");
}

struct Bus;
struct BusMessage;
struct BusId {
  std::uint64_t halves[2];
};

// Answers one connection as systemd does, or takes it and never answers.
class StandIn {
 public:
  StandIn(const std::string& path, bool silent) : silent_(silent) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~StandIn() {
    ending_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

 private:
  template <class Function>
  static Function* find(const char* name) {
    static void* const library = dlopen("libsystemd.so.0", RTLD_NOW);
    void* const address = dlsym(library, name);
    EXPECT_NE(address, nullptr) << name;
    return reinterpret_cast<Function*>(address);
  }

  void serve() {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    Bus* bus = nullptr;
    find<int(Bus**)>("sd_bus_new")(&bus);
    find<int(Bus*, int, int)>("sd_bus_set_fd")(bus, fd, fd);
    find<int(Bus*, int, BusId)>("sd_bus_set_server")(bus, 1, BusId{{1, 2}});
    find<int(Bus*, int)>("sd_bus_set_anonymous")(bus, 1);
    EXPECT_GE(find<int(Bus*)>("sd_bus_start")(bus), 0);
    while (!ending_) {
      BusMessage* message = nullptr;
      const int done = find<int(Bus*, BusMessage**)>("sd_bus_process")(bus, &message);
      if (done < 0) break;
      if (message != nullptr) answer(bus, message);
      if (done == 0) find<int(Bus*, std::uint64_t)>("sd_bus_wait")(bus, 50'000);
    }
    find<Bus*(Bus*)>("sd_bus_close_unref")(bus);
  }

  void answer(Bus* bus, BusMessage* message) const {
    const auto asks = [&](const char* member) {
      const auto is_call = find<int(BusMessage*, const char*, const char*)>("sd_bus_message_is_method_call");
      return is_call(message, nullptr, member) > 0;
    };
    const auto reply = find<int(BusMessage*, const char*, ...)>("sd_bus_reply_method_return");
    if (silent_) {
      // it hangs
    } else if (asks("ListUnitsByNames")) {
      reply(message, "a(ssssssouso)", 1, "shop.service", "The shop", "loaded", "active", "running", "",
            "/org/freedesktop/systemd1/unit/shop_2eservice", 0u, "", "/");
    } else if (asks("Get")) {
      const char* interface = nullptr;
      const char* name = nullptr;
      find<int(BusMessage*, const char*, ...)>("sd_bus_message_read")(message, "ss", &interface, &name);
      if (std::string_view(name) == "NRestarts") {
        reply(message, "v", "u", 7u);
      } else {
        reply(message, "v", "s", "notify");
      }
    }
    find<BusMessage*(BusMessage*)>("sd_bus_message_unref")(message);
    find<int(Bus*)>("sd_bus_flush")(bus);
  }

  const bool silent_;
  int listener_ = -1;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

TEST(SystemdCheck, ReadsWhatSystemdAnswers) {
  const TempDir directory;
  StandIn systemd(directory / "private", false);
  const auto answer = ask_systemd("shop.service", "unix:path=" + (directory / "private"), false, 10s);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->load, "loaded");
  EXPECT_EQ(answer->active, "active");
  EXPECT_EQ(answer->sub, "running");
  EXPECT_EQ(answer->restarts, 7);
  EXPECT_EQ(answer->service_type, "notify");
}

TEST(SystemdCheck, WaitsNoLongerThanItMayForASystemdThatHangs) {
  const TempDir directory;
  StandIn systemd(directory / "private", true);
  const auto begin = steady_clock::now();
  const auto answer = ask_systemd("shop.service", "unix:path=" + (directory / "private"), false, 200ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text(), "systemd does not answer: Connection timed out");
  EXPECT_LT(steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace sidewatch::probe
