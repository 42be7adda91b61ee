// Reading records, and what they do to the store. See history_replay.h.
#include "metrics/history_replay.h"

#include <bit>
#include <optional>
#include <utility>

#include "base/gzip.h"

namespace sidewatch {
namespace {

// No clock says more; sums and differences of such times do not overflow.
constexpr std::int64_t furthest_ms = std::int64_t{1} << 58;

std::optional<std::int64_t> read_ms(ByteReader& reader) {
  const std::int64_t ms = reader.signed_number();
  if (!reader.ok() || ms < -furthest_ms || ms > furthest_ms) return std::nullopt;
  return ms;
}

}  // namespace

HistoryReplay::HistoryReplay(Store& store, const HistoryClocks& now, Duration retention)
    : store_(store), now_(now), oldest_(now.now - retention) {}

void HistoryReplay::begin_log() {
  headed_ = stopped_ = damaged_ = reached_end_ = same_boot_ = false;
  shift_ = Duration(0);
  metrics_.clear();
  series_.clear();
}

std::size_t HistoryReplay::take(std::string_view bytes, bool complete) {
  std::size_t used = 0;
  if (!headed_ && take_head(bytes, complete)) used = history_log_head.size();
  while (headed_ && !stopped_ && used < bytes.size()) {
    ByteReader frame(bytes.substr(used));
    const std::uint32_t size = frame.u32();
    const std::uint32_t checksum = frame.u32();
    const bool possible = !frame.ok() || (size > 0 && size <= max_history_record_bytes);
    const std::string_view content = possible ? frame.take(size) : std::string_view{};
    if (possible && !frame.ok() && !complete) break;
    if (!possible || !frame.ok()) {
      ++counts_.damages;
      stopped_ = true;  // nobody knows where the next record would begin
      break;
    }
    used += history_frame_bytes + size;
    if (crc32_of(content) == checksum) {
      apply(content);
    } else {
      ++counts_.damages;
      damaged_ = true;
    }
  }
  return stopped_ ? bytes.size() : used;
}

bool HistoryReplay::take_head(std::string_view bytes, bool complete) {
  if (stopped_ || bytes.empty() || (bytes.size() < history_log_head.size() && !complete)) return false;
  headed_ = bytes.substr(0, history_log_head.size()) == history_log_head;
  if (!headed_) {
    ++counts_.damages;
    stopped_ = true;
  }
  return headed_;
}

void HistoryReplay::end_checkpoint() {
  if (!reached_end_ && !damaged_ && !stopped_) ++counts_.damages;
}

void HistoryReplay::finish(Duration lookback) {
  begin_log();
  store_.end_restore(now_.now, lookback);
}

void HistoryReplay::apply(std::string_view content) {
  ByteReader reader(content);
  bool good = false;
  switch (HistoryRecord(reader.u8())) {
    case HistoryRecord::clocks: good = read_clocks(reader); break;
    case HistoryRecord::step: good = read_step(reader); break;
    case HistoryRecord::metric: good = read_metric(reader); break;
    case HistoryRecord::series: good = read_series(reader); break;
    case HistoryRecord::pass: good = damaged_ || read_pass(reader); break;
    case HistoryRecord::memory: good = read_memory(reader); break;
    case HistoryRecord::end: good = reached_end_ = true; break;
  }
  if (good) return;
  ++counts_.damages;
  damaged_ = true;
}

bool HistoryReplay::read_clocks(ByteReader& reader) {
  const std::string_view boot_id = reader.text();
  const auto boot_ms = read_ms(reader);
  const auto time_ms = read_ms(reader);
  const auto step_ms = read_ms(reader);
  if (!boot_ms || !time_ms || !step_ms) return false;
  same_boot_ = !boot_id.empty() && boot_id == now_.boot.boot_id;
  const Duration here = now_.now.time_since_epoch() - Duration(now_.boot.boot_time_ms);
  shift_ = same_boot_ ? here - Duration(*time_ms - *boot_ms) : Duration(*step_ms) - now_.wall_step;
  return true;
}

bool HistoryReplay::read_step(ByteReader& reader) {
  const auto step_ms = read_ms(reader);
  if (!step_ms) return false;
  if (!same_boot_) shift_ = Duration(*step_ms) - now_.wall_step;
  return true;
}

bool HistoryReplay::read_metric(ByteReader& reader) {
  if (reader.varint() != metrics_.size() + 1) return false;
  KnownMetric metric;
  metric.name = reader.text();
  const std::uint8_t type = reader.u8();
  metric.type = MetricType(type);
  metric.unit = reader.text();
  metric.help = reader.text();
  if (!reader.ok() || type > static_cast<std::uint8_t>(MetricType::untyped)) return false;
  metrics_.push_back(std::move(metric));
  return true;
}

bool HistoryReplay::read_series(ByteReader& reader) {
  if (reader.varint() != series_.size() + 1) return false;
  const std::uint64_t metric = reader.varint();
  if (metric == 0 || metric > metrics_.size()) return false;
  std::vector<Label> labels;
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    Label label;
    label.name = reader.text();
    label.value = reader.text();
    labels.push_back(std::move(label));
  }
  if (!reader.ok()) return false;
  series_.push_back({static_cast<std::size_t>(metric - 1), Labels(std::move(labels)), {}});
  return true;
}

