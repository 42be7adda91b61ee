// The agent's own counters and gauges: what the parts of sidewatch say about themselves.
//
// A part asks once for an instrument and keeps the reference; it lives as long as the Instruments. Any thread may
// count. The `self` collector copies the current values into its batch, so they are exposed and judged like any other
// series. Seam of prometheus-cpp (core), whose own serialisation is not used.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch {

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void increment(double by = 1) = 0;  // negative or NaN: ignored
  virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual double value() const = 0;
};

class Instruments {
 public:
  Instruments();
  ~Instruments();

  // The same metric and labels give the same instrument. The metric's name must be legal and of the right type.
  Counter& counter(const Metric& metric, const Labels& labels = {});
  Gauge& gauge(const Metric& metric, const Labels& labels = {});

  // Calls `visit` for every instrument with its present value. Instruments are never removed.
  void visit(const std::function<void(const Metric&, const Labels&, double)>& visit) const;

  // Rises when an instrument is made.
  std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
