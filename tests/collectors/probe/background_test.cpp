// Work on other threads, and the lookups of names, whose threads hang.
#include "collectors/probe/background.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>

#include "collectors/probe/names.h"
#include "tests/collectors/probe/hanging.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;
using Ended = Background::Ended;
using testing::ElementsAre;

class BackgroundTest : public testing::Test {
 protected:
  BackgroundTest() { loop.drive(background); }
  ~BackgroundTest() override {
    door->open();
    close(wake);
  }
  static TimePoint in(steady_clock::duration time) { return steady_clock::now() + time; }

  Task<bool> note(Work kind, std::function<void()> work, steady_clock::duration patience) {
    auto running = background.run(loop, kind, std::move(work), in(patience));
    const auto how = co_await running;
    ended.push_back(how);
    if (--awaited == 0) (void)eventfd_write(wake, 1);
    co_return true;
  }
  Task<bool> note_own(OwnErrand& errand, std::function<void()> work, steady_clock::duration patience) {
    auto running = errand.run(background, loop, Work::files, std::move(work), in(patience));
    const auto how = co_await running;
    ended.push_back(how);
    if (--awaited == 0) (void)eventfd_write(wake, 1);
    co_return true;
  }
  Task<bool> note_name(Names& names, std::string host, steady_clock::duration patience) {
    Lookup lookup;
    auto finding = names.find(loop, std::move(host), Family::any, in(patience), lookup);
    const auto how = co_await finding;
    ended.push_back(how);
    if (how == Ended::done) found.push_back(lookup.addresses.empty() ? "" : lookup.addresses[0].text());
    if (--awaited == 0) (void)eventfd_write(wake, 1);
    co_return true;
  }
  // Runs all of them to their end.
  void run(std::vector<Task<bool>> tasks) {
    awaited = tasks.size();
    for (auto& task : tasks) task.start();
    loop.run(wake);
    eventfd_t rings = 0;
    (void)eventfd_read(wake, &rings);
  }
  void run(Task<bool> task) {
    std::vector<Task<bool>> tasks;
    tasks.push_back(std::move(task));
    run(std::move(tasks));
  }
  std::function<void()> hang() {
    return [door = door] { door->pass(); };
  }

  EventLoop loop;
  Background background{Background::Room{2, 1, 1, 1, 1, 1, 1}};
  const std::shared_ptr<Door> door = std::make_shared<Door>();
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::size_t awaited = 0;
  std::vector<Ended> ended;
  std::vector<std::string> found;
};

TEST_F(BackgroundTest, HasWorkDoneOnAnotherThreadAndLeavesItThereWhenItIsLate) {
  run(note(Work::files, [] {}, 20s));
  run(note(Work::files, hang(), 5ms));
  EXPECT_THAT(ended, ElementsAre(Ended::done, Ended::late));
  EXPECT_EQ(background.under_way(Work::files), 1u);
}

TEST_F(BackgroundTest, KeepsWhatHangsFromTheThreadsOfOtherWork) {
  run(note(Work::files, hang(), 5ms));
  run(note(Work::files, [] {}, 50ms));
  run(note(Work::systemd, [] {}, 20s));
  run(note(Work::names, [] {}, 20s));
  EXPECT_THAT(ended, ElementsAre(Ended::late, Ended::not_begun, Ended::done, Ended::done));
}

TEST_F(BackgroundTest, WaitsForAThreadForAFifthOfTheTimeOnly) {
  run(note(Work::files, hang(), 5ms));
  const auto begin = steady_clock::now();
  run(note(Work::files, [] {}, 5s));
  EXPECT_THAT(ended, ElementsAre(Ended::late, Ended::not_begun));
  EXPECT_LT(steady_clock::now() - begin, 4s);
}

TEST_F(BackgroundTest, SendsTheErrandOfACheckNeverTwice) {
  OwnErrand errand;
  run(note_own(errand, hang(), 5ms));
  run(note_own(errand, [] {}, 20s));
  EXPECT_THAT(ended, ElementsAre(Ended::late, Ended::still_hangs));
  door->open();
  ASSERT_TRUE(eventually([&] { return background.under_way(Work::files) == 0; }));
  run(note_own(errand, [] {}, 20s));
  EXPECT_EQ(ended.back(), Ended::done);
}

TEST_F(BackgroundTest, AsksForANameOnceHoweverManyWantIt) {
  const auto asked = std::make_shared<std::atomic<int>>(0);
  Names names(background, [asked](const std::string&, Family) {
    *asked += 1;
    return look_up_address("192.0.2.1", Family::any);
  });
  std::vector<Task<bool>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(note_name(names, "shop.example", 20s));
  run(std::move(tasks));
  EXPECT_EQ(*asked, 1);
  EXPECT_EQ(found, std::vector<std::string>(20, "192.0.2.1"));
}

TEST_F(BackgroundTest, FindsNamesThatAreQuickWhileASilentNameServerKeepsAllOtherThreads) {
  Names names(background, resolver_that_hangs(door));
  run(note_name(names, "quick.example", 20s));
  std::vector<Task<bool>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(note_name(names, "silent-" + std::to_string(i) + ".example", 100ms));
  run(std::move(tasks));
  EXPECT_THAT(ended, ElementsAre(Ended::done, Ended::not_begun, Ended::late, Ended::late));
  run(note_name(names, "quick.example", 20s));
  run(note_name(names, "localhost", 20s));
  run(note_name(names, "silent-0.example", 50ms));
  run(note_name(names, "another.example", 50ms));
  EXPECT_EQ(std::vector<Ended>(ended.begin() + 4, ended.end()),
            (std::vector<Ended>{Ended::done, Ended::done, Ended::late, Ended::not_begun}));
}

TEST_F(BackgroundTest, LetsWhoIsGivenUpWaitForANameNoLonger) {
  Names names(background, resolver_that_hangs(door));
  {
    auto given_up = note_name(names, "silent.example", 1h);
    given_up.start();
  }
  door->open();
  run(note_name(names, "silent.example", 20s));
  EXPECT_THAT(ended, ElementsAre(Ended::done));
}

TEST(BackgroundEnd, WaitsForWorkThatIsAboutToEnd) {
  const auto done = std::make_shared<std::atomic<bool>>(false);
  const auto door = std::make_shared<Door>();
  {
    Background background;
    background.send(Work::files, [door, done] {
      door->pass();
      *done = true;
    }, [] {});
    door->open();
  }
  EXPECT_TRUE(*done);
}

TEST(BackgroundEnd, IsNotHeldUpByWorkThatHangs) {
  const auto door = std::make_shared<Door>();
  const auto begin = steady_clock::now();
  {
    Background background;
    background.send(Work::files, [door] { door->pass(); }, [] {});
  }
  EXPECT_LT(steady_clock::now() - begin, 10s);
  door->open();
}

}  // namespace
}  // namespace sidewatch::probe
