// What epoll hands back is a pointer: to the Wait whose socket it is, or to one of `sources_`, or null for `wake`. The
// two kinds are told apart by looking among the few sources.
#include "collectors/probe/event_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace sidewatch::probe {
namespace {

constexpr int longest_wait_ms = 60'000;
constexpr std::size_t events_at_once = 64;

}  // namespace

Wait::~Wait() {
  if (armed_) loop_.disarm(*this);
  std::replace(loop_.ready_.begin(), loop_.ready_.end(), this, static_cast<Wait*>(nullptr));
}

bool Wait::await_ready() {
  happened_ = signal_ != nullptr && signal_->set_;
  return happened_;
}

void Wait::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  loop_.arm(*this);
}

void Signal::set() {
  set_ = true;
  if (wait_ != nullptr) wait_->loop_.ready_.push_back(wait_);
}

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
EventLoop::~EventLoop() {
  if (epoll_ >= 0) close(epoll_);
}

Wait EventLoop::readable(int fd, TimePoint until) { return {*this, fd, EPOLLIN | EPOLLRDHUP, nullptr, until}; }
Wait EventLoop::writable(int fd, TimePoint until) { return {*this, fd, EPOLLOUT, nullptr, until}; }
Wait EventLoop::signalled(Signal& signal, TimePoint until) { return {*this, -1, 0, &signal, until}; }
Wait EventLoop::until(TimePoint then) { return {*this, -1, 0, nullptr, then}; }

void EventLoop::drive(EventSource& source) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &source;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, source.descriptor(), &event);
  sources_.push_back(&source);
}

void EventLoop::arm(Wait& wait) {
  wait.armed_ = true;
  wait.timer_ = timers_.emplace(wait.until_, &wait);
  if (wait.signal_ != nullptr) wait.signal_->wait_ = &wait;
  if (wait.fd_ < 0) return;
  epoll_event event{};
  event.events = wait.events_;
  event.data.ptr = &wait;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wait.fd_, &event);
}

void EventLoop::disarm(Wait& wait) {
  wait.armed_ = false;
  timers_.erase(wait.timer_);
  if (wait.signal_ != nullptr) wait.signal_->wait_ = nullptr;
  if (wait.fd_ >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, wait.fd_, nullptr);
}

void EventLoop::resume(Wait& wait, bool happened) {
  disarm(wait);
  wait.happened_ = happened;
  wait.waiter_.resume();
}

// Whoever is resumed may set signals and give others up, so nothing is held over a resume.
void EventLoop::resume_ready() {
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    Wait* const wait = ready_[i];
    ready_[i] = nullptr;
    if (wait != nullptr && wait->armed_) resume(*wait, true);
  }
  ready_.clear();
}

void EventLoop::resume_late() {
  const auto now = steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    resume(*timers_.begin()->second, false);
    resume_ready();
  }
}

int EventLoop::milliseconds_left() const {
  if (!ready_.empty()) return 0;
  auto next = steady_clock::now() + std::chrono::milliseconds(longest_wait_ms);
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  for (const auto* source : sources_) next = std::min(next, source->due().value_or(next));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - steady_clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, longest_wait_ms));
}

void EventLoop::run(int wake) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake, &event);
  bool called = false;
  while (!called) {
    std::array<epoll_event, events_at_once> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds_left());
    const auto now = steady_clock::now();
    std::vector<EventSource*> stepped;
    for (int i = 0; i < count; ++i) {
      void* const whose = events[static_cast<std::size_t>(i)].data.ptr;
      const auto source = std::find(sources_.begin(), sources_.end(), whose);
      if (whose == nullptr) {
        called = true;
      } else if (source != sources_.end()) {
        stepped.push_back(*source);
      } else {
        ready_.push_back(static_cast<Wait*>(whose));
      }
    }
    for (auto* source : sources_) {
      const auto due = source->due();
      const bool late = due && *due <= now;
      if (late || std::find(stepped.begin(), stepped.end(), source) != stepped.end()) source->step();
    }
    resume_ready();
    resume_late();
  }
  epoll_ctl(epoll_, EPOLL_CTL_DEL, wake, nullptr);
}

}  // namespace sidewatch::probe
