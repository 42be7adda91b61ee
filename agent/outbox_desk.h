// Answers what is asked about the outbox, and does what is wished, on the loop's thread and for no longer than
// max_outbox_rows take.
#pragma once

#include <string>
#include <vector>

#include "agent/judge.h"
#include "agent/logging.h"
#include "agent/outbox_call.h"
#include "alerting/dispatcher.h"
#include "alerting/mute_calendar.h"
#include "alerting/outbox.h"
#include "base/time.h"

namespace sidewatch {

struct OutboxDesk {
  Outbox& outbox;
  Dispatcher& dispatcher;
  const Judge& judge;
  MuteCalendar* mutes;  // null: there are none
  Log& log;
  Time now;
  Duration wall_step;

  // What it changes is on disk before it returns, or the answer says that it is not; and it is logged.
  OutboxAnswer answer(const OutboxQuestion& question);

 private:
  OutboxReport list(const OutboxQuestion& question);
  OutboxAnswer retry(const OutboxQuestion& question);
  OutboxAnswer drop(const OutboxQuestion& question);
  void send_again(const OutboxQuestion& question, OutboxChange& change);
  void forget(const std::vector<DeadLetter>& letters, OutboxChange& change);
  std::vector<DeadLetter> dead_letters(const Chosen& which) const;
  bool waits(const Chosen& which) const;
  std::string why_not_writable();
  std::string unknown(const OutboxQuestion& question) const;
  WallTime wall() const { return to_wall(now, wall_step); }
};

}  // namespace sidewatch
