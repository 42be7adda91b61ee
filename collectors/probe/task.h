// A function that waits without stopping anybody: what a check does is written from top to bottom, and gives the thread
// back at each `co_await` until there is something to go on with (event_loop.h).
//
// A Task owns what its function holds: destroying one that still waits destroys its variables in order, which closes
// sockets and takes back requests, and that is how a check is given up. Used by one thread.
//
// It begins only when it is awaited. So what is made for the call alone (a temporary) is taken by value, never by
// reference: it would be gone by then.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace sidewatch::probe {

template <class T>
class Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr failure;
    std::coroutine_handle<> awaits_it;

    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct GoOn {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
        const auto next = ended.promise().awaits_it;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    GoOn final_suspend() noexcept { return {}; }
    template <class U>
    void return_value(U&& result) { value.emplace(std::forward<U>(result)); }
    void unhandled_exception() { failure = std::current_exception(); }
  };

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Begins it, up to its first wait; for one that nobody awaits.
  void start() { handle_.resume(); }

  // An exception of it (memory has run out) is the awaiting function's.
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    handle_.promise().awaits_it = awaiting;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace sidewatch::probe