bool HistoryReplay::read_pass(ByteReader& reader) {
  const auto ms = read_ms(reader);
  if (!ms) return false;
  const Time time = time_at_ms(*ms) + shift_;
  std::uint64_t number = 0;
  while (!reader.at_end()) {
    const std::uint64_t code = reader.varint();
    const std::uint64_t jump = code >> 2;
    number += 1 + ((jump >> 1) ^ (0 - (jump & 1)));
    if (!reader.ok() || number == 0 || number > series_.size()) return false;
    KnownSeries& series = series_[number - 1];
    switch (code & 3) {
      case static_cast<std::uint64_t>(ValueCode::unchanged): break;
      case static_cast<std::uint64_t>(ValueCode::whole_step):
        series.value += static_cast<double>(reader.signed_number());
        break;
      case static_cast<std::uint64_t>(ValueCode::in_full): series.value = std::bit_cast<double>(reader.u64()); break;
      default: return false;
    }
    if (!reader.ok()) return false;
    restore(series, time, series.value);
  }
  return true;
}

bool HistoryReplay::read_memory(ByteReader& reader) {
  const std::uint64_t number = reader.varint();
  if (number == 0 || number > series_.size()) return false;
  KnownSeries& series = series_[number - 1];
  for (std::uint64_t left = reader.varint(); left > 0; --left) {
    const auto chunk = Chunk::load(reader, shift_);
    if (!chunk) return false;
    restore(series, *chunk);
  }
  const bool has_newest = reader.u8() != 0;
  if (!has_newest) return reader.ok();
  const auto ms = read_ms(reader);
  const double value = std::bit_cast<double>(reader.u64());
  if (!ms || !reader.ok()) return false;
  restore(series, time_at_ms(*ms) + shift_, value);
  return true;
}

void HistoryReplay::restore(KnownSeries& series, const Chunk& chunk) {
  if (chunk.last_time() <= oldest_) return;
  if (chunk.last_time() > now_.now) {
    chunk.for_each([&](Point point) { restore(series, point.time, point.value); });
    return;
  }
  const SeriesHandle* handle = handle_of(series);
  if (!handle) return;
  counts_.samples += chunk.size();
  store_.restore(handle->id(), chunk);
}

void HistoryReplay::restore(KnownSeries& series, Time time, double value) {
  if (time <= oldest_) return;
  if (time > now_.now) {
    ++counts_.from_the_future;
    return;
  }
  const SeriesHandle* handle = handle_of(series);
  if (!handle) return;
  ++counts_.samples;
  store_.restore(handle->id(), Point{time, value});
}

// Null when a budget has no room for the series: its samples do not belong to the overflow series.
const SeriesHandle* HistoryReplay::handle_of(KnownSeries& series) {
  if (series.handle) return &series.handle;
  if (series.refused) return nullptr;
  const auto& [name, type, unit, help] = metrics_[series.metric];
  Catalog& catalog = store_.catalog();
  SeriesHandle handle = catalog.series(Metric{name, type, unit, help}, series.labels);
  const auto info = catalog.info(handle.id());
  if (info->family->name != name || info->labels != series.labels.or_else(catalog.common_labels())) {
    series.refused = true;
    ++counts_.series_refused;
    return nullptr;
  }
  series.handle = std::move(handle);
  return &series.handle;
}

}  // namespace sidewatch
