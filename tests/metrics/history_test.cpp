#include "metrics/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace sidewatch {
namespace {

using Samples = std::vector<Point>;

void expect_same(const Samples& expected, const Samples& actual) {
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(expected[i].time, actual[i].time) << i;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(expected[i].value), std::bit_cast<std::uint64_t>(actual[i].value)) << i;
  }
}

// The samples with from < time <= to, by copies of chunks, `at_once` of them.
void range(const History& history, std::uint32_t series, Time from, Time to, Samples& out, std::size_t at_once = 1000) {
  std::vector<Chunk> chunks;
  for (bool more = true; more;) {
    chunks.clear();
    more = history.copy(series, from, to, at_once, chunks);
    for (const Chunk& chunk : chunks) {
      chunk.for_each([&](Point point) {
        if (from < point.time && point.time <= to) out.push_back(point);
      });
    }
    if (!chunks.empty()) from = std::max(from, chunks.back().last_time());
  }
}

// Samples as sources yield them, and as they should never be.
Samples samples_of(std::mt19937_64& random, std::size_t count) {
  Samples samples;
  std::int64_t ms = static_cast<std::int64_t>(random() % 2'000'000'000'000);
  double value = static_cast<double>(random() % 1000);
  const auto kind = random() % 6;
  for (std::size_t i = 0; i < count; ++i) {
    ms += kind == 5 ? 1 + static_cast<std::int64_t>(random() >> (24 + random() % 40))
                    : 5000 + static_cast<std::int64_t>(random() % 3) - 1;
    if (kind == 1) value += static_cast<double>(random() % 100);
    if (kind == 2) value = static_cast<double>(random() % 10'000) / 7;
    if (kind == 3 || kind == 5) value = std::bit_cast<double>(random());
    if (kind == 4) value = random() % 4 ? 1 : stale_marker();
    samples.push_back({time_at_ms(ms), value});
  }
  return samples;
}

TEST(Chunk, GivesBackBitForBitWhatWasAppended) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    const Samples samples = samples_of(random, 400);
    Chunk chunk;
    chunk.reset();
    Samples expected;
    for (const Point& point : samples) {
      if (!chunk.append(point)) break;
      expected.push_back(point);
    }
    ASSERT_GE(expected.size(), 1U);
    ASSERT_EQ(chunk.size(), expected.size());
    ASSERT_EQ(chunk.first_time(), expected.front().time);
    ASSERT_EQ(chunk.last_time(), expected.back().time);
    Samples actual;
    chunk.for_each([&](Point point) { actual.push_back(point); });
    expect_same(expected, actual);
  }
}

TEST(Chunk, KeepsTheSignOfZero) {
  const Samples samples = {{time_at_ms(0), -0.0}, {time_at_ms(1), 0.0}, {time_at_ms(2), -0.0}, {time_at_ms(3), -0.0}};
  Chunk chunk;
  chunk.reset();
  for (const Point& point : samples) ASSERT_TRUE(chunk.append(point));
  Samples actual;
  chunk.for_each([&](Point point) { actual.push_back(point); });
  expect_same(samples, actual);
}

TEST(Chunk, StartsAnewAfterReset) {
  Chunk chunk;
  chunk.reset();
  while (chunk.append({chunk.size() ? chunk.last_time() + Duration(7) : time_at_ms(0), 1.5})) {
  }
  chunk.reset();
  EXPECT_EQ(chunk.size(), 0U);
  ASSERT_TRUE(chunk.append({time_at_ms(9), 2.5}));
  Samples actual;
  chunk.for_each([&](Point point) { actual.push_back(point); });
  expect_same({{time_at_ms(9), 2.5}}, actual);
}

TEST(Chunk, IsTheSameAfterBeingSavedAndLoadedAndTakesFurtherSamples) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    const Samples samples = samples_of(random, 300);
    Chunk chunk;
    chunk.reset();
    std::size_t next = 0;
    Samples expected;
    while (next < 40 && chunk.append(samples[next])) ++next;
    std::string bytes;
    chunk.save(bytes);
    ByteReader reader(bytes);
    auto loaded = Chunk::load(reader, Duration(1234));
    ASSERT_TRUE(loaded);
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(loaded->first_time(), chunk.first_time() + Duration(1234));
    EXPECT_EQ(loaded->last_time(), chunk.last_time() + Duration(1234));
    const auto later = [&](std::size_t i) { return Point{samples[i].time + Duration(1234), samples[i].value}; };
    for (std::size_t i = next; i < samples.size() && loaded->append(later(i)); ++i) next = i + 1;
    for (std::size_t i = 0; i < next; ++i) expected.push_back(later(i));
    Samples actual;
    loaded->for_each([&](Point point) { actual.push_back(point); });
    expect_same(expected, actual);
  }
}

