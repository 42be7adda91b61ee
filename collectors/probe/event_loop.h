// One thread that waits for many sockets and points in time at once, and goes on with whoever has what it waited for.
//
// Every wait has an end: readable(), writable() and signalled() say false when it came first. A wait whose function is
// destroyed is forgotten. Used by one thread.
#pragma once

#include <chrono>
#include <coroutine>
#include <map>
#include <optional>
#include <vector>

namespace sidewatch::probe {

using TimePoint = std::chrono::steady_clock::time_point;
using std::chrono::steady_clock;

class EventLoop;
class Signal;

// What `co_await` is given. It lives in the function that waits.
class Wait {
 public:
  Wait(EventLoop& loop, int fd, unsigned events, Signal* signal, TimePoint until)
      : loop_(loop), fd_(fd), events_(events), signal_(signal), until_(until) {}
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  bool await_resume() const { return happened_; }

 private:
  friend class EventLoop;
  friend class Signal;
  EventLoop& loop_;
  const int fd_;
  const unsigned events_;
  Signal* const signal_;
  const TimePoint until_;
  std::coroutine_handle<> waiter_;
  bool armed_ = false;
  bool happened_ = false;
  std::multimap<TimePoint, Wait*>::iterator timer_;
};

// Something that happens once, for one who waits. It outlives the wait.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void set();
  bool is_set() const { return set_; }

 private:
  friend class Wait;
  friend class EventLoop;
  bool set_ = false;
  Wait* wait_ = nullptr;
};

// Something with sockets of its own that the loop drives: step() whenever descriptor() can be read or due() has come.
class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual int descriptor() const = 0;
  virtual std::optional<TimePoint> due() const = 0;
  virtual void step() = 0;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Wait readable(int fd, TimePoint until);
  Wait writable(int fd, TimePoint until);
  Wait signalled(Signal& signal, TimePoint until);
  Wait until(TimePoint then);  // always false: the time has come

  // `source` outlives the loop's last run().
  void drive(EventSource& source);

  // Goes on with whatever there is to go on with, until `wake` can be read.
  void run(int wake);

 private:
  friend class Wait;
  friend class Signal;
  void arm(Wait& wait);
  void disarm(Wait& wait);
  void resume(Wait& wait, bool happened);
  void resume_ready();
  void resume_late();
  int milliseconds_left() const;

  const int epoll_;
  std::multimap<TimePoint, Wait*> timers_;
  std::vector<Wait*> ready_;  // to be resumed in this turn; null: given up meanwhile
  std::vector<EventSource*> sources_;
};

}  // namespace sidewatch::probe
