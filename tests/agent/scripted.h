// Collectors, receivers and a clock that do as a test says, for the parts of the agent that work with threads.
//
// Nothing here sleeps: who waits, waits for something that happens, and gives up with a failure after `patience`.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/message.h"
#include "alerting/receiver.h"
#include "collectors/collector.h"
#include "metrics/store.h"

namespace sidewatch {

inline constexpr Duration patience = std::chrono::seconds(20);
inline constexpr Time start_of_test{Duration(1'772'366'400'000)};  // 2026-03-01T12:00:00Z

// A door that a thread waits at until the test opens it.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  // False: nobody opened it in time.
  bool pass() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class FakeClock final : public Clock {
 public:
  Time now() const override { return time_at_ms(now_ms_); }
  Duration wall_step() const override { return Duration(wall_step_ms_); }
  // Whoever sleeps wakes at once, after what the test has happen meanwhile.
  void sleep_for(Duration duration) const override {
    now_ms_ += duration.count();
    if (meanwhile) meanwhile(duration);
  }
  std::function<void(Duration)> meanwhile;
  void advance(Duration by) { now_ms_ += by.count(); }
  void set_wall(Duration by) { wall_step_ms_ += by.count(); }

 private:
  mutable std::atomic<std::int64_t> now_ms_{to_ms(start_of_test)};
  std::atomic<std::int64_t> wall_step_ms_{0};
};

using Pass = std::function<Result<PassOutcome>(Batch& batch, Time now)>;

class ScriptedCollector final : public Collector {
 public:
  explicit ScriptedCollector(Pass pass) : pass_(std::move(pass)) {}
  Result<PassOutcome> collect(Batch& batch, Time now) override { return pass_(batch, now); }

 private:
  Pass pass_;
};

// `make_pass` is called on the collector's thread, whenever one is started.
inline CollectorPlan collector_plan(std::string name, std::function<Pass(const CollectorContext&)> make_pass,
                                    std::string fingerprint = "") {
  CollectorPlan plan;
  plan.name = std::move(name);
  plan.watches = "what the test says";
  plan.fingerprint = std::move(fingerprint);
  plan.make = [make_pass = std::move(make_pass)](const CollectorContext& context) {
    return std::make_unique<ScriptedCollector>(make_pass(context));
  };
  return plan;
}

// A collector of one gauge that has whatever value `value` has.
inline CollectorPlan gauge_plan(const std::string& name, std::shared_ptr<std::atomic<double>> value,
                                std::string fingerprint = "") {
  return collector_plan(
      name,
      [name, value](const CollectorContext& context) -> Pass {
        auto handle = std::make_shared<SeriesHandle>(
            context.catalog.series(Metric{name, MetricType::gauge, "", "What the test says."}, {}));
        return [handle, value](Batch& batch, Time) -> Result<PassOutcome> {
          batch.add(*handle, *value);
          return PassOutcome{};
        };
      },
      std::move(fingerprint));
}

using Send = std::function<Attempt(const Notification& notification)>;

class ScriptedReceiver final : public Receiver {
 public:
  ScriptedReceiver(Send send, std::function<void()> interrupt) : send_(std::move(send)), interrupt_(std::move(interrupt)) {}
  Attempt send(const Delivery& delivery) override { return send_(delivery.first()); }
  void interrupt() override {
    if (interrupt_) interrupt_();
  }

 private:
  Send send_;
  std::function<void()> interrupt_;
};

inline ReceiverPlan receiver_plan(std::string name, Send send, std::string fingerprint = "",
                                  std::function<void()> interrupt = {}) {
  ReceiverPlan plan;
  plan.name = std::move(name);
  plan.fingerprint = std::move(fingerprint);
  plan.make = [send = std::move(send), interrupt = std::move(interrupt)] {
    return std::make_unique<ScriptedReceiver>(send, interrupt);
  };
  return plan;
}

// The next message of this kind; a failure when none comes or it is of another kind.
template <class Kind>
std::optional<Kind> take(LoopMailbox& mailbox) {
  auto message = mailbox.take(patience);
  if (!message) {
    ADD_FAILURE() << "no message came";
    return std::nullopt;
  }
  if (auto* content = std::get_if<Kind>(&*message)) return std::move(*content);
  ADD_FAILURE() << "a message of another kind came";
  return std::nullopt;
}

// What the page would show of a series; absent when it is stale or was never written.
inline std::optional<double> shown(const Store& store, std::string_view name, const Labels& labels = {}) {
  for (const auto& series : store.snapshot()) {
    if (series.info->family->name == name && series.info->labels == labels) return series.last.value;
  }
  return std::nullopt;
}

}  // namespace sidewatch
