// The seam of prometheus-cpp. See instruments.h.
//
// The library throws on an illegal name, an illegal label and a type conflict: all three are looked at before it is
// asked. Its families and metrics are never removed, because it would leave the references dangling.
#include "metrics/instruments.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "metrics/text.h"

namespace sidewatch {
namespace {

class RegisteredCounter final : public Counter {
 public:
  explicit RegisteredCounter(prometheus::Counter& counter) : counter_(counter) {}
  void increment(double by) override {
    if (by >= 0 && std::isfinite(by)) counter_.Increment(by);
  }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class RegisteredGauge final : public Gauge {
 public:
  explicit RegisteredGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }
  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

// One instrument with its own copy of what describes it. Exactly one of `counter` and `gauge` is there.
struct Instrument {
  Instrument(const Metric& metric, const Labels& given_labels)
      : name(metric.name), unit(metric.unit), help(metric.help), type(metric.type), labels(given_labels) {}
  Metric metric() const { return {name, type, unit, help}; }
  double value() const { return counter ? counter->value() : gauge->value(); }

  const std::string name;
  const std::string unit;
  const std::string help;
  const MetricType type;
  const Labels labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
};

bool is_legal(const Metric& metric, const Labels& labels) {
  // The library keeps label names that begin with two underscores to itself.
  return is_legal_metric_name(metric.name) && std::all_of(labels.begin(), labels.end(), [](const Label& label) {
           return is_legal_label_name(label.name) && !label.name.starts_with("__");
         });
}

prometheus::Labels to_library(const Labels& labels) {
  prometheus::Labels result;
  for (const auto& [name, value] : labels) result.emplace(name, value);
  return result;
}

}  // namespace

struct Instruments::State {
  Instrument* obtain(const Metric& metric, const Labels& labels, MetricType type);  // null: it cannot be
  void register_with_library(Instrument& instrument);

  mutable std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, MetricType, std::less<>> types;
  std::map<std::pair<std::string, Labels>, Instrument*> known;
  std::vector<std::unique_ptr<Instrument>> instruments;  // in order of their making

  // Given for what cannot be. Never visited.
  prometheus::Counter nobodys_count;
  prometheus::Gauge nobodys_value;
  RegisteredCounter no_counter{nobodys_count};
  RegisteredGauge no_gauge{nobodys_value};
};

Instrument* Instruments::State::obtain(const Metric& metric, const Labels& labels, MetricType type) {
  const std::lock_guard lock(mutex);
  const auto key = std::pair(std::string(metric.name), labels);
  if (const auto found = known.find(key); found != known.end() && found->second->type == type) return found->second;
  const auto described = types.find(metric.name);
  const bool possible =
      metric.type == type && is_legal(metric, labels) && (described == types.end() || described->second == type);
  assert(possible && "an instrument needs a legal name, legal labels and the type that its name has elsewhere");
  if (!possible) return nullptr;
  auto instrument = std::make_unique<Instrument>(metric, labels);
  register_with_library(*instrument);
  types.emplace(metric.name, type);
  known.emplace(key, instrument.get());
  return instruments.emplace_back(std::move(instrument)).get();
}

void Instruments::State::register_with_library(Instrument& instrument) {
  const auto labels = to_library(instrument.labels);
  if (instrument.type == MetricType::counter) {
    auto& family = prometheus::BuildCounter().Name(instrument.name).Help(instrument.help).Register(registry);
    instrument.counter = std::make_unique<RegisteredCounter>(family.Add(labels));
  } else {
    auto& family = prometheus::BuildGauge().Name(instrument.name).Help(instrument.help).Register(registry);
    instrument.gauge = std::make_unique<RegisteredGauge>(family.Add(labels));
  }
}

Instruments::Instruments() : state_(std::make_unique<State>()) {}
Instruments::~Instruments() = default;

Counter& Instruments::counter(const Metric& metric, const Labels& labels) {
  Instrument* instrument = state_->obtain(metric, labels, MetricType::counter);
  if (!instrument) return state_->no_counter;
  return *instrument->counter;
}

Gauge& Instruments::gauge(const Metric& metric, const Labels& labels) {
  Instrument* instrument = state_->obtain(metric, labels, MetricType::gauge);
  if (!instrument) return state_->no_gauge;
  return *instrument->gauge;
}

void Instruments::visit(const std::function<void(const Metric&, const Labels&, double)>& visit) const {
  for (std::size_t i = 0;; ++i) {
    const Instrument* instrument = nullptr;
    {
      const std::lock_guard lock(state_->mutex);
      if (i >= state_->instruments.size()) return;
      instrument = state_->instruments[i].get();  // never removed, never moved
    }
    visit(instrument->metric(), instrument->labels, instrument->value());
  }
}

std::size_t Instruments::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->instruments.size();
}

}  // namespace sidewatch
