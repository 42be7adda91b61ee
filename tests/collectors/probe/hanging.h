// What hangs until a test opens its door, and does no harm when it is left behind.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "collectors/probe/names.h"

namespace sidewatch::probe {

// Shared with the thread that waits at it, which may outlive the test.
struct Door {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = false;

  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return is_open; });
  }
};

// Finds every name at 127.0.0.1, but hangs for those that begin with "silent".
inline Resolver resolver_that_hangs(const std::shared_ptr<Door>& door) {
  return [door](const std::string& host, Family) {
    if (host.starts_with("silent")) door->pass();
    return look_up_address("127.0.0.1", Family::any);
  };
}

inline bool eventually(const std::function<bool()>& holds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace sidewatch::probe
