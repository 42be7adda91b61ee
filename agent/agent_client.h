// How a command asks the agent that runs: one request over HTTP, and a sentence for people where nothing came of it.
#pragma once

#include <string>
#include <variant>

#include "base/json.h"

namespace sidewatch {

struct AgentFailure {
  int code = 0;      // how the process ends
  std::string what;  // a sentence
  bool nobody_there = false;  // no answer came
};

struct AgentAnswer {
  int status = 0;
  std::string body;
  JsonValue json;  // null where the body is none
};

// `url` is the agent's, as typed behind --url; `path` begins with a slash. An answer with an error status is a failure
// with the words of the agent.
std::variant<AgentAnswer, AgentFailure> ask_agent(const std::string& url, const std::string& method,
                                                  const std::string& path, const std::string& body = "");

}  // namespace sidewatch
