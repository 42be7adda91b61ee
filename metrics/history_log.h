// The recent past as bytes for the disk: how a log of it is framed and written. Files are somebody else's business, and
// so is reading: history_replay.h.
//
// A log is a head of eight bytes ("swhist", a zero, the version) and records, each of them
//
//     length of the content, 4 bytes | CRC-32 of the content, 4 bytes | content
//
// Every log stands for itself: it says on which clocks its times are, and describes each metric and series before it
// first uses their numbers. There are two kinds. A write-ahead log has passes, as they came. A checkpoint has the whole
// memory of each series, compressed as it is there, and an end. The contents, by their first byte:
//
//     L  the clocks: boot id, CLOCK_BOOTTIME, the timeline's time at that moment, the wall clock's step
//     W  the wall clock's step, when it has changed
//     F  a metric: number, name, type, unit, help
//     S  a series: number, its metric's number, labels
//     P  a pass: time, samples
//     C  memory of a series: number, chunks, its newest sample or nothing
//     E  the end of a checkpoint
//
// A sample of a pass is told relative to the sample before it in the pass (the series' number: mostly one more) and to
// the value that its series had before in this log: unchanged, a whole number more or less, or eight bytes. So what
// follows a damaged record in a write-ahead log means nothing, while a checkpoint's records do not lean on each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "metrics/catalog.h"
#include "metrics/chunk.h"
#include "metrics/store.h"

namespace sidewatch {

inline constexpr std::string_view history_log_head{"swhist\0\1", 8};
inline constexpr std::size_t max_history_record_bytes = std::size_t{16} << 20;  // a series with every label at its limit
inline constexpr std::size_t history_frame_bytes = 8;  // before each content

// On which clocks the times of a log are.
struct HistoryClocks {
  BootPosition boot;
  Time now;  // at `boot.boot_time_ms`
  Duration wall_step{0};
};

enum class HistoryRecord : std::uint8_t { clocks = 'L', step = 'W', metric = 'F', series = 'S', pass = 'P', memory = 'C', end = 'E' };

// How a sample's value is told in a pass.
enum class ValueCode : std::uint8_t { unchanged = 0, whole_step = 1, in_full = 2 };

// One log under way: appends records to a text that its owner writes away and clears.
class HistoryLog {
 public:
  explicit HistoryLog(const Catalog& catalog) : catalog_(catalog) {}

  void begin(const HistoryClocks& clocks);  // head and clocks
  void step(Duration wall_step);
  void pass(Time time, const Sample* samples, std::size_t count);
  void memory(SeriesId series, const Store::Memory& memory);
  void end();

  std::string& bytes() { return bytes_; }

 private:
  struct Known {
    std::uint32_t epoch = 0;
    std::uint32_t number = 0;  // from 1; 0: not yet told
    double value = 0;          // in this log's passes
  };

  Known* introduce(SeriesId series);
  std::uint32_t introduce(const Family& family);
  void frame();

  const Catalog& catalog_;
  std::string bytes_;
  std::string content_;
  std::vector<Known> series_;  // by SeriesId::index
  std::unordered_map<std::string, std::uint32_t> metrics_;
  std::uint32_t last_series_ = 0;
};

}  // namespace sidewatch
