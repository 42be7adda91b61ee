// Counters, gauges and timers for a service in C++17 that go to sidewatch.
//
//     sidewatch::Client client("unixgram:///run/sidewatch/app.sock");      // or "udp://127.0.0.1:8125"
//     sidewatch::Counter orders(client, "shop.orders", {{"kind", "web"}});
//     sidewatch::Timer took(client, "shop.took", {{"route", "/cart"}});
//
//     orders.add();                    // from any thread, a few dozen nanoseconds
//     const auto scope = took.scope(); // until the end of the block
//
// This file and sidewatch.h beside it are all there is; nothing to link. Nothing here waits, throws or (once made)
// allocates: what cannot be sent at once is dropped and counted. A client sends what waits every 100 ms from a thread of its
// own, so that the last line before a silence goes out as well. Metrics refer to their client and must not outlive it.
#ifndef SIDEWATCH_APPLICATION_HPP
#define SIDEWATCH_APPLICATION_HPP

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "sidewatch.h"

namespace sidewatch {
inline namespace application {

class Client {
 public:
  // `flush_every` 0 starts no thread: then call flush().
  explicit Client(const std::string& address = "udp://127.0.0.1:8125",
                  std::chrono::milliseconds flush_every = std::chrono::milliseconds(SIDEWATCH_DELAY_MS))
      : error_(sidewatch_open(&client_, address.c_str())) {
    if (flush_every.count() <= 0) return;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);  // the service's signals are for its own threads
    try {
      flusher_ = std::thread([this, flush_every] { flush_until_stopped(flush_every); });
    } catch (const std::system_error&) {  // no thread is to be had: lines go when a datagram is full
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Client() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    stopped_.notify_all();
    if (flusher_.joinable()) flusher_.join();
    sidewatch_close(&client_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Why the address could not be opened; false when it could. A Unix socket may still come to be.
  std::error_code error() const { return {error_, std::generic_category()}; }

  void flush() noexcept { sidewatch_flush(&client_); }
  std::uint64_t sent() const noexcept { return sidewatch_sent(&client_); }        // lines
  std::uint64_t dropped() const noexcept { return sidewatch_dropped(&client_); }  // lines

  sidewatch_client* handle() noexcept { return &client_; }

 private:
  void flush_until_stopped(std::chrono::milliseconds every) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopped_.wait_for(lock, every, [this] { return stopping_; })) sidewatch_flush(&client_);
  }

  sidewatch_client client_;
  const int error_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread flusher_;
};

using Tags = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// What the four kinds have in common: the beginning and the end of their lines.
class MetricLine {
 public:
  // False when the name or the tags are too long (200 bytes each): then its lines are dropped and counted.
  bool usable() const noexcept { return line_.tail_size > 0; }

 protected:
  using Make = int (*)(sidewatch_metric*, const char*, const char*);
  MetricLine(Client& client, Make make, std::string_view name, Tags tags) : client_(client.handle()) {
    std::string joined;
    const auto append = [&joined](std::string_view text, std::string_view not_here) {
      for (const char c : text) joined += not_here.find(c) == std::string_view::npos ? c : '_';
    };
    for (const auto& [tag, value] : tags) {
      if (!joined.empty()) joined += ',';
      append(tag, ",:");
      if (value.empty()) continue;
      joined += ':';
      append(value, ",");
    }
    make(&line_, std::string(name).c_str(), joined.c_str());
  }

  sidewatch_client* client_;
  sidewatch_metric line_;
};

class Counter : public MetricLine {
 public:
  Counter(Client& client, std::string_view name, Tags tags = {}) : MetricLine(client, sidewatch_counter, name, tags) {}
  void add(std::int64_t count = 1) const noexcept { sidewatch_add(client_, &line_, count); }
};

class Gauge : public MetricLine {
 public:
  Gauge(Client& client, std::string_view name, Tags tags = {}) : MetricLine(client, sidewatch_gauge, name, tags) {}
  void set(double value) const noexcept { sidewatch_set(client_, &line_, value); }
  void change(double by) const noexcept { sidewatch_change(client_, &line_, by); }
};

class Histogram : public MetricLine {
 public:
  Histogram(Client& client, std::string_view name, Tags tags = {}) : MetricLine(client, sidewatch_histogram, name, tags) {}
  void record(double value) const noexcept { sidewatch_record(client_, &line_, value); }
};

class Timer : public MetricLine {
 public:
  Timer(Client& client, std::string_view name, Tags tags = {}) : MetricLine(client, sidewatch_timer, name, tags) {}
  void record(std::chrono::nanoseconds took) const noexcept { sidewatch_record_ns(client_, &line_, took.count()); }

  // Records how long it lived. Must not outlive its timer.
  class Scope {
   public:
    explicit Scope(const Timer& timer) noexcept : timer_(timer) {}
    ~Scope() { timer_.record(std::chrono::steady_clock::now() - began_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const Timer& timer_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  };
  [[nodiscard]] Scope scope() const& noexcept { return Scope(*this); }
  Scope scope() const&& = delete;  // the timer would be gone before its scope ends
};

}  // namespace application
}  // namespace sidewatch

#endif
