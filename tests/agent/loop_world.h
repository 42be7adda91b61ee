// A whole agent for a test, but for the process around it: every part real, the clock, the collectors and the receivers
// given. A test moves it round by round.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/loop.h"
#include "tests/agent/scripted.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {

// A file in memory that a Log writes to.
class LogFile {
 public:
  LogFile() : descriptor_(memfd_create("log", MFD_CLOEXEC)) {}
  ~LogFile() { ::close(descriptor_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  int descriptor() const { return descriptor_; }
  std::string content() const {
    std::string text(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
    const auto size = ::pread(descriptor_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

 private:
  int descriptor_;
};

struct LoopWorld {
  explicit LoopWorld(Outbox given_outbox, Settings given_settings)
      : outbox(std::move(given_outbox)), settings(std::move(given_settings)) {
    judge.set_router(settings.router);
    deliveries.configure(settings.receivers);
    collectors.configure(settings.collectors, settings.agent.interval, clock.now());
  }
  ~LoopWorld() {
    collectors.request_stop();
    deliveries.request_stop();
    EXPECT_TRUE(collectors.join(patience));
    EXPECT_TRUE(deliveries.join(patience));
  }

  Time tick() { return loop.tick(clock.now()); }
  // A round each second, as the loop has them when nothing happens.
  void live_on(std::chrono::seconds time) {
    for (std::chrono::seconds lived(0); lived < time; ++lived) {
      clock.advance(std::chrono::seconds(1));
      tick();
    }
  }
  // Waits until a thread has told the loop something, then one round.
  Time tick_with_message() {
    auto message = mailbox->take(patience);
    EXPECT_TRUE(message && mailbox->put(std::move(*message))) << "no thread said anything";
    return tick();
  }
  void tell(Message message) { EXPECT_TRUE(mailbox->put(std::move(message))); }
  // A second later, one round: the agent's own metrics are shown once a second.
  Time tick_a_second_later() {
    clock.advance(std::chrono::seconds(1));
    return tick();
  }
  // The log's lines up to now; nothing can be logged afterwards.
  std::string logged() {
    EXPECT_TRUE(log.close(patience));
    return log_file.content();
  }
  double own(std::string_view name, const Labels& labels = {}) const {
    double found = -1;
    instruments.visit([&](const Metric& metric, const Labels& its, double value) {
      if (metric.name == name && its == labels) found = value;
    });
    return found;
  }

  FakeClock clock;
  LogFile log_file;
  Log log{{.descriptor = log_file.descriptor(), .level = LogLevel::debug, .format = LogFormat::logfmt}};
  Outbox outbox;
  Settings settings;
  Loaded loaded = outbox.load().value();
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  Instruments instruments;
  OwnMetrics own_metrics{instruments};
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(64);
  Dispatcher dispatcher{outbox, loaded, dispatch_targets(settings.receivers), [] { return 0.5; }, clock.now()};
  Judge judge{Engine(settings.rule_groups, {}), dispatcher, catalog, store};
  CollectorSet collectors{CollectorContext{catalog, &store, &instruments, "1"}, store, mailbox};
  DeliverySet deliveries{dispatcher, mailbox};
  Heartbeat heartbeat;
  std::atomic<bool> ready{false};
  SystemdNotifier systemd{[](const char*) { return std::nullopt; }};
  Loop loop{{clock, log, store, outbox, dispatcher, judge, collectors, deliveries, own_metrics, heartbeat, ready, systemd},
            settings, mailbox};
};

inline constexpr const char* memory_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
)";

using Value = std::shared_ptr<std::atomic<double>>;
inline Value value_of(double value) { return std::make_shared<std::atomic<double>>(value); }

// Takes everything, and says what it took.
struct Inbox {
  ReceiverPlan plan(const std::string& name, const std::string& fingerprint = "") {
    return receiver_plan(
        name,
        [this](const Notification& notification) -> Attempt {
          const std::lock_guard lock(mutex);
          reasons.emplace_back(to_string(notification.reason));
          return Delivered{};
        },
        fingerprint);
  }
  std::vector<std::string> taken() const {
    const std::lock_guard lock(mutex);
    return reasons;
  }
  mutable std::mutex mutex;
  std::vector<std::string> reasons;
};
using Reasons = std::vector<std::string>;

inline Settings settings_of(std::vector<CollectorPlan> collectors, const char* rules, std::vector<ReceiverPlan> receivers) {
  Settings settings;
  settings.collectors = std::move(collectors);
  settings.rule_groups = rules_of(rules);
  settings.router = receiver_names(receivers);
  settings.receivers = std::move(receivers);
  return settings;
}

inline SettingsRead read_again(Settings settings) { return {std::make_shared<Settings>(std::move(settings))}; }

}  // namespace sidewatch
