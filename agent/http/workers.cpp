#include "agent/http/workers.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

namespace sidewatch {
namespace {

constexpr std::chrono::seconds idle_before_end{30};
constexpr int lower_priority = 5;  // nice levels

HttpResponse turn_away(const HttpWorkers::Job& job, const std::string& why) {
  return job.route->refuse ? job.route->refuse(job.request, 503, why) : HttpResponse::text(503, why + "\n");
}

void lower_own_priority() {
  const auto self = static_cast<id_t>(::syscall(SYS_gettid));
  // Refused only where the level is at its end already.
  (void)::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + lower_priority);
}

}  // namespace

HttpWorkers::HttpWorkers(HttpWorkLimits limits, std::function<void()> notify)
    : limits_(limits), notify_(std::move(notify)) {}

HttpWorkers::~HttpWorkers() { stop(); }

std::optional<HttpResponse> HttpWorkers::put(Job job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return turn_away(job, "the agent is stopping");
  if (queue_.size() >= limits_.max_queued) {
    return turn_away(job, "too many queries are waiting already (http.max_queued_queries); ask again in a moment");
  }
  if (idle_ <= queue_.size() && !start_worker() && workers_.empty()) {
    return turn_away(job, "the machine has no thread to spare for queries");
  }
  auto abandoned = std::make_shared<std::atomic<bool>>(false);
  job.request.abandoned = abandoned;
  queue_.push_back({std::move(job), std::move(abandoned)});
  arrived_.notify_one();
  return std::nullopt;
}

// False when there is no further one: all are there already, or the machine has no thread.
bool HttpWorkers::start_worker() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (worker->ended) {
      worker->thread.join();  // it has given up the lock for the last time
      worker = workers_.erase(worker);
    } else {
      ++worker;
    }
  }
  if (workers_.size() >= limits_.threads) return false;
  Worker& worker = workers_.emplace_back();
  try {
    worker.thread = std::thread([this, &worker] { run(worker); });
  } catch (const std::system_error&) {
    workers_.pop_back();
    return false;
  }
  return true;
}

void HttpWorkers::run(Worker& self) {
  lower_own_priority();
  std::unique_lock lock(mutex_);
  while (wait_for_job(lock)) {
    Entry entry = std::move(queue_.front());
    queue_.pop_front();
    const Ticket ticket = entry.job.ticket;
    running_.emplace_front(ticket, entry.abandoned);
    const auto running = running_.begin();
    lock.unlock();
    Done done = answer(entry);
    lock.lock();
    running_.erase(running);
    if (entry.abandoned->load()) continue;
    done_.push_back(std::move(done));
    lock.unlock();
    notify_();
    lock.lock();
  }
  self.ended = true;
}

// False when the worker is to end: the server stops, or nothing has come for long.
bool HttpWorkers::wait_for_job(std::unique_lock<std::mutex>& lock) {
  const auto until = std::chrono::steady_clock::now() + idle_before_end;
  ++idle_;
  arrived_.wait_until(lock, until, [&] { return stopping_ || !queue_.empty(); });
  --idle_;
  return !stopping_ && !queue_.empty();
}

HttpWorkers::Done HttpWorkers::answer(Entry& entry) {
  const HttpRoute& route = *entry.job.route;
  Done done{entry.job.ticket, {}, Outcome::answered};
  if (unsent_bytes_->load() > limits_.max_unsent_bytes) {
    done.response =
        turn_away(entry.job, "too many answers wait for slow clients (http.max_unsent_bytes); ask again in a moment");
    done.outcome = Outcome::turned_away;
    return done;
  }
  try {
    done.response = route.handler(entry.job.request);
    count_until_sent(done.response);
  } catch (const std::exception&) {
    done.response = HttpResponse::text(500, "internal error\n");
    done.outcome = Outcome::failed;
  }
  return done;
}

void HttpWorkers::count_until_sent(HttpResponse& response) const {
  if (!response.body) return;
  const std::size_t size = response.body->size();
  *unsent_bytes_ += size;
  const auto* text = response.body.get();
  response.body = std::shared_ptr<const std::string>(
      text, [body = std::move(response.body), size, unsent = unsent_bytes_](const std::string*) { *unsent -= size; });
}

std::vector<HttpWorkers::Done> HttpWorkers::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void HttpWorkers::abandon(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto is_it = [ticket](const auto& each) { return each.first == ticket; };
  if (const auto found = std::find_if(running_.begin(), running_.end(), is_it); found != running_.end()) {
    found->second->store(true);
  }
  std::erase_if(queue_, [ticket](const Entry& entry) { return entry.job.ticket == ticket; });
  std::erase_if(done_, [ticket](const Done& done) { return done.ticket == ticket; });
}

void HttpWorkers::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  queue_.clear();
  for (const auto& [ticket, abandoned] : running_) abandoned->store(true);
  arrived_.notify_all();
}

void HttpWorkers::stop() {
  request_stop();
  std::list<Worker> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.splice(ending.end(), workers_);
  }
  for (auto& worker : ending) worker.thread.join();
}

}  // namespace sidewatch
