#include "collectors/log/counted.h"

#include <algorithm>
#include <utility>

#include "metrics/outside_series.h"
#include "metrics/text.h"

namespace sidewatch::log {
namespace {

constexpr std::size_t keys_per_series = 4;  // spellings that are remembered; beyond, all are forgotten and met anew

bool is_constant(const LogMetric& metric) {
  return std::all_of(metric.labels.begin(), metric.labels.end(),
                     [](const auto& label) { return label.second.is_constant(); });
}

}  // namespace

struct Counted::Slot {
  const LogMetric* metric = nullptr;
  SeriesHandle series;              // of a histogram: the count
  std::vector<SeriesHandle> parts;  // of a histogram: the sum, then the buckets, then that of +Inf
  double value = 0;                 // of a histogram: the count
  double sum = 0;
  std::vector<double> in_bucket;
  bool permanent = false;
  bool shown = false;
  bool touched = false;
  bool written = false;
  Time last_touched;

  std::size_t size() const { return 1 + parts.size(); }

  void add(double by) {
    shown = touched = true;
    if (metric->type == MetricType::gauge) {
      value = by;
    } else if (metric->type == MetricType::counter) {
      value += by;
    } else {
      value += 1;
      sum += by;
      const auto bucket = std::lower_bound(metric->buckets.begin(), metric->buckets.end(), by);
      if (bucket != metric->buckets.end()) in_bucket[static_cast<std::size_t>(bucket - metric->buckets.begin())] += 1;
    }
  }

  // True when its value was held back.
  bool write(Batch& batch, Begin begin) {
    if (!shown) return false;
    const bool begins = !std::exchange(written, true) && metric->type != MetricType::gauge;
    if (begins && begin == Begin::with_zero) {
      batch.add(series, 0);
      for (const auto& part : parts) batch.add(part, 0);
      return value > 0;
    }
    const auto add = [&](const SeriesHandle& to, double its_value) {
      if (begins) batch.begin(to, 0, its_value);
      else batch.add(to, its_value);
    };
    add(series, value);
    if (parts.empty()) return false;
    add(parts.front(), sum);
    double below = 0;
    for (std::size_t i = 0; i < in_bucket.size(); ++i) add(parts[i + 1], below += in_bucket[i]);
    add(parts.back(), value);
    return false;
  }
};

Counted::Counted(Catalog& catalog, const std::vector<LogMetric>& metrics, const Labels& labels, Options options)
    : catalog_(catalog), labels_(labels), options_(options), families_(metrics.size()) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    Family& family = families_[i];
    family.metric = &metrics[i];
    family.overflow = make_slot(metrics[i], labels_.with("overflow", "true"));
    if (!is_constant(metrics[i])) continue;
    std::string values;
    for (const auto& [name, text] : metrics[i].labels) {
      text.append_to(values, LineParts{});
      values += '\0';
    }
    Slot& slot = slot_of(family, values);
    if (&slot == family.overflow.get()) continue;
    slot.permanent = true;
    slot.shown = metrics[i].type != MetricType::gauge;
  }
  overflowed_ = 0;
}

Counted::~Counted() = default;

void Counted::add(const Interpreter::Found& found) {
  slot_of(families_[found.metric], found.labels).add(found.value);
}

Counted::Slot& Counted::slot_of(Family& family, const std::string& labels) {
  const auto known = family.by_labels.find(std::string_view(labels));
  if (known != family.by_labels.end()) return *known->second;
  Slot& slot = resolve(family, labels);
  if (&slot == family.overflow.get()) return slot;  // there is no end to such keys
  if (family.by_labels.size() >= keys_per_series * options_.max_series) family.by_labels.clear();
  family.by_labels.emplace(labels, &slot);
  return slot;
}

Counted::Slot& Counted::resolve(Family& family, const std::string& values) {
  Labels labels = labels_;
  std::string_view rest = values;
  for (const auto& [name, text] : family.metric->labels) {
    const auto end = rest.find('\0');
    labels = labels.with(name, rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  const bool full = series_ + family.overflow->size() > options_.max_series;
  auto slot = full ? nullptr : make_slot(*family.metric, labels);
  if (slot) {
    const auto same = by_series_.find(slot->series.id());
    if (same != by_series_.end()) return *same->second;
  }
  if (!slot || is_shared(*slot)) {
    ++overflowed_;
    return *family.overflow;
  }
  by_series_.emplace(slot->series.id(), slot.get());
  series_ += slot->size();
  return *slots_.emplace_back(std::move(slot));
}

std::unique_ptr<Counted::Slot> Counted::make_slot(const LogMetric& metric, const Labels& labels) {
  const auto series = [this](const Metric& asked, const Labels& of) {
    return series_from_outside(catalog_, asked, of).series;
  };
  auto slot = std::make_unique<Slot>();
  slot->metric = &metric;
  if (metric.type != MetricType::histogram) {
    slot->series = series({metric.name, metric.type, "", metric.help}, labels);
    return slot;
  }
  const std::string count = metric.name + "_count";
  const std::string sum = metric.name + "_sum";
  const std::string bucket = metric.name + "_bucket";
  slot->series = series({count, metric.type, "", metric.help}, labels);
  slot->parts.push_back(series({sum, metric.type, "", metric.help}, labels));
  for (const double bound : metric.buckets) {
    std::string text;
    append_value(text, bound);
    slot->parts.push_back(series({bucket, metric.type, "", metric.help}, labels.with("le", text)));
  }
  slot->parts.push_back(series({bucket, metric.type, "", metric.help}, labels.with("le", "+Inf")));
  slot->in_bucket.resize(metric.buckets.size());
  return slot;
}

// Whether the agent's own limits left no room for one of its series.
bool Counted::is_shared(const Slot& slot) const {
  const auto shared = [this](const SeriesHandle& series) {
    const auto info = catalog_.info(series.id());
    return !info || info->labels.get("overflow") == "true";
  };
  return shared(slot.series) || std::any_of(slot.parts.begin(), slot.parts.end(), shared);
}

bool Counted::write(Batch& batch, Time now, Begin begin) {
  for (const auto& slot : slots_) {
    if (std::exchange(slot->touched, false)) slot->last_touched = now;
  }
  if (options_.ttl > Duration(0)) drop_old(now);
  bool held_back = false;
  for (const auto& slot : slots_) held_back |= slot->write(batch, begin);
  for (const auto& family : families_) held_back |= family.overflow->write(batch, begin);
  return held_back;
}

void Counted::drop_old(Time now) {
  const auto is_old = [&](const Slot& slot) {
    return !slot.permanent && now - slot.last_touched > options_.ttl;
  };
  if (std::none_of(slots_.begin(), slots_.end(), [&](const auto& slot) { return is_old(*slot); })) return;
  for (auto& family : families_) {
    std::erase_if(family.by_labels, [&](const auto& known) { return is_old(*known.second); });
  }
  std::erase_if(by_series_, [&](const auto& known) { return is_old(*known.second); });
  std::erase_if(slots_, [&](const auto& slot) {
    if (!is_old(*slot)) return false;
    series_ -= slot->size();
    return true;
  });
}

}  // namespace sidewatch::log
