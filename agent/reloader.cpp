#include "agent/reloader.h"

#include <malloc.h>

#include <utility>

namespace sidewatch {

namespace {

constexpr long most_waiting = 8;

}  // namespace

Reloader::Reloader(std::string path, ReceiverContext context, const Settings& started,
                   std::shared_ptr<LoopMailbox> loop)
    : path_(std::move(path)), context_(std::move(context)), loop_(std::move(loop)) {
  started_.agent = started.agent;
  started_.http = started.http;
  started_.limits = started.limits;
  started_.history = started.history;
}

Result<std::string> Reloader::reload() {
  const std::lock_guard lock(mutex_);
  if (ticket_.use_count() > most_waiting) return refuse();
  refused_ = false;
  config::Problems problems;
  auto settings = std::make_shared<Settings>(load_settings(path_, context_, problems));
  malloc_trim(0);  // the tree of a large file is many times the size of what is kept

  Result<std::string> answer = std::string("the configuration was read again\n");
  SettingsRead read{settings, ticket_};
  if (!problems.empty()) {
    answer = Error{problems.text(), ""};
    read.settings = answer.error();
  } else {
    for (const auto& key : needs_restart(started_, *settings)) {
      *answer += key + " changed: that needs a restart to take effect\n";
    }
  }
  Message message = std::move(read);
  if (!loop_->put(std::move(message))) return Error{"the agent is stopping", ""};
  return answer;
}

Error Reloader::refuse() {
  const std::string why = "earlier reloads have not been put into force yet";
  if (!refused_ && context_.log) context_.log(Level::warning, "the configuration was not read again: " + why);
  refused_ = true;
  return Error{why, ""};
}

}  // namespace sidewatch
