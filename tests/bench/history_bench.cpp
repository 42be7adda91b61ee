// The history on recorded samples of a real host: bytes per sample, appends and restores per second, and how long a
// writer waits while long ranges are read.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "metrics/history_log.h"
#include "metrics/history_replay.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

struct Recording {
  std::string metric;
  std::vector<double> values;
};

// tests/bench/host_samples.txt; its head says how it is written.
std::vector<Recording> read_recordings() {
  std::vector<Recording> recordings;
  std::ifstream file(SIDEWATCH_SOURCE_DIR "/tests/bench/host_samples.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Recording recording;
    words >> recording.metric;
    for (std::string word; words >> word;) {
      const double number = std::strtod(word.c_str() + (word[0] == '=' || word[0] == '*'), nullptr);
      auto& values = recording.values;
      if (word[0] == '*') {
        values.insert(values.end(), word.size() > 1 ? static_cast<std::size_t>(number) : 1, values.back());
      } else {
        values.push_back(word[0] == '+' || word[0] == '-' ? values.back() + number : number);
      }
    }
    recordings.push_back(std::move(recording));
  }
  if (recordings.empty()) std::abort();
  return recordings;
}

const std::vector<Recording>& recordings() {
  static const auto read = read_recordings();
  return read;
}

Time at(std::int64_t ms) { return time_at_ms(1'700'000'000'000 + ms); }

// `count` series with the recorded values, again and again, from pass to pass `interval` apart.
struct Host {
  Host(std::size_t count, Duration its_interval) : interval(its_interval) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& name = recordings()[i % recordings().size()].metric;
      const Metric metric{name, MetricType::untyped, "", "A metric with a help text of the usual length, about so long."};
      series.push_back(catalog.series(metric, {{"i", std::to_string(i)}}));
    }
  }
  void pass() {
    batch.clear();
    for (std::size_t i = 0; i < series.size(); ++i) {
      const auto& values = recordings()[i % recordings().size()].values;
      batch.add(series[i], values[passes % values.size()]);
    }
    store.append(source, at(static_cast<std::int64_t>(passes++) * interval.count()), batch);
  }
  std::string checkpoint() const {
    HistoryLog log(catalog);
    log.begin({{"boot", 0}, at(0), Duration(0)});
    for (const SeriesId id : catalog.select({})) log.memory(id, store.memory(id, Time::min(), 100'000));
    log.end();
    return std::move(log.bytes());
  }

  Catalog catalog{{}, {}};
  Store store{catalog, {2h, std::size_t{256} << 20}};
  SourceId source = store.add_source("host");
  std::vector<SeriesHandle> series;
  Batch batch;
  Duration interval;
  std::size_t passes = 0;
};

// How much an hour of 1000 series takes, in memory (with the room left in every series' newest chunk) and on disk.
void hour_of_1000_series(benchmark::State& state) {
  const Duration interval = std::chrono::seconds(state.range(0));
  const auto passes = static_cast<std::size_t>(1h / interval);
  for (auto _ : state) {
    Host host(1000, interval);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (std::size_t i = 0; i < passes; ++i) host.pass();
    const auto samples = static_cast<double>(1000 * passes);
    const auto used = static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd - before);
    state.counters["MiB"] = used / (1 << 20);
    state.counters["bytes_per_sample"] = static_cast<double>(host.store.history_bytes()) / samples;
    state.counters["bytes_per_sample_on_disk"] = static_cast<double>(host.checkpoint().size()) / samples;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(1000 * passes));
}
BENCHMARK(hour_of_1000_series)->Arg(1)->Arg(5)->Unit(benchmark::kMillisecond);

// What the log of passes takes on disk for each sample.
void write_ahead_log(benchmark::State& state) {
  Host host(1000, 1s);
  struct Writer : Journal {
    explicit Writer(const Catalog& catalog) : log(catalog) {}
    void took_in(Time time, const std::vector<Sample>& samples) override { log.pass(time, samples.data(), samples.size()); }
    HistoryLog log;
  } writer(host.catalog);
  host.pass();
  host.store.set_journal(&writer);
  for (auto _ : state) {
    host.pass();
    state.PauseTiming();
    if (writer.log.bytes().size() > (std::size_t{64} << 20)) state.SkipWithError("too long");
    state.ResumeTiming();
  }
  host.store.set_journal(nullptr);
  state.counters["bytes_per_sample"] =
      static_cast<double>(writer.log.bytes().size()) / static_cast<double>(1000 * host.passes);
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(write_ahead_log)->Iterations(3000);

void restore_an_hour_of_1000_series(benchmark::State& state) {
  std::string bytes;
  std::size_t passes = 0;
  const Duration interval = std::chrono::seconds(state.range(0));
  {
    Host host(1000, interval);
    passes = static_cast<std::size_t>(1h / interval);
    for (std::size_t i = 0; i < passes; ++i) host.pass();
    bytes = host.checkpoint();
  }
  for (auto _ : state) {
    Catalog catalog({}, {});
    Store store(catalog, {2h, std::size_t{256} << 20});
    HistoryReplay replay(store, {{"boot", 3'600'000}, at(3'600'000), Duration(0)}, 2h);
    replay.begin_log();
    replay.take(bytes, true);
    replay.finish(5min);
    if (replay.counts().samples != 1000 * passes) state.SkipWithError("samples are missing");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(1000 * passes));
}
BENCHMARK(restore_an_hour_of_1000_series)->Arg(1)->Arg(5)->Unit(benchmark::kMillisecond);

void read_an_hour_of_one_series(benchmark::State& state) {
  Host host(recordings().size(), 1s);
  for (int i = 0; i < 3600; ++i) host.pass();
  std::vector<Point> points;
  std::size_t next = 0;
  std::int64_t read = 0;
  for (auto _ : state) {
    points.clear();
    host.store.range(host.series[next++ % host.series.size()].id(), Time::min(), Time::max(), points);
    read += static_cast<std::int64_t>(points.size());
  }
  state.SetItemsProcessed(read);
}
BENCHMARK(read_an_hour_of_one_series);

// How long taking in a pass of 1000 series lasts, alone and while another thread reads whole histories without a pause.
void pass_latency(benchmark::State& state) {
  Host host(1000, 1s);
  for (int i = 0; i < 3600; ++i) host.pass();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::vector<Point> points;
    while (!done && state.range(0) != 0) {
      for (const auto& series : host.series) {
        if (done) break;
        points.clear();
        host.store.range(series.id(), Time::min(), Time::max(), points);
      }
    }
  });
  std::vector<double> micros;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    host.pass();
    micros.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
  }
  done = true;
  reader.join();
  std::sort(micros.begin(), micros.end());
  state.counters["p50_us"] = micros[micros.size() / 2];
  state.counters["p999_us"] = micros[micros.size() * 999 / 1000];
}
BENCHMARK(pass_latency)->ArgName("reader")->Arg(0)->Arg(1)->Iterations(5000)->UseRealTime();

}  // namespace
}  // namespace sidewatch
