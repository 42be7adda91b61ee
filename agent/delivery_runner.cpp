#include "agent/delivery_runner.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace sidewatch {
namespace {

Attempt send_once(Receiver& receiver, const Delivery& delivery) {
  try {
    return receiver.send(delivery);
  } catch (const std::exception& failure) {  // memory has run out: the message stays queued
    return RetryLater{failure.what(), std::nullopt, false};
  }
}

}  // namespace

struct DeliveryRunner::Shared {
  std::uint64_t id = 0;
  std::string name;
  std::unique_ptr<Receiver> receiver;
  std::shared_ptr<LoopMailbox> loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Delivery> next;
  bool sending = false;  // from send() until the result is with the loop
  bool stopping = false;
};

DeliveryRunner::DeliveryRunner(std::uint64_t id, const ReceiverPlan& plan, std::shared_ptr<LoopMailbox> loop)
    : id_(id), shared_(std::make_shared<Shared>()) {
  shared_->id = id;
  shared_->name = plan.name;
  shared_->receiver = plan.make();
  shared_->loop = std::move(loop);
  (void)launch();  // tried again with the first message
}

std::string DeliveryRunner::launch() {
  return thread_.start([shared = shared_] { run(shared); });
}

DeliveryRunner::~DeliveryRunner() {
  request_stop();
}

bool DeliveryRunner::send(Delivery delivery) {
  if (!thread_.started()) {
    if (const std::string trouble = launch(); !trouble.empty()) {
      Message message = AttemptDone{id_, shared_->name, delivery.id, RetryLater{trouble, std::nullopt, false}};
      return shared_->loop->put(std::move(message));
    }
  }
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->sending || shared_->stopping) return false;
    shared_->sending = true;
    shared_->next = std::move(delivery);
  }
  shared_->changed.notify_all();
  return true;
}

void DeliveryRunner::request_stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->receiver->interrupt();
  shared_->changed.notify_all();
}

void DeliveryRunner::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->next || shared->stopping; });
    if (!shared->next) break;
    const Delivery delivery = *std::exchange(shared->next, std::nullopt);
    lock.unlock();
    Attempt attempt = send_once(*shared->receiver, delivery);
    lock.lock();
    shared->sending = false;
    lock.unlock();
    // The result is told even while stopping: a delivered message that the loop does not hear of is sent twice.
    Message message = AttemptDone{shared->id, shared->name, delivery.id, std::move(attempt)};
    const bool taken = shared->loop->put(std::move(message));
    lock.lock();
    if (!taken || shared->stopping) break;
  }
}

}  // namespace sidewatch
