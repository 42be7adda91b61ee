#include "collectors/probe/background.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <mutex>
#include <utility>

#include "base/crypto.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr auto pause_without_thread = 20ms;

// `signal` is the loop's business alone, and null when nobody waits any more.
struct Ticket {
  Signal* signal = nullptr;
};

// Whoever waits, and takes its signal back when it is given up.
struct Waiting {
  explicit Waiting(std::shared_ptr<Ticket> of) : ticket(std::move(of)) { ticket->signal = &signal; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { ticket->signal = nullptr; }
  Signal signal;
  const std::shared_ptr<Ticket> ticket;
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
    {
      const std::lock_guard lock(mutex);
      tickets.push_back(std::move(ticket));
    }
    (void)eventfd_write(fd, 1);
  }
  const int fd;
  std::mutex mutex;
  std::vector<std::shared_ptr<Ticket>> tickets;
};

Background::Background() : done_(std::make_shared<Done>()) {}
Background::~Background() = default;

int Background::descriptor() const { return done_->fd; }

void Background::step() {
  eventfd_t rings = 0;
  (void)eventfd_read(done_->fd, &rings);
  std::vector<std::shared_ptr<Ticket>> tickets;
  {
    const std::lock_guard lock(done_->mutex);
    tickets.swap(done_->tickets);
  }
  for (const auto& ticket : tickets) {
    if (ticket->signal != nullptr) ticket->signal->set();
  }
}

Task<bool> Background::run(EventLoop& loop, std::function<void()> work, TimePoint until) {
  const auto ticket = std::make_shared<Ticket>();
  Waiting waiting(ticket);
  const auto errand = std::make_shared<Errand>([work = std::move(work), ticket, done = done_] {
    try {
      work();
    } catch (const std::exception&) {  // memory has run out: what it was to find stays empty
    }
    end_crypto_of_thread();
    done->add(ticket);
  });
  while (runner_.send(errand, 0ms) == ErrandRunner::Outcome::no_thread) {
    if (steady_clock::now() >= until) co_return false;
    co_await loop.until(steady_clock::now() + pause_without_thread);
  }
  const bool ended = co_await loop.signalled(waiting.signal, until);
  co_return ended;
}

}  // namespace sidewatch::probe
