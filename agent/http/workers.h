// Answers what takes longer than the server's thread may wait: a few threads behind a bounded queue.
//
// Threads are started when the first request needs them and end when none has come for a while, so that an agent that
// nobody asks has none. They run at a lower priority than the rest: a question must not take the machine away from
// what it is about. Nothing is queued without bound: neither requests nor answers that slow clients have not taken yet.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "agent/http/message.h"

namespace sidewatch {

struct HttpWorkLimits {
  std::size_t threads = 2;
  std::size_t max_queued = 32;                            // waiting for a thread
  std::size_t max_unsent_bytes = std::size_t{64} << 20;   // of all answers together, until they are sent
};

class HttpWorkers {
 public:
  using Ticket = std::uint64_t;
  struct Job {
    Ticket ticket = 0;
    HttpRequest request;
    const HttpRoute* route = nullptr;  // outlives the workers
  };
  enum class Outcome { answered, turned_away, failed };
  struct Done {
    Ticket ticket = 0;
    HttpResponse response;
    Outcome outcome = Outcome::answered;
  };

  // `notify` is called by a worker, without any lock, when there is something for take_done().
  HttpWorkers(HttpWorkLimits limits, std::function<void()> notify);
  ~HttpWorkers();  // stop()

  // Absent when the job was taken; otherwise the answer that says why not.
  std::optional<HttpResponse> put(Job job);

  std::vector<Done> take_done();

  // Nobody waits for this answer any more: it is not begun, or its handler is told (HttpRequest::abandoned).
  void abandon(Ticket ticket);

  // Abandons everything and takes nothing more.
  void request_stop();

  // The same, and waits for the handlers that run.
  void stop();

 private:
  struct Worker {
    std::thread thread;
    bool ended = false;  // its thread runs no more jobs and can be joined
  };
  struct Entry {
    Job job;
    std::shared_ptr<std::atomic<bool>> abandoned;
  };

  bool start_worker();
  void run(Worker& self);
  bool wait_for_job(std::unique_lock<std::mutex>& lock);
  Done answer(Entry& entry);
  void count_until_sent(HttpResponse& response) const;

  const HttpWorkLimits limits_;
  const std::function<void()> notify_;
  const std::shared_ptr<std::atomic<std::size_t>> unsent_bytes_ = std::make_shared<std::atomic<std::size_t>>(0);

  std::mutex mutex_;  // guards all below
  std::condition_variable arrived_;
  std::deque<Entry> queue_;
  std::vector<Done> done_;
  std::list<std::pair<Ticket, std::shared_ptr<std::atomic<bool>>>> running_;
  std::list<Worker> workers_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace sidewatch
