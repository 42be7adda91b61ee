// Reads the top-level `routes:` list.
#pragma once

#include <string>
#include <vector>

#include "alerting/receiver.h"
#include "alerting/routes/route.h"
#include "config/section.h"

namespace sidewatch {

// The receivers of the configuration, by name.
struct ReceiverNames {
  std::vector<std::string> used;
  std::vector<std::string> left_out;  // by `only_if`: a route may name them, and does without them
};

// Refuses names that no receiver has, matchers that cannot be read, and a route that is never reached because one before
// it takes every alert. A route that is left without any of the receivers that it names is left out itself, so that its
// alerts go on to the next; `receivers: []` says that nobody is to be told. Without `routes` everybody is told.
// `mute_times`: the names that `mute` may name.
Router configure_routes(config::Section& top, const ReceiverNames& receivers,
                        const std::vector<std::string>& mute_times = {});

// What is doubtful although it is no mistake, a sentence each: alerts that reach nobody, receivers that hear nothing.
std::vector<std::string> doubts_about(const Router& router, const std::vector<ReceiverPlan>& receivers);

}  // namespace sidewatch
