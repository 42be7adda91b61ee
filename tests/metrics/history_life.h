// A store whose samples are written down, and another life that takes them up again: for the tests of the history's log.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "metrics/history_log.h"
#include "metrics/history_replay.h"

namespace sidewatch {

inline constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};
inline constexpr Metric cpu{"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time, \"as it is\"."};
inline constexpr Duration lookback = std::chrono::minutes(5);

inline Time at(std::int64_t seconds) { return time_at_ms(1'700'000'000'000 + seconds * 1000); }

// On one boot, on which nobody has set the wall clock.
inline HistoryClocks clocks(Time now, std::string boot = "this boot") {
  return {{std::move(boot), (now - at(-50)).count()}, now, Duration(0)};
}
inline HistoryClocks clocks(Time now, std::string boot, std::int64_t boot_ms) { return {{std::move(boot), boot_ms}, now, Duration(0)}; }

// A store that writes everything it takes in into a write-ahead log.
struct Life : Journal {
  explicit Life(Catalog::Limits limits = {}, const Labels& common = {}) : catalog(limits, common) {}

  void took_in(Time time, const std::vector<Sample>& samples) override { log.pass(time, samples.data(), samples.size()); }

  // From now on passes are written down.
  void write_down(const HistoryClocks& now) {
    log.begin(now);
    store.set_journal(this);
  }
  void pass(Time time, const std::vector<std::pair<const SeriesHandle*, double>>& samples) {
    Batch batch;
    for (const auto& [series, value] : samples) batch.add(*series, value);
    store.append(source, time, batch);
  }
  // Everything that is remembered, in pieces of `limit` chunks.
  std::string checkpoint(const HistoryClocks& now, std::size_t limit = 3) {
    HistoryLog written(catalog);
    written.begin(now);
    for (const SeriesId id : catalog.select({})) {
      for (Time after = Time::min();;) {
        const Store::Memory memory = store.memory(id, after, limit);
        if (!memory.chunks.empty() || memory.newest) written.memory(id, memory);
        if (memory.newest || memory.chunks.empty()) break;
        after = memory.chunks.back().last_time();
      }
    }
    written.end();
    return std::move(written.bytes());
  }
  HistoryReplay::Counts restore(const std::vector<std::string>& logs, const HistoryClocks& now,
                                Duration retention = std::chrono::hours(1)) {
    HistoryReplay replay(store, now, retention);
    for (const std::string& bytes : logs) {
      replay.begin_log();
      EXPECT_LE(replay.take(bytes, true), bytes.size());
    }
    replay.finish(lookback);
    return replay.counts();
  }
  // Each series and its samples, bit for bit, as "name{labels} type: time=value ...".
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const SeriesId id : catalog.select({})) {
      const auto info = catalog.info(id);
      std::vector<Point> points;
      store.range(id, Time::min(), Time::max(), points, Store::StaleMarkers::kept);
      std::string line = info->family->name + info->labels.to_string() + " " +
                         std::string(to_string(info->family->type)) + " " + info->family->unit + info->family->help;
      for (const Point& point : points) {
        line += " " + std::to_string(to_ms(point.time)) + "=" +
                (is_stale_marker(point.value) ? "stale" : std::to_string(std::bit_cast<std::uint64_t>(point.value)));
      }
      if (!points.empty()) lines.push_back(line);
    }
    return lines;
  }

  Catalog catalog;
  Store store{catalog, Store::Limits{std::chrono::hours(1), std::size_t{8} << 20}};
  SourceId source = store.add_source("host");
  HistoryLog log{catalog};
};

// A life of many kinds of values, with series that come and go.
inline void live(Life& life, unsigned seed, int passes, std::int64_t start = 0) {
  std::mt19937_64 random(seed);
  std::vector<SeriesHandle> series;
  std::map<std::size_t, double> values;
  for (std::size_t i = 0; i < 12; ++i) {
    series.push_back(life.catalog.series(i % 2 ? load : cpu, {{"i", std::to_string(i)}, {"mode", "ä\n"}}));
  }
  for (int pass = 0; pass < passes; ++pass) {
    std::vector<std::pair<const SeriesHandle*, double>> samples;
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (random() % 20 == 0) continue;
      double& value = values[i];
      if (i % 4 == 1) value += static_cast<double>(random() % 50);
      if (i % 4 == 2) value = static_cast<double>(random() % 10'000) / 100;
      if (i % 4 == 3) value = std::bit_cast<double>(random());
      samples.emplace_back(&series[i], is_stale_marker(value) ? 1 : value);
    }
    life.pass(at(start + pass), samples);
    if (random() % 10 == 0) series[random() % 12] = life.catalog.series(load, {{"i", std::to_string(random() % 100)}});
  }
}

// What the end of a life adds: every series that was alive is stale from then on.
inline std::vector<std::string> ended(Life& life, Time now) {
  life.store.set_journal(nullptr);
  life.store.end_restore(now, lookback);
  return life.told();
}

}  // namespace sidewatch
