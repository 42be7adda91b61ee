// What the loop has to tell, as log lines.
#pragma once

#include <vector>

#include "agent/collector_set.h"
#include "agent/judge.h"
#include "agent/logging.h"
#include "agent/message.h"

namespace sidewatch {

void log_news(Log& log, const std::vector<CollectorNews>& news);
void log_report(Log& log, const JudgeReport& report);
void log_attempt(Log& log, const AttemptDone& done);

}  // namespace sidewatch
