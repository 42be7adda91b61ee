// The agent's own counters and gauges: what the parts of sidewatch say about themselves.
//
// A part asks once for an instrument and keeps the reference; it lives as long as the Instruments. Any thread may
// count. The `self` collector copies the current values into its batch, so they are exposed and judged like any other
// series. Seam of prometheus-cpp (core), whose own serialisation is not used: it lets through what a scrape must not
// contain. An instrument that cannot be (an illegal name, a name that is known with another type) is a bug: an assert,
// and where those are off an instrument that counts but is never visited.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch {

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void increment(double by = 1) = 0;  // negative, NaN or infinite: ignored
  virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;  // NaN is "not known"
  virtual double value() const = 0;
};

class Instruments {
 public:
  Instruments();
  ~Instruments();
  Instruments(const Instruments&) = delete;
  Instruments& operator=(const Instruments&) = delete;

  // The same metric and labels give the same instrument. The metric's name must be legal and of the right type.
  Counter& counter(const Metric& metric, const Labels& labels = {});
  Gauge& gauge(const Metric& metric, const Labels& labels = {});

  // Calls `visit` for every instrument with its present value, in the order of their making, without a lock held.
  // Instruments are never removed.
  void visit(const std::function<void(const Metric&, const Labels&, double)>& visit) const;

  std::size_t size() const;  // rises when an instrument is made

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
