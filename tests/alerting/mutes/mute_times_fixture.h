// Mute times as somebody writes them: from the text of a configuration.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alerting/mute_times_config.h"
#include "config/document.h"

namespace sidewatch {

struct ReadMuteTimes {
  std::vector<MuteTime> mutes;
  std::string problems;
};

inline ReadMuteTimes read_mute_times(const std::string& yaml, const config::Environment& environment = {}) {
  ReadMuteTimes read;
  config::Problems problems;
  auto document = config::Document::parse("m.yaml", yaml, environment, problems);
  document.visit([&](config::Section& top) { configure_mute_times(top, read.mutes); });
  read.problems = problems.text();
  return read;
}

// One mute time; `times` as in the file: "[{days: [sat, sun]}]".
inline MuteTime mute_time(const std::string& zone, const std::string& times) {
  auto read = read_mute_times("mute_times: [{name: m, time_zone: " + zone + ", times: " + times + "}]");
  EXPECT_EQ(read.problems, "") << times;
  return read.mutes.empty() ? MuteTime() : read.mutes.front();
}

}  // namespace sidewatch