TEST(Chunk, IsNotLoadedFromBytesThatAreCutOffOrMakeNoSense) {
  Chunk chunk;
  chunk.reset();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(chunk.append({time_at_ms(i * 1000), i * 0.7}));
  std::string bytes;
  chunk.save(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(Chunk::load(cut, Duration(0))) << size;
  }
  const auto with_head = [](std::uint64_t count, std::uint64_t bits, std::uint64_t word) {
    std::string made;
    append_varint(made, count);
    append_varint(made, bits);
    append_signed(made, 5);
    for (std::size_t i = 0; i < 60; ++i) append_u64(made, word);
    return made;
  };
  for (const std::string& made : {with_head(0, 0, 0), with_head(9, 3, 0), with_head(5, 100'000, 0),
                                  with_head(40, 3264, ~std::uint64_t{0}), with_head(2, 3, 0), with_head(1, 1, 2)}) {
    ByteReader reader(made);
    EXPECT_FALSE(Chunk::load(reader, Duration(0)));
  }
}

// How many samples of one source a chunk takes; `value(i)` is the i-th value, one each 5 s.
template <class Value>
std::size_t samples_per_chunk(Value&& value) {
  Chunk chunk;
  chunk.reset();
  int i = 0;
  while (i < 1'000'000 && chunk.append({time_at_ms(i * 5000), value(i)})) ++i;
  return chunk.size();
}

TEST(Chunk, HoldsLongOfWhatChangesLittle) {
  std::mt19937 generator(1);
  const auto random = [&](unsigned below) { return static_cast<double>(generator() % below); };
  EXPECT_GE(samples_per_chunk([](int) { return 16'777'216.0; }), 1'500U);                  // a size
  EXPECT_GE(samples_per_chunk([](int i) { return 100.0 + 3.0 * i; }), 350U);               // an even counter
  EXPECT_GE(samples_per_chunk([&](int i) { return (i * 490 + random(9)) / 100; }), 300U);  // CPU seconds
  EXPECT_GE(samples_per_chunk([&](int) { return 4e9 + 4096 * random(10); }), 120U);        // memory in use
  EXPECT_GE(samples_per_chunk([&](int) { return random(1'000'000'000) / 3.1; }), 40U);     // noise
}

TEST(History, AnswersLikeAPlainListOfSamples) {
  std::mt19937_64 random(11);
  constexpr std::uint32_t series_count = 7;
  History history(std::size_t{64} << 20);
  history.resize(series_count);
  std::map<std::uint32_t, Samples> model;
  for (std::uint32_t series = 0; series < series_count; ++series) {
    model[series] = samples_of(random, 1000);
    for (const Point& point : model[series]) history.append(series, point);
  }
  for (int question = 0; question < 500; ++question) {
    const auto series = static_cast<std::uint32_t>(random() % series_count);
    const Samples& all = model[series];
    const Time from = all[random() % all.size()].time - Duration(random() % 3);
    const Time to = from + Duration(random() % 1'000'000);
    Samples expected;
    std::optional<Point> newest;
    for (const Point& point : all) {
      if (from < point.time && point.time <= to) expected.push_back(point);
      if (point.time <= to) newest = point;
    }
    Samples actual;
    range(history, series, from, to, actual, 1 + random() % 3);
    expect_same(expected, actual);
    const auto found = history.at_or_before(series, to);
    ASSERT_EQ(found.has_value(), newest.has_value());
    if (found) expect_same({*newest}, {*found});
  }
}

TEST(History, StaysWithinItsBudgetAndDropsTheOldestOfAllSeries) {
  constexpr std::size_t budget = 32 << 10;
  std::mt19937_64 random(5);
  History history(budget);
  history.resize(3);
  std::uint64_t appended = 0;
  for (int i = 0; i < 20'000; ++i) {
    history.append(static_cast<std::uint32_t>(i % 2), {time_at_ms(i), std::bit_cast<double>(random())});
    ++appended;
    ASSERT_LE(history.bytes(), budget);
  }
  Samples even;
  Samples odd;
  range(history, 0, time_at_ms(-1), time_at_ms(1'000'000), even);
  range(history, 1, time_at_ms(-1), time_at_ms(1'000'000), odd);
  EXPECT_EQ(even.size() + odd.size() + history.evicted(), appended);
  EXPECT_EQ(odd.back().time, time_at_ms(19'999));
  EXPECT_LT(std::abs((even.front().time - odd.front().time).count()), 200);
  EXPECT_TRUE(history.empty(2));
}

TEST(History, OneChunkIsTheLeastBudget) {
  History history(1);
  history.resize(2);
  history.append(0, {time_at_ms(1), 1});
  history.append(1, {time_at_ms(2), 2});
  EXPECT_TRUE(history.empty(0));
  EXPECT_FALSE(history.empty(1));
  EXPECT_EQ(history.evicted(), 1U);
}

TEST(History, GivesMemoryBackWhenSeriesGo) {
  std::mt19937_64 random(5);
  History history(std::size_t{64} << 20);
  history.resize(100);
  for (int i = 0; i < 2'000; ++i) {
    for (std::uint32_t series = 0; series < 100; ++series) {
      history.append(series, {time_at_ms(i), std::bit_cast<double>(random())});
    }
  }
  const std::size_t full = history.bytes();
  for (std::uint32_t series = 0; series < 100; ++series) history.clear(series);
  history.trim();
  EXPECT_LT(history.bytes(), full / 10);
  EXPECT_EQ(history.evicted(), 0U);
}

TEST(History, DropsWholeChunksUpToALimit) {
  History history(std::size_t{1} << 20);
  history.resize(1);
  for (int i = 0; i < 5'000; ++i) history.append(0, {time_at_ms(i * 1000), std::sqrt(i)});
  history.drop_until(0, time_at_ms(4'000'000));
  Samples left;
  range(history, 0, time_at_ms(-1), time_at_ms(5'000'000), left);
  EXPECT_GE(left.size(), 999U);
  EXPECT_LT(left.size(), 2'000U);
  history.drop_until(0, time_at_ms(5'000'000));
  EXPECT_TRUE(history.empty(0));
}

}  // namespace
}  // namespace sidewatch
