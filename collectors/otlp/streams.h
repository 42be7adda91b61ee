// The streams that were sent: each combination of a metric and labels, and the series that it is here.
//
// A gauge or a sum is one series; a histogram or a summary is several, which come and go together. What is sent as a delta
// is added up, so that a series never falls because a sender restarted; what is sent as a total stands as it was sent. A
// stream that was not sent for `ttl` ends. Two metrics never share the name of a series: the second is refused.
//
// Bounded by series and by the bytes of their labels. Does not lock.
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

#include "base/time.h"
#include "collectors/kept_sums.h"
#include "collectors/otlp/exponential.h"
#include "collectors/otlp/model.h"
#include "collectors/series_board.h"

namespace sidewatch::otlp {

// Why a data point was not taken in. The words are label values.
enum class Refusal {
  name,
  reserved_name,
  type_conflict,
  taken,
  temporality,
  out_of_order,
  repeated,
  too_new,
  value,
  form,
  no_room,
  too_many_metrics,
  too_many_bytes,
  count
};
std::string_view to_string(Refusal refusal);

struct StreamLimits {
  Duration ttl = std::chrono::minutes(5);  // 0: for ever
  std::size_t max_series = 10'000;
  std::size_t max_metrics = 2'000;
  std::size_t max_bytes = std::size_t{32} << 20;  // of labels
  int finest_scale = 1;                           // of exponential histograms: 2^this buckets per doubling
};

class Streams {
 public:
  using Number = std::uint32_t;

  explicit Streams(StreamLimits limits) : limits_(limits) {}

  // What the streams of one metric have in common.
  struct Metric {
    std::string name;  // as it is served, without _bucket and such
    MetricType type = MetricType::gauge;
    std::shared_ptr<const Family> whole, bucket, sum, count;
    std::unordered_map<Labels, Number, LabelsHash> streams;
  };

  // The metric of this name, made when it is new; it stays until the next expire(). Null, with why in `refusal`: the name
  // is taken by another, or there is no room.
  Metric* metric(const Family& family, Refusal& refusal);

  // The stream with these labels, made when it is new. Absent: there is no room, for what is in `refusal`.
  std::optional<Number> stream(Metric& metric, const Labels& labels, Refusal& refusal);

  // What a data point says. Absent: it was taken in.
  std::optional<Refusal> update(Number stream, const SentMetric& sent, const DataPoint& point, Time now, WallTime wall);
  std::optional<Refusal> set(Number stream, double value, Time now);  // of one series

  // The sender says that there is no value any more.
  void end(Number stream);

  // Ends the streams that were not sent for the ttl, and metrics without streams. True when any ended: numbers and metrics
  // that were given out may be others' now.
  bool expire(Time now);

  SeriesBoard& board() { return board_; }
  std::size_t size() const { return streams_.size() - free_.size(); }

 private:
  struct Stream {
    Metric* metric = nullptr;  // null: there is no stream of this number
    Labels labels;
    std::vector<SeriesBoard::Place> places;
    std::vector<double> marks;  // bounds of buckets, or quantiles
    bool has_sum = false;
    bool is_laid_out_anew = false;  // and nothing was put into its series yet
    bool adds_up = false;           // deltas, in its series
    std::unique_ptr<ExponentialBuckets> exponential;
    std::uint64_t start_ns = 0;
    std::uint64_t time_ns = 0;
    std::optional<Time> last;  // absent: nothing was taken in yet
    std::size_t bytes = 0;
  };
  struct Part {
    const std::shared_ptr<const Family>* family;
    std::string_view label;  // empty: none
    double mark;
  };

  bool is_lost(const Stream& stream) const;
  std::optional<Refusal> take(Stream& stream, const SentMetric& sent, const DataPoint& point);
  static std::optional<Refusal> check_time(const Stream& stream, Temporality temporality, const DataPoint& point);
  std::optional<Refusal> take_number(Stream& stream, const SentMetric& sent, const DataPoint& point);
  std::optional<Refusal> take_histogram(Stream& stream, const SentMetric& sent, const DataPoint& point);
  std::optional<Refusal> take_exponential(Stream& stream, const SentMetric& sent, const DataPoint& point);
  std::optional<Refusal> take_summary(Stream& stream, const DataPoint& point);
  std::optional<Refusal> lay_out(Stream& stream, const std::vector<double>& marks, bool has_sum);
  std::vector<Part> parts_of(const Stream& stream, const std::vector<double>& marks, bool has_sum) const;
  void clear(Stream& stream);
  void begin(Stream& stream);
  void keep_sums(const Stream& stream);
  void put(SeriesBoard::Place place, double value, bool is_delta);
  void take_exemplars(const Stream& stream, const DataPoint& point, Time now);

  const StreamLimits limits_;
  SeriesBoard board_;
  std::unordered_map<std::string, std::unique_ptr<Metric>> metrics_;  // by name and type
  std::unordered_map<std::string, const Metric*> names_;              // of series
  std::vector<Stream> streams_;
  std::vector<Number> free_;
  std::size_t bytes_ = 0;
  KeptSums kept_sums_;
  ClassicBuckets classic_;  // of the stream at hand; here so that its memory serves all
};

}  // namespace sidewatch::otlp
