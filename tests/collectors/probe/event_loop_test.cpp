#include "collectors/probe/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "collectors/probe/task.h"
#include "tests/collectors/probe/run_check.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

class EventLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  }
  void TearDown() override {
    for (const int fd : pair) close(fd);
    close(wake);
  }
  void stop() const { (void)eventfd_write(wake, 1); }

  Task<bool> note_readable(int fd, TimePoint until) {
    const bool readable = co_await loop.readable(fd, until);
    told += readable ? "readable " : "late ";
    stop();
    co_return readable;
  }

  std::array<int, 2> pair{};
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  EventLoop loop;
  std::string told;
};

TEST_F(EventLoopTest, GoesOnWhenASocketCanBeRead) {
  auto task = note_readable(pair[0], steady_clock::now() + 1h);
  task.start();
  EXPECT_EQ(told, "");
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  loop.run(wake);
  EXPECT_EQ(told, "readable ");
}

TEST_F(EventLoopTest, GoesOnWithoutItWhenTheTimeIsOver) {
  auto task = note_readable(pair[0], steady_clock::now());
  task.start();
  loop.run(wake);
  EXPECT_EQ(told, "late ");
}

TEST_F(EventLoopTest, ForgetsWhoeverIsDestroyedWhileHeWaits) {
  {
    auto task = note_readable(pair[0], steady_clock::now() + 1h);
    task.start();
  }
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  stop();
  loop.run(wake);
  EXPECT_EQ(told, "");
}

TEST_F(EventLoopTest, LetsOneGiveAnotherUpThatCouldGoOnInTheSameTurn) {
  Signal first;
  Signal second;
  std::optional<Task<bool>> other;
  const auto wait_for = [this](Signal& signal, std::string name, std::function<void()> then) -> Task<bool> {
    co_await loop.signalled(signal, TimePoint::max());
    told += name;
    then();
    co_return true;
  };
  other.emplace(wait_for(second, "second ", [] {}));
  auto task = wait_for(first, "first ", [&] {
    other.reset();
    stop();
  });
  task.start();
  other->start();
  first.set();
  second.set();
  loop.run(wake);
  EXPECT_EQ(told, "first ");
}

}  // namespace
}  // namespace sidewatch::probe
