// What a program sends in OTLP, whichever encoding it comes in, as a reader of one of them shows it to a visitor.
//
// Everything that is shown is valid during the call only: a reader reuses it from point to point. Attributes are taken
// apart only when somebody asks, for in a repeated export their bytes (raw) are known already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"

namespace sidewatch::otlp {

// What one data point, one attribute and one request may hold at most; beyond it the request is refused whole.
inline constexpr std::size_t max_buckets = 4096;    // bounds, buckets or quantiles of one data point
inline constexpr std::size_t max_attributes = 256;  // of a resource, a scope or a data point
inline constexpr std::size_t max_depth = 16;        // of values within values
inline constexpr std::size_t max_exemplars = 100;   // of a data point that are looked at

class Attributes {
 public:
  virtual ~Attributes() = default;
  // As they were sent, each value as a text: of lists and maps, JSON; of bytes, Base64.
  virtual Result<std::vector<Label>> read() const = 0;
  // Equal bytes mean equal attributes; absent: the encoding has none to compare.
  virtual std::optional<std::string_view> raw() const = 0;
};

enum class Kind { gauge, sum, histogram, exponential_histogram, summary };
enum class Temporality { unspecified, delta, cumulative };

struct SentMetric {
  std::string_view name;
  std::string_view unit;
  std::string_view description;
  Kind kind = Kind::gauge;
  Temporality temporality = Temporality::unspecified;  // of sums and histograms
  bool monotonic = false;                              // of sums
};

struct SentExemplar {
  double value = 0;
  std::uint64_t time_ns = 0;
  std::string_view trace_id;  // bytes, or the hex digits of them; see DataPoint::ids_are_hex
  std::string_view span_id;
};

struct ExponentialPoint {
  struct Buckets {
    std::int64_t offset = 0;  // of the first; bucket i holds what is above base^i and at most base^(i+1)
    std::vector<std::uint64_t> counts;
  };
  std::int64_t scale = 0;  // base = 2^(2^-scale)
  std::uint64_t zero_count = 0;
  double zero_threshold = 0;
  Buckets positive;
  Buckets negative;
};

// Which members mean something follows from the metric's kind.
struct DataPoint {
  const Attributes* attributes = nullptr;
  std::uint64_t start_ns = 0;  // since when it counts; 0: not said
  std::uint64_t time_ns = 0;   // 0: not said
  bool no_recorded_value = false;
  std::optional<double> value;
  std::uint64_t count = 0;
  std::optional<double> sum;
  std::vector<std::uint64_t> bucket_counts;
  std::vector<double> bounds;
  ExponentialPoint exponential;
  std::vector<std::pair<double, double>> quantiles;
  std::vector<SentExemplar> exemplars;
  bool ids_are_hex = false;

  void clear();
};

// Is shown a request in the order of its nesting.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void resource(const Attributes& attributes) = 0;
  virtual void scope(std::string_view name, std::string_view version, const Attributes& attributes) = 0;
  virtual void metric(const SentMetric& metric) = 0;
  virtual void point(const DataPoint& point) = 0;
};

// Wants to see nothing: with it a reader finds out whether a request is whole.
class NoVisitor final : public Visitor {
 public:
  void resource(const Attributes&) override {}
  void scope(std::string_view, std::string_view, const Attributes&) override {}
  void metric(const SentMetric&) override {}
  void point(const DataPoint&) override {}
};

}  // namespace sidewatch::otlp
