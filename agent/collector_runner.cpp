#include "agent/collector_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

namespace sidewatch {
namespace {

// Makes the collector when there is none yet: that may fail as well, and is tried again with the next pass.
Result<PassOutcome> collect_once(std::unique_ptr<Collector>& collector, const CollectorPlan& plan,
                                 const CollectorContext& context, Batch& batch, Time now) {
  try {
    if (!collector) collector = plan.make(context);
    return collector->collect(batch, now);
  } catch (const std::exception& failure) {  // memory has run out: the pass is lost, the agent goes on
    return Error{failure.what(), ""};
  }
}

}  // namespace

// Wakes a collector that listens.
class WakeUp {
 public:
  explicit WakeUp(bool needed) : fd_(needed ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1) {}
  WakeUp(const WakeUp&) = delete;
  ~WakeUp() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  void ring() const {
    if (fd_ >= 0) (void)eventfd_write(fd_, 1);
  }
  void silence() const {
    eventfd_t rings = 0;
    (void)eventfd_read(fd_, &rings);
  }

 private:
  const int fd_;
};

struct CollectorRunner::Shared {
  explicit Shared(bool listens) : wake(listens) {}
  const WakeUp wake;
  std::uint64_t id = 0;
  std::shared_ptr<LoopMailbox> loop;
  std::mutex mutex;
  std::condition_variable changed;
  bool wanted = false;   // a pass has been asked for and not yet begun
  bool running = false;  // from start() until the result is with the loop
  bool stopping = false;
  bool is_called() const { return wanted || stopping; }
  Time at;
  Batch spare;
};

CollectorRunner::CollectorRunner(std::uint64_t id, const CollectorPlan& plan, const CollectorContext& context,
                                 std::shared_ptr<LoopMailbox> loop)
    : id_(id), shared_(std::make_shared<Shared>(plan.listens)) {
  shared_->id = id;
  shared_->loop = std::move(loop);
  main_ = [shared = shared_, plan, context] { run(shared, plan, context); };
  trouble_ = thread_.start(main_);
}

CollectorRunner::~CollectorRunner() {
  request_stop();
}

bool CollectorRunner::start(Time now) {
  if (!thread_.started()) trouble_ = thread_.start(main_);
  if (!thread_.started()) return false;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->running || shared_->stopping) return false;
    shared_->running = true;
    shared_->wanted = true;
    shared_->at = now;
  }
  shared_->changed.notify_all();
  shared_->wake.ring();
  return true;
}

void CollectorRunner::recycle(Batch batch) {
  const std::lock_guard lock(shared_->mutex);
  shared_->spare = std::move(batch);
}

void CollectorRunner::request_stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
  shared_->wake.ring();
}

// Without the lock until somebody rings. Whoever rings has said before what is wanted; a ring that comes late, when that
// is done already, ends one round of listening and no more.
std::string CollectorRunner::listen(Collector& collector, Shared& shared, std::unique_lock<std::mutex>& lock) {
  std::string trouble;
  while (trouble.empty() && !shared.is_called()) {
    lock.unlock();
    try {
      collector.listen(shared.wake.fd());
    } catch (const std::exception& failure) {  // memory has run out: what came is lost, the agent goes on
      trouble = failure.what();
    }
    shared.wake.silence();
    lock.lock();
  }
  return trouble;
}

void CollectorRunner::run(const std::shared_ptr<Shared>& shared, const CollectorPlan& plan,
                          const CollectorContext& context) {
  std::unique_ptr<Collector> collector;
  std::unique_lock lock(shared->mutex);
  while (true) {
    std::string trouble;
    if (collector && plan.listens) trouble = listen(*collector, *shared, lock);
    shared->changed.wait(lock, [&] { return shared->is_called(); });
    if (shared->stopping) break;
    shared->wanted = false;
    const Time at = shared->at;
    PassDone done{shared->id, std::exchange(shared->spare, Batch()), PassOutcome{}, at, 0};
    lock.unlock();

    done.batch.clear();
    const auto began = std::chrono::steady_clock::now();
    done.outcome = collect_once(collector, plan, context, done.batch, at);
    if (!trouble.empty()) done.outcome = Error{std::move(trouble), ""};
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    done.seconds = static_cast<double>(took.count()) / 1e6;  // what is finer is noise, which the history would keep

    lock.lock();
    shared->running = false;
    if (shared->stopping) break;
    lock.unlock();
    Message message = std::move(done);
    // A runner has at most two results on their way and the mailbox has room for all: only a closed one refuses.
    const bool taken = shared->loop->put(std::move(message));
    lock.lock();
    if (!taken) break;
  }
}

}  // namespace sidewatch
