// kill -9, many times, at no particular moment.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <random>
#include <set>

#include "alerting/outbox.h"
#include "tests/support/notifications.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

constexpr int kills = 60;

// Commits messages numbered from `first` on and says each number when its commit was acknowledged, until it is killed.
// Every third message is delivered in the commit after it. That an attempt begins is a commit that is not synced.
[[noreturn]] void write_until_killed(const std::string& directory, int first, int pipe) {
  auto outbox = Outbox::open(directory, {.checkpoint_frames = 20});
  if (!outbox || !outbox->load()) _exit(1);
  for (int number = first;; ++number) {
    Transaction t;
    t.add = {make_notification({.id = std::to_string(number)})};
    t.states = {{"last", std::to_string(number)}};
    if ((number - 1) % 3 == 0) t.finished = {{std::to_string(number - 1), Outcome::delivered, ""}};
    if (!outbox->commit(t)) _exit(2);
    Transaction begun;
    begun.attempted = {{std::to_string(number), 1}};
    begun.survives = Survives::kill;
    if (!outbox->commit(begun)) _exit(2);
    if (write(pipe, &number, sizeof number) != sizeof number) _exit(3);
  }
}

TEST(OutboxKill, NothingAcknowledgedIsEverLost) {
  const TempDir directory;
  std::mt19937 random(1);
  std::set<int> acknowledged;
  int next = 1;
  for (int kill_number = 0; kill_number < kills; ++kill_number) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      write_until_killed(directory.path(), next, ends[1]);
    }
    close(ends[1]);
    // The moment: after so many acknowledgements and a random part of the next commit.
    const auto wanted = random() % 20;
    int number = 0;
    for (unsigned long i = 0; i < wanted && read(ends[0], &number, sizeof number) == sizeof number; ++i) {
      acknowledged.insert(number);
    }
    const timespec moment{0, static_cast<long>(random() % 500'000)};
    nanosleep(&moment, nullptr);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    while (read(ends[0], &number, sizeof number) == sizeof number) acknowledged.insert(number);
    close(ends[0]);

    auto outbox = Outbox::open(directory.path());
    ASSERT_TRUE(outbox) << outbox.error().text();
    const auto loaded = outbox->load();
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings[0];
    std::set<int> found;
    for (const auto& [notification, attempts] : loaded->pending) {
      const int its_number = std::stoi(notification.id);
      found.insert(its_number);
      EXPECT_TRUE(attempts == 1 || !acknowledged.contains(its_number)) << its_number << " was begun";
    }
    const int last = loaded->states.empty() ? 0 : std::stoi(loaded->states[0].blob);
    ASSERT_TRUE(acknowledged.empty() || last >= *acknowledged.rbegin());
    for (int each = 1; each <= last; ++each) {
      const bool was_delivered = each % 3 == 0 && each < last;
      EXPECT_EQ(found.contains(each), !was_delivered) << each << " of " << last;
    }
    EXPECT_EQ(found.empty() ? 0 : *found.rbegin(), last);  // state and message came together
    next = last + 1;
  }
  EXPECT_GT(acknowledged.size(), 200u);
}

}  // namespace
}  // namespace sidewatch
