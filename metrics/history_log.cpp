// Writing records. See history_log.h for what they look like.
#include "metrics/history_log.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/bytes.h"
#include "base/gzip.h"

namespace sidewatch {
namespace {

constexpr double exact_integers_below = 9007199254740992.0;  // 2^53
constexpr std::size_t samples_per_record = 50'000;           // of at most 19 bytes: under the size of a record

char code(HistoryRecord record) { return static_cast<char>(record); }

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

bool is_whole(double value) {
  return std::abs(value) < exact_integers_below && std::trunc(value) == value && bits(value) != bits(-0.0);
}

void append_value(std::string& out, std::uint64_t series_code, double before, double value) {
  const auto tell = [&](ValueCode kind) { append_varint(out, series_code << 2 | static_cast<std::uint64_t>(kind)); };
  if (bits(value) == bits(before)) return tell(ValueCode::unchanged);
  if (is_whole(value) && is_whole(before)) {
    tell(ValueCode::whole_step);
    return append_signed(out, static_cast<std::int64_t>(value) - static_cast<std::int64_t>(before));
  }
  tell(ValueCode::in_full);
  append_u64(out, bits(value));
}

}  // namespace

void HistoryLog::begin(const HistoryClocks& clocks) {
  bytes_ += history_log_head;
  content_ = code(HistoryRecord::clocks);
  append_text(content_, clocks.boot.boot_id);
  append_signed(content_, clocks.boot.boot_time_ms);
  append_signed(content_, to_ms(clocks.now));
  append_signed(content_, clocks.wall_step.count());
  frame();
}

void HistoryLog::step(Duration wall_step) {
  content_ = code(HistoryRecord::step);
  append_signed(content_, wall_step.count());
  frame();
}

void HistoryLog::pass(Time time, const Sample* samples, std::size_t count) {
  for (; count > samples_per_record; samples += samples_per_record, count -= samples_per_record) {
    pass(time, samples, samples_per_record);
  }
  for (std::size_t i = 0; i < count; ++i) introduce(samples[i].series);
  content_ = code(HistoryRecord::pass);
  append_signed(content_, to_ms(time));
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Known* known = introduce(samples[i].series);
    if (!known) continue;  // forgotten meanwhile
    const std::int64_t jump = std::int64_t{known->number} - before - 1;
    const std::uint64_t series_code = (static_cast<std::uint64_t>(jump) << 1) ^ static_cast<std::uint64_t>(jump >> 63);
    append_value(content_, series_code, known->value, samples[i].value);
    known->value = samples[i].value;
    before = known->number;
  }
  frame();
}

void HistoryLog::memory(SeriesId series, const Store::Memory& memory) {
  const Known* known = introduce(series);
  if (!known) return;
  content_ = code(HistoryRecord::memory);
  append_varint(content_, known->number);
  append_varint(content_, memory.chunks.size());
  for (const Chunk& chunk : memory.chunks) chunk.save(content_);
  content_ += static_cast<char>(memory.newest ? 1 : 0);
  if (memory.newest) {
    append_signed(content_, to_ms(memory.newest->time));
    append_u64(content_, bits(memory.newest->value));
  }
  frame();
}

void HistoryLog::end() {
  content_ = code(HistoryRecord::end);
  frame();
}

HistoryLog::Known* HistoryLog::introduce(SeriesId series) {
  if (series.index >= series_.size()) series_.resize(series.index + std::size_t{1});
  Known& known = series_[series.index];
  if (known.number != 0 && known.epoch == series.epoch) return &known;
  const auto info = catalog_.info(series);
  if (!info) return nullptr;
  const std::uint32_t metric = introduce(*info->family);
  known = {series.epoch, ++last_series_, 0};
  content_ = code(HistoryRecord::series);
  append_varint(content_, known.number);
  append_varint(content_, metric);
  append_varint(content_, info->labels.size());
  for (const auto& [name, value] : info->labels) {
    append_text(content_, name);
    append_text(content_, value);
  }
  frame();
  return &known;
}

std::uint32_t HistoryLog::introduce(const Family& family) {
  std::uint32_t& number = metrics_[family.name];
  if (number != 0) return number;
  number = static_cast<std::uint32_t>(metrics_.size());
  content_ = code(HistoryRecord::metric);
  append_varint(content_, number);
  append_text(content_, family.name);
  content_ += static_cast<char>(family.type);
  append_text(content_, family.unit);
  append_text(content_, family.help);
  frame();
  return number;
}

void HistoryLog::frame() {
  append_u32(bytes_, static_cast<std::uint32_t>(content_.size()));
  append_u32(bytes_, crc32_of(content_));
  bytes_ += content_;
}

}  // namespace sidewatch
