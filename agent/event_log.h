// What the loop has to tell, as log lines.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/collector_set.h"
#include "agent/judge.h"
#include "agent/logging.h"
#include "agent/message.h"
#include "agent/outbox_call.h"
#include "agent/settings.h"
#include "alerting/dispatcher.h"
#include "metrics/contests.h"

namespace sidewatch {

void log_news(Log& log, const std::vector<CollectorNews>& news);
// `silenced_by`: the silences that hold the messages about this alert now, separated by commas.
void log_report(Log& log, const JudgeReport& report,
                const std::function<std::string(const AlertEvent&)>& silenced_by);
void log_contests(Log& log, const std::vector<Contest>& contests);

struct AttemptNews {
  bool given_up = false;      // refused as the receiver is configured: a dead letter, and no attempt follows
  bool recovered = false;     // the receiver has taken something after attempts that failed
  std::string fallback = {};  // the receiver's; may be empty
};
void log_attempt(Log& log, const AttemptDone& done, const AttemptNews& news);

// What is dangerous in the configuration in force.
void log_warnings(Log& log, const Settings& settings);

// What waits in `queues` for a receiver that is not among `receivers`, the ones to come.
void log_abandoned(Log& log, const std::vector<ReceiverStatus>& queues, const std::vector<std::string>& receivers);

// What somebody did to the outbox.
void log_by_hand(Log& log, const OutboxQuestion& question, const OutboxChange& change);

}  // namespace sidewatch
