// Any bytes as a log of the history. The fuzzer cannot guess checksums: the input is the contents of records, each after
// its length in two bytes, and is framed here; the same bytes are read as they are, too.
//
// Whatever is restored is in order, not from the future, and still the same after a checkpoint was written and read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/gzip.h"
#include "metrics/history_log.h"
#include "metrics/history_replay.h"

namespace sidewatch {
namespace {

constexpr Duration retention = std::chrono::hours(1);
constexpr Duration lookback = std::chrono::minutes(5);

void require(bool holds) {
  if (!holds) std::abort();
}

HistoryClocks clocks() { return {{"boot", 50'000}, time_at_ms(1'700'000'000'000), Duration(0)}; }

struct Memory {
  Catalog catalog{{.max_series = 100, .max_series_per_metric = 50}, {}};
  Store store{catalog, {retention, std::size_t{1} << 20}};

  void restore(std::string_view log) {
    HistoryReplay replay(store, clocks(), retention);
    replay.begin_log();
    const std::size_t half = replay.take(log.substr(0, log.size() / 2), false);
    require(half <= log.size() / 2);
    require(replay.take(log.substr(half), true) <= log.size() - half);
    replay.finish(lookback);
  }
  std::vector<Point> samples(SeriesId series) const {
    std::vector<Point> points;
    store.range(series, Time::min(), Time::max(), points);
    return points;
  }
  void check() const {
    for (const SeriesId series : catalog.select({})) {
      const auto points = samples(series);
      for (std::size_t i = 0; i < points.size(); ++i) {
        require(points[i].time <= clocks().now);
        require(i == 0 || points[i - 1].time < points[i].time);
      }
    }
  }
  std::string checkpoint() const {
    HistoryLog log(catalog);
    log.begin(clocks());
    for (const SeriesId series : catalog.select({})) log.memory(series, store.memory(series, Time::min(), 1000));
    log.end();
    return log.bytes();
  }
  std::size_t size() const {
    std::size_t count = 0;
    for (const SeriesId series : catalog.select({})) count += samples(series).size();
    return count;
  }
};

std::string framed(std::string_view input) {
  std::string log(history_log_head);
  ByteReader reader(input);
  while (!reader.at_end()) {
    const std::size_t low = reader.u8();
    const std::size_t wanted = low | static_cast<std::size_t>(reader.u8()) << 8;
    const std::string_view content = reader.take(std::min(wanted, reader.left()));
    append_u32(log, static_cast<std::uint32_t>(content.size()));
    append_u32(log, crc32_of(content));
    log += content;
  }
  return log;
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Memory as_it_is;
  as_it_is.restore(input);
  as_it_is.check();
  Memory first;
  first.restore(framed(input));
  first.check();
  Memory second;
  second.restore(first.checkpoint());
  second.check();
  require(second.size() <= first.size());
  return 0;
}
