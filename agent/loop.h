// The whole agent on one screen: what happens, in which order, and when it happens next.
//
// One thread runs this and owns everything that decides: schedule, store writes, rules, the outbox, who is told what.
// It waits for nobody: collectors and receivers have threads of their own and answer through the mailbox.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/api/status.h"
#include "agent/collector_set.h"
#include "agent/delivery_set.h"
#include "agent/history_writer.h"
#include "agent/http/server.h"
#include "agent/judge.h"
#include "agent/logging.h"
#include "agent/message.h"
#include "agent/own_metrics.h"
#include "agent/published.h"
#include "agent/room_watch.h"
#include "agent/routes.h"
#include "agent/sd_notify.h"
#include "agent/settings.h"
#include "alerting/mute_calendar.h"
#include "alerting/silences.h"
#include "base/time.h"

namespace sidewatch {

// What the loop works with; all of it outlives the loop.
struct LoopParts {
  const Clock& clock;
  Log& log;
  Store& store;
  Outbox& outbox;
  Dispatcher& dispatcher;
  Judge& judge;
  CollectorSet& collectors;
  DeliverySet& deliveries;
  OwnMetrics& own_metrics;
  Heartbeat& heartbeat;
  std::atomic<bool>& ready;
  const SystemdNotifier& systemd;
  const HistoryWriter* history = nullptr;  // null: samples are in memory only
  Silences* silences = nullptr;            // null: there are none
  MuteCalendar* mutes = nullptr;           // null: there are none
};

class Loop {
 public:
  Loop(LoopParts parts, Settings settings, std::shared_ptr<LoopMailbox> mailbox);

  // The server whose counters are shown; null while there is none.
  // Any thread.
  void watch(const HttpServer* server) { server_ = server; }

  // Any thread.
  const Published<ConfigView>& config() const { return config_; }

  // One round at `now`. Returns when the next one is due, unless a message arrives before.
  Time tick(Time now);

  // Rounds until a StopRequest arrives or `until` says so.
  void run(const std::function<bool()>& until = [] { return false; });

  // Lets what is under way end, for at most `patience`, and saves the state. False when a thread had to be left behind.
  bool shut_down(Duration patience);

 private:
  void take_messages(Time now);
  void take(PassDone& done, Time now);
  void take(AttemptDone& done, Time now);
  void take(SettingsRead& read, Time now);
  void take(OutboxAsked& asked, Time now);
  std::string fallback_of(const std::string& receiver) const;
  std::int64_t given_up_by(const std::string& receiver) const;  // messages, so far
  void take(StopRequest&, Time) { stopping_ = true; }
  void wait(Time until);
  void judge(Time now);
  void show_own_metrics(Time now);
  void keep_house(Time now);

  LoopParts parts_;
  Settings settings_;
  std::shared_ptr<LoopMailbox> mailbox_;
  std::optional<Message> waiting_;
  std::atomic<const HttpServer*> server_{nullptr};
  Published<ConfigView> config_;
  RoomWatch room_watch_;
  bool samples_arrived_ = false;
  bool gathering_ = false;  // collectors were started in this round
  bool stopping_ = false;
  std::optional<Time> last_tick_;
  Time next_housekeeping_;
  Time next_own_metrics_;
  std::optional<Time> settled_at_;  // when what the start or a reload needed is let go; absent: not yet known
  std::optional<Time> next_watchdog_;
};

}  // namespace sidewatch
