// The agent's log: one line per event on stderr, in logfmt, that no text from outside can forge or break.
//
//     time=2026-03-01T12:00:00.250Z level=info msg="alert fired" alert=HostMemoryHigh value=91.5
//
// Writing never waits: lines go through a small bounded queue to one thread, and when whoever reads stderr is stuck the
// oldest lines are dropped and counted. On a terminal the same is written for people. Seam of spdlog.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace sidewatch {

enum class LogLevel { debug, info, warning, error };
std::string_view to_string(LogLevel level);  // "debug", "info", "warn", "error"
std::optional<LogLevel> log_level_from(std::string_view word);

// A value is escaped when written; a secret must not get here.
struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, double number);
  LogField(std::string_view field_key, bool truth) : key(field_key), value(truth ? "true" : "false") {}
  template <std::integral Integer>
  LogField(std::string_view field_key, Integer number) : key(field_key), value(std::to_string(number)) {}

  std::string_view key;  // [a-z0-9_]+, a literal
  std::string value;
};
using LogFields = std::vector<LogField>;

enum class LogFormat { automatic, logfmt, human };  // automatic: human when the descriptor is a terminal

struct LogOptions {
  int descriptor = 2;  // where to; not closed
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::automatic;
  std::size_t queue_lines = 512;
};

class Log {
 public:
  explicit Log(const LogOptions& options = {});
  ~Log();  // close() with one second of patience, unless that has been tried
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Any thread.
  void write(LogLevel level, std::string_view message, const LogFields& fields = {});
  void debug(std::string_view message, const LogFields& fields = {}) { write(LogLevel::debug, message, fields); }
  void info(std::string_view message, const LogFields& fields = {}) { write(LogLevel::info, message, fields); }
  void warning(std::string_view message, const LogFields& fields = {}) { write(LogLevel::warning, message, fields); }
  void error(std::string_view message, const LogFields& fields = {}) { write(LogLevel::error, message, fields); }

  void set_level(LogLevel level);
  std::uint64_t dropped() const;   // lines that the full queue pushed out
  std::uint64_t failures() const;  // lines that could not be written (disk full, closed pipe)

  // Writes what is queued. False when the reader is stuck and `patience` is over: the rest is then given up and its
  // thread left behind, so that the process can still exit. What is written afterwards goes nowhere. Not for two threads
  // at once, nor while others still write.
  bool close(Duration patience);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// One line without its end, for tests and for what is printed before a Log exists.
std::string logfmt_line(WallTime time, LogLevel level, std::string_view message, const LogFields& fields);
std::string human_line(WallTime time, LogLevel level, std::string_view message, const LogFields& fields);

}  // namespace sidewatch
