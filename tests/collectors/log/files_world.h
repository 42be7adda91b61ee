// A directory of log files, and what is read of them pass after pass.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/log/files.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::log {

class LogFiles : public ::testing::Test {
 protected:
  void append(const std::string& name, const std::string& text) { std::ofstream(dir / name, std::ios::app) << text; }
  void rename(const std::string& from, const std::string& to) { std::filesystem::rename(dir / from, dir / to); }
  // As logrotate does it with copytruncate.
  void copy_and_empty(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(dir / from, dir / to);
    ASSERT_EQ(::truncate((dir / from).c_str(), 0), 0);
  }

  std::vector<std::string> read(Files& files) {
    std::vector<std::string> lines;
    outcome = {};
    now += std::chrono::seconds(1);
    files.read(now, [&lines](std::string_view line) { lines.emplace_back(line); }, outcome);
    return lines;
  }

  Files::Options options(const std::string& pattern) {
    Files::Options made;
    made.paths = {dir / pattern};
    made.max_time = std::chrono::seconds(30);
    return made;
  }

  TempDir dir;
  Time now = time_at_ms(1'000'000);
  PassOutcome outcome;
};

inline const std::string long_start = std::string(300, 'a') + "\n";  // by which a copy is known

}  // namespace sidewatch::log
