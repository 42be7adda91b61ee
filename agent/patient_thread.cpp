#include "agent/patient_thread.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

namespace sidewatch {

struct PatientThread::End {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false;
};

PatientThread::~PatientThread() { join(Duration(0)); }

std::string PatientThread::start(std::function<void()> body) {
  auto end = std::make_shared<End>();
  try {
    thread_ = std::thread([body = std::move(body), end]() mutable {
      body();
      body = nullptr;  // what it shares is given up before anybody is told that it has ended
      {
        const std::lock_guard lock(end->mutex);
        end->reached = true;
      }
      end->changed.notify_all();
    });
  } catch (const std::system_error& failure) {
    return "cannot start a thread: " + failure.code().message();
  }
  end_ = std::move(end);
  return "";
}

bool PatientThread::join(Duration patience) {
  if (!thread_.joinable()) return true;
  {
    std::unique_lock lock(end_->mutex);
    const auto until = std::chrono::steady_clock::now() + patience;
    if (!end_->changed.wait_until(lock, until, [&] { return end_->reached; })) {
      thread_.detach();
      return false;
    }
  }
  thread_.join();
  return true;
}

}  // namespace sidewatch
