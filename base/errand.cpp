#include "base/errand.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace sidewatch {
namespace {

std::atomic<std::size_t> all_left_behind{0};

}  // namespace

struct ErrandRunner::Worker {
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Errand> errand;  // null: it waits for the next
  bool dismissed = false;          // ends when it has none
  bool left_behind = false;
  std::shared_ptr<std::atomic<std::size_t>> count;  // of those left behind

  static void work(const std::shared_ptr<Worker>& self);
  void dismiss();
};

void ErrandRunner::Worker::work(const std::shared_ptr<Worker>& self) {
  std::unique_lock lock(self->mutex);
  while (true) {
    self->changed.wait(lock, [&] { return self->errand || self->dismissed; });
    if (!self->errand) break;
    const std::shared_ptr<Errand> errand = self->errand;
    lock.unlock();
    errand->run();
    lock.lock();
    errand->under_way = false;
    self->errand.reset();
    self->changed.notify_all();
  }
  if (self->left_behind) {
    --*self->count;
    --all_left_behind;
  }
}

void ErrandRunner::Worker::dismiss() {
  const std::lock_guard lock(mutex);
  dismissed = true;
  if (errand) {
    left_behind = true;
    ++*count;
    ++all_left_behind;
  }
  changed.notify_all();
}

ErrandRunner::ErrandRunner(std::size_t most_left_behind)
    : most_left_behind_(most_left_behind), left_behind_(std::make_shared<std::atomic<std::size_t>>(0)) {}

ErrandRunner::~ErrandRunner() {
  if (worker_) worker_->dismiss();
}

// Its thread is never joined, for nobody knows whether it will end; all that it uses is its own.
bool ErrandRunner::hire() {
  if (*left_behind_ >= most_left_behind_) return false;
  auto worker = std::make_shared<Worker>();
  worker->count = left_behind_;
  try {
    std::thread(Worker::work, worker).detach();
  } catch (const std::system_error&) {
    return false;
  }
  worker_ = std::move(worker);
  return true;
}

ErrandRunner::Outcome ErrandRunner::send(const std::shared_ptr<Errand>& errand, Duration patience) {
  if (!worker_ && !hire()) return Outcome::no_thread;
  const auto give_up = std::chrono::steady_clock::now() + patience;
  {
    std::unique_lock lock(worker_->mutex);
    errand->under_way = true;
    worker_->errand = errand;
    worker_->changed.notify_all();
    if (worker_->changed.wait_until(lock, give_up, [&] { return !worker_->errand; })) return Outcome::done;
  }
  worker_->dismiss();
  worker_.reset();
  return errand->under_way ? Outcome::late : Outcome::done;
}

std::size_t errands_left_behind() { return all_left_behind; }

}  // namespace sidewatch
