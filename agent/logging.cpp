#include "agent/logging.h"

// Debian compiles spdlog into a library with these switches, and they change the layout of its classes.
#if !defined(SPDLOG_COMPILED_LIB) || !defined(SPDLOG_SHARED_LIB) || !defined(SPDLOG_FMT_EXTERNAL)
#error "compile this file with the definitions of pkg-config --cflags spdlog"
#endif
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace sidewatch {
namespace {

WallTime to_wall(spdlog::log_clock::time_point time) {
  return WallTime(std::chrono::duration_cast<Duration>(time.time_since_epoch()));
}

LogLevel from_spdlog(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return LogLevel::debug;
  if (level == spdlog::level::info) return LogLevel::info;
  return level == spdlog::level::warn ? LogLevel::warning : LogLevel::error;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (lead == 0xed && byte(1) > 0x9f) return 0;  // surrogate
  if (lead == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return length;
}

// Code points that move the cursor, change the direction of writing or end a line although they are valid UTF-8: C1
// controls (U+0080-9F), U+200E/F, U+2028-202E, U+2066-2069.
bool is_treacherous(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
  if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
  const auto last = static_cast<unsigned char>(sequence[2]);
  if (sequence[1] == '\x80') return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
  return sequence[1] == '\x81' && last >= 0xa6 && last <= 0xa9;
}

void append_hex(std::string& line, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  line.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
}

void append_escaped(std::string& line, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char c = text.front();
    if (length > 1 && !is_treacherous(text.substr(0, length))) {
      line.append(text.substr(0, length));
    } else if (length > 1) {
      for (const char each : text.substr(0, length)) append_hex(line, each);
    } else if (c == '"' || c == '\\') {
      line.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      line.append("\\n");
    } else if (c == '\t') {
      line.append("\\t");
    } else if (c == '\r') {
      line.append("\\r");
    } else if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_hex(line, c);
    } else {
      line.push_back(c);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
  }
  return true;
}

void append_value(std::string& line, std::string_view value) {
  if (is_plain(value)) {
    line.append(value);
    return;
  }
  line.push_back('"');
  append_escaped(line, value);
  line.push_back('"');
}

void append_fields(std::string& line, const LogFields& fields) {
  for (const auto& field : fields) {
    line.append(1, ' ').append(field.key).append(1, '=');
    append_value(line, field.value);
  }
}

// What comes before the time and level are known: `msg="..." key=value` or, for people, `message  key=value`.
std::string rest_of_line(LogFormat format, std::string_view message, const LogFields& fields) {
  std::string rest;
  rest.reserve(message.size() + 32 * (fields.size() + 1));
  if (format == LogFormat::human) {
    append_escaped(rest, message);
    if (!fields.empty()) rest.push_back(' ');
  } else {
    rest.append("msg=");
    append_value(rest, message);
  }
  append_fields(rest, fields);
  return rest;
}

void append_start(std::string& line, LogFormat format, WallTime time, LogLevel level) {
  const std::string stamp = to_rfc3339(time);
  if (format == LogFormat::human) {
    std::string word(to_string(level));
    word.resize(5, ' ');
    line.append(stamp, 11, 12).append(1, ' ').append(word).append(1, ' ');  // the time of day is enough on a terminal
  } else {
    line.append("time=").append(stamp).append(" level=").append(to_string(level)).append(1, ' ');
  }
}

LogFormat resolve(LogFormat format, int descriptor) {
  if (format != LogFormat::automatic) return format;
  return ::isatty(descriptor) == 1 ? LogFormat::human : LogFormat::logfmt;
}

// Writes whole lines with write(2): the stdio lock that a stuck fwrite holds would hang exit(). Only the pool's one
// thread calls it.
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  DescriptorSink(int descriptor, LogFormat format) : descriptor_(descriptor), format_(format) {}

  void log(const spdlog::details::log_msg& message) override {
    line_.clear();
    append_start(line_, format_, to_wall(message.time), from_spdlog(message.level));
    line_.append(message.payload.data(), message.payload.size());
    line_.push_back('\n');
    if (!write_all()) ++failures_;
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  std::uint64_t failures() const { return failures_; }

 private:
  bool write_all() {
    std::size_t written = 0;
    while (written < line_.size()) {
      const ssize_t count = ::write(descriptor_, line_.data() + written, line_.size() - written);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      written += static_cast<std::size_t>(count);
    }
    return true;
  }

  const int descriptor_;
  const LogFormat format_;
  std::string line_;
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace

struct Log::State {
  LogFormat format;
  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  std::atomic<std::uint64_t> library_errors{0};
  std::uint64_t dropped_at_close = 0;

  std::mutex mutex;
  std::condition_variable flushed;
  bool is_flushed = false;
};

Log::Log(const LogOptions& options) : state_(std::make_shared<State>()) {
  State& state = *state_;
  state.format = resolve(options.format, options.descriptor);
  state.sink = std::make_shared<DescriptorSink>(options.descriptor, state.format);
  state.pool = std::make_shared<spdlog::details::thread_pool>(options.queue_lines, 1);
  state.logger = std::make_shared<spdlog::async_logger>("sidewatch", state.sink, state.pool,
                                                        spdlog::async_overflow_policy::overrun_oldest);
  state.logger->set_level(to_spdlog(options.level));
  state.logger->set_error_handler([counter = &state.library_errors](const std::string&) { ++*counter; });
}

Log::~Log() {
  if (state_->logger) close(Duration(1'000));
}

void Log::write(LogLevel level, std::string_view message, const LogFields& fields) {
  const auto spdlog_level = to_spdlog(level);
  if (!state_->logger || !state_->logger->should_log(spdlog_level)) return;
  state_->logger->log(spdlog_level, spdlog::string_view_t(rest_of_line(state_->format, message, fields)));
}

void Log::set_level(LogLevel level) {
  if (state_->logger) state_->logger->set_level(to_spdlog(level));
}

std::uint64_t Log::dropped() const {
  return state_->pool ? static_cast<std::uint64_t>(state_->pool->overrun_counter()) : state_->dropped_at_close;
}

std::uint64_t Log::failures() const { return state_->sink->failures() + state_->library_errors; }

bool Log::close(Duration patience) {
  if (state_->logger) {
    state_->dropped_at_close = dropped();
    // Destroying the pool writes what is queued and waits for its thread, for ever if that hangs in write(2). So a
    // thread of its own does it, left to itself, and keeps alive all it uses.
    try {
      std::thread([state = state_, logger = std::move(state_->logger), pool = std::move(state_->pool)]() mutable {
        pool.reset();
        logger.reset();
        const std::lock_guard lock(state->mutex);
        state->is_flushed = true;
        state->flushed.notify_all();
      }).detach();
    } catch (const std::system_error&) {  // no thread to be had: what it held was taken apart, and so flushed, right here
      return true;
    }
  }
  std::unique_lock lock(state_->mutex);
  return state_->flushed.wait_for(lock, patience, [&] { return state_->is_flushed; });
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warn";
    case LogLevel::error: return "error";
  }
  return "info";
}

std::optional<LogLevel> log_level_from(std::string_view word) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (word == to_string(level)) return level;
  }
  return word == "warning" ? std::optional(LogLevel::warning) : std::nullopt;
}

LogField::LogField(std::string_view field_key, double number) : key(field_key) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  value.assign(digits.data(), end);
}

std::string logfmt_line(WallTime time, LogLevel level, std::string_view message, const LogFields& fields) {
  std::string line;
  append_start(line, LogFormat::logfmt, time, level);
  return line + rest_of_line(LogFormat::logfmt, message, fields);
}

std::string human_line(WallTime time, LogLevel level, std::string_view message, const LogFields& fields) {
  std::string line;
  append_start(line, LogFormat::human, time, level);
  return line + rest_of_line(LogFormat::human, message, fields);
}

}  // namespace sidewatch
