// Reads the configuration again, for SIGHUP and for POST /-/reload, on the thread of whoever asks.
//
// What was read, or what is wrong with it, goes to the loop, which alone puts it into force. Any thread; one at a time.
// Refuses while the loop has not come to the last few: a storm of reloads must leave room in the mailbox for what came of
// deliveries, and not fill the memory with configurations. Who sent a signal hears no answer: the log says so.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "agent/message.h"
#include "agent/settings.h"
#include "base/result.h"

namespace sidewatch {

class Reloader {
 public:
  Reloader(std::string path, ReceiverContext context, const Settings& started, std::shared_ptr<LoopMailbox> loop);

  // A sentence about what came of it; the Error holds every problem, a line each.
  Result<std::string> reload();

 private:
  Error refuse();

  const std::string path_;
  const ReceiverContext context_;
  Settings started_;  // the sections that only a restart can change
  std::shared_ptr<LoopMailbox> loop_;
  const std::shared_ptr<const int> ticket_ = std::make_shared<const int>();  // one user more for each that waits
  bool refused_ = false;  // the last one, which is logged once and not for each of a storm
  std::mutex mutex_;
};

}  // namespace sidewatch
