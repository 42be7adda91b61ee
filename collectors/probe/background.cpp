#include "collectors/probe/background.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "base/crypto.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr auto patience_at_the_end = 200ms;
constexpr int share_of_waiting = 5;  // a fifth

// What is to be told to the loop's thread, and used by it alone: it is empty when nobody waits any more.
struct Ticket {
  std::function<void()> done;
};

// Whoever waits, and takes its signal back when it is given up.
struct Waiting {
  Waiting() = default;
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { *alive = false; }
  Signal signal;
  const std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

}  // namespace

struct Background::Done {
  Done() : fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Done(const Done&) = delete;
  Done& operator=(const Done&) = delete;
  ~Done() {
    if (fd >= 0) close(fd);
  }
  void add(std::shared_ptr<Ticket> ticket) {
    const std::lock_guard lock(mutex);
    tickets.push_back(std::move(ticket));
    under_way -= 1;
    (void)eventfd_write(fd, 1);
    ended.notify_all();
  }
  const int fd;
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t under_way = 0;
  std::vector<std::shared_ptr<Ticket>> tickets;
};

std::string_view to_string(Work work) {
  switch (work) {
    case Work::names: return "names";
    case Work::quick_names: return "quick_names";
    case Work::local_names: return "local_names";
    case Work::files: return "files";
    case Work::systemd: return "systemd";
    case Work::keys: return "keys";
    case Work::bodies: return "bodies";
  }
  return "";
}

std::string no_thread_words(Work kind) {
  switch (kind) {
    case Work::names:
    case Work::quick_names:
    case Work::local_names: return "all threads that look up names wait for name servers that do not answer";
    case Work::files: return "all threads that look at files wait for file systems that do not answer";
    case Work::systemd: return "all threads that ask systemd wait for its answer";
    case Work::keys: return "all threads that read secrets and keys wait for file systems that do not answer";
    case Work::bodies: return "all threads that look at long answers are at work";
  }
  return "";
}

TimePoint patience_for_a_thread(TimePoint until) {
  const auto now = steady_clock::now();
  return now + (until - now) / share_of_waiting;
}

Background::Background(Room room) : done_(std::make_shared<Done>()) {
  for (std::size_t i = 0; i < work_kinds; ++i) runners_[i] = std::make_unique<ErrandRunner>(room[i]);
}

Background::~Background() {
  std::unique_lock lock(done_->mutex);
  done_->ended.wait_for(lock, patience_at_the_end, [this] { return done_->under_way == 0; });
}

int Background::descriptor() const { return done_->fd; }

void Background::step() {
  eventfd_t rings = 0;
  (void)eventfd_read(done_->fd, &rings);
  std::vector<std::shared_ptr<Ticket>> tickets;
  {
    const std::lock_guard lock(done_->mutex);
    tickets.swap(done_->tickets);
  }
  for (const auto& ticket : tickets) ticket->done();
}

bool Background::send(Work kind, std::function<void()> work, std::function<void()> done) {
  auto ticket = std::make_shared<Ticket>(Ticket{std::move(done)});
  const auto errand =
      std::make_shared<Errand>([work = std::move(work), ticket = std::move(ticket), to = done_]() mutable {
        try {
          work();
        } catch (const std::exception&) {  // memory has run out: what it was to find stays empty
        }
        end_crypto_of_thread();
        to->add(ticket);
      });
  {
    const std::lock_guard lock(done_->mutex);
    done_->under_way += 1;
  }
  if (runners_[static_cast<std::size_t>(kind)]->send(errand, 0ms) != ErrandRunner::Outcome::no_thread) return true;
  const std::lock_guard lock(done_->mutex);
  done_->under_way -= 1;
  return false;
}

Task<Background::Ended> Background::run(EventLoop& loop, Work kind, std::function<void()> work, TimePoint until) {
  const auto patience = patience_for_a_thread(until);
  Waiting waiting;
  const auto done = [signal = &waiting.signal, alive = waiting.alive] {
    if (*alive) signal->set();
  };
  while (!send(kind, work, done)) {
    if (steady_clock::now() >= patience) co_return Ended::not_begun;
    co_await loop.until(steady_clock::now() + pause_without_thread);
  }
  const bool ended = co_await loop.signalled(waiting.signal, until);
  co_return ended ? Ended::done : Ended::late;
}

Task<Background::Ended> OwnErrand::run(Background& background, EventLoop& loop, Work kind, std::function<void()> work,
                                       TimePoint until) {
  if (under_way_->exchange(true)) co_return Background::Ended::still_hangs;
  std::function<void()> flagged = [work = std::move(work), flag = under_way_] {
    struct Lowered {
      std::atomic<bool>& flag;
      ~Lowered() { flag = false; }
    } const lowered{*flag};
    work();
  };
  auto running = background.run(loop, kind, std::move(flagged), until);
  const auto ended = co_await running;
  if (ended == Background::Ended::not_begun) *under_way_ = false;
  co_return ended;
}

}  // namespace sidewatch::probe
