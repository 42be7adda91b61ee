// The series that remote write brings, each with its newest sample.
//
// A request is taken whole or not at all: its series are looked at first, and one that breaks the rules refuses them all.
// What is merely late, ended or somebody else's costs only itself and is counted. A series ends with Prometheus's stale
// marker, or when nobody has sent it for `ttl`; until then the time of its last sample is remembered, so that an older one
// cannot bring it back.
//
// Does not lock.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/byte_memory.h"
#include "collectors/own_names.h"
#include "collectors/remote_write/request.h"
#include "collectors/series_board.h"

namespace sidewatch::remote_write {

// Why a sample was not taken in. The words are label values.
enum class Refusal { superseded, out_of_order, too_old, too_new, native_histogram, reserved_name, too_large, no_room, count };
std::string_view to_string(Refusal refusal);

struct TableLimits {
  Duration ttl = std::chrono::minutes(5);       // 0: for ever
  Duration max_age = std::chrono::minutes(10);  // of a sample; 0: any
  std::size_t max_series = 10'000;
  std::size_t max_bytes = std::size_t{32} << 20;  // of labels
};

struct Taken {
  std::size_t samples = 0;
  std::array<std::size_t, static_cast<std::size_t>(Refusal::count)> refused{};

  void refuse(Refusal refusal, std::size_t count) { refused[static_cast<std::size_t>(refusal)] += count; }
};

class Table {
 public:
  explicit Table(TableLimits limits);

  // `wall` is what the samples' times are held against. An Error is a sentence: nothing was taken in.
  Result<Taken> take(std::string_view request, Time now, WallTime wall);

  // Ends what was not sent for the ttl, and gives what is new its place on the board.
  void settle(Time now);

  SeriesBoard& board() { return board_; }

 private:
  using Number = std::uint32_t;
  struct Series {
    bool is_used = false;
    Labels labels;  // with __name__
    std::optional<SeriesBoard::Place> place;
    double value = 0;
    bool has_ended = false;
    bool is_fresh = false;  // among fresh_
    std::int64_t time_ms = 0;
    Time last;
    std::size_t bytes = 0;
  };
  struct Metadata {
    MetricType type;
    std::string help;
    std::string unit;
  };
  Result<void> look_through(std::string_view request) const;
  void take_one(const SentSeries& sent, Time now, WallTime wall, Taken& taken);
  void take_exemplar(const SentSeries& sent);
  std::optional<Refusal> check_time(const SentSeries& sent, WallTime wall) const;
  std::optional<Number> number_of(const SentSeries& sent, Refusal& refusal);
  std::optional<Number> number_of(Labels labels, std::int64_t time_ms);
  void remember(const SentMetadata& sent);
  std::shared_ptr<const Family> family_of(const Labels& labels) const;
  MetricType guessed_type(const std::string& name, const Labels& labels) const;
  bool is_over(const Series& series, Time now) const;
  void forget_metadata();
  void drop(Number number);

  const TableLimits limits_;
  const OwnNames own_names_;
  SeriesBoard board_;
  std::vector<Series> series_;
  std::vector<Number> free_;
  std::vector<Number> fresh_;  // without a place on the board
  std::unordered_map<Labels, Number, LabelsHash> by_labels_;
  ByteMemory<Number> by_bytes_;
  std::unordered_map<std::string, Metadata> metadata_;  // by family
  std::unordered_map<std::string, std::size_t> names_;  // of series, with how many have it
  std::size_t bytes_ = 0;
};

}  // namespace sidewatch::remote_write
