#include "collectors/statsd/aggregate.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

namespace sidewatch::statsd {

constexpr Metric event_metric{"sidewatch_statsd_events_total", MetricType::counter, "",
                              "Events that were sent, by alert type and priority."};
constexpr Metric check_metric{"sidewatch_statsd_service_check_status", MetricType::gauge, "",
                              "What the last service check of this name said: 0 ok, 1 warning, 2 critical, 3 unknown."};

namespace {

constexpr std::array<double, 4> kQuantiles{0.5, 0.9, 0.95, 0.99};
constexpr std::array<std::string_view, 4> kQuantileLabels{"0.5", "0.9", "0.95", "0.99"};

constexpr std::size_t max_members = 20'000;  // of one set in one slot of the window
constexpr double milliseconds = 0.001;
constexpr std::string_view application_help = "Sent by the application (StatsD).";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_timing(Kind kind) { return kind == Kind::timer || kind == Kind::histogram || kind == Kind::distribution; }

// Timers, histograms and distributions are one thing under three names.
Kind family_of(Kind kind) { return is_timing(kind) ? Kind::timer : kind; }

Labels labels_of(std::string_view tags) {
  std::vector<Label> labels;
  TagReader reader(tags);
  for (std::string_view name, value; reader.next(name, value);) {
    labels.push_back({metric_name(name), value.empty() ? "true" : std::string(value)});
  }
  return Labels(std::move(labels));
}

}  // namespace

struct Aggregate::Timings {
  Window<Sketch> window;
  double count = 0;
  double sum = 0;
  std::array<SeriesHandle, kQuantiles.size()> quantiles;
  SeriesHandle sum_series;
  SeriesHandle min_series;
  SeriesHandle max_series;
};

struct Aggregate::Members {
  Window<std::unordered_set<std::uint64_t>> window;
};

struct Aggregate::Entry {
  std::uint32_t number = 0;
  Kind kind = Kind::counter;
  SeriesHandle series;  // of timings: the count
  std::string name;     // as it is served
  double value = 0;
  bool touched = false;  // since the last write
  Time last_touched;
  std::unique_ptr<Timings> timings;
  std::unique_ptr<Members> members;
};

std::string metric_name(std::string_view name) {
  std::string legal;
  if (!name.empty() && is_digit(name.front())) legal = "_";
  for (const char c : name) legal += is_letter(c) || is_digit(c) ? c : '_';
  return legal.empty() ? "_" : legal;
}

Aggregate::Aggregate(Catalog& catalog, AggregateOptions options)
    : catalog_(catalog), options_(options), keys_(options.max_keys) {}

Aggregate::~Aggregate() = default;

void Aggregate::take(std::string_view packet) {
  while (!packet.empty()) {
    const auto end = packet.find('\n');
    auto line = packet.substr(0, end);
    packet.remove_prefix(end == std::string_view::npos ? packet.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) take_one(line);
  }
}

void Aggregate::take_one(std::string_view text) {
  ++counts_.lines;
  if (text.front() == '_' && is_event(text)) return take_event(text);
  if (text.front() == '_' && is_service_check(text)) return take_check(text);
  Line line;
  if (const auto error = parse_line(text, line)) return fail(*error);
  counts_.unknown_sections += line.unknown_sections;
  if (Entry* const entry = entry_of(line)) update(*entry, line);
}

Aggregate::Entry* Aggregate::entry_of(const Line& line) {
  const KeyTable::Key key{line.name, line.tags, line.kind};
  const auto hash = keys_.hash(key);
  const auto known = keys_.find(key, hash);
  if (known != KeyTable::unknown) return entries_[known].get();
  const auto resolved = resolve(metric_name(line.name), line.kind, labels_of(line.tags), application_help);
  // What went to an overflow series is not remembered: there is no end to such keys, and they would crowd out the rest.
  if (resolved.entry != nullptr && !resolved.shared) keys_.remember(key, hash, resolved.entry->number);
  return resolved.entry;
}

Aggregate::Resolved Aggregate::resolve(std::string name, Kind kind, const Labels& labels, std::string_view help) {
  const auto known = names_.find(name);
  if (known != names_.end() && family_of(known->second.kind) != family_of(kind)) {
    fail(LineError::type_conflict);
    return {};
  }
  if (known == names_.end() && names_.size() == options_.max_names) {
    ++counts_.names_refused;
    return {};
  }
  auto entry = std::make_unique<Entry>();
  entry->kind = kind;
  entry->name = std::move(name);
  make_series(*entry, labels, help);
  const auto info = catalog_.info(entry->series.id());
  const bool shared = info && info->labels.get("overflow") == "true";
  if (const auto same = by_series_.find(entry->series.id()); same != by_series_.end()) {
    return {entries_[same->second].get(), shared};
  }
  if (shared && is_timing(kind)) make_series(*entry, info->labels, help);  // so that its parts are of one series
  return {adopt(std::move(entry)), shared};
}

Aggregate::Entry* Aggregate::adopt(std::unique_ptr<Entry> entry) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  entry->number = free_.back();
  free_.pop_back();
  by_series_.emplace(entry->series.id(), entry->number);
  ++names_.try_emplace(entry->name, Name{entry->kind, 0}).first->second.entries;
  ++live_;
  return (entries_[entry->number] = std::move(entry)).get();
}

void Aggregate::make_series(Entry& entry, const Labels& labels, std::string_view help) {
  const std::string& name = entry.name;
  if (!is_timing(entry.kind)) {
    const auto type = entry.kind == Kind::counter ? MetricType::counter : MetricType::gauge;
    entry.series = catalog_.series({name, type, "", help}, labels);
    if (entry.kind == Kind::set) entry.members = std::make_unique<Members>();
    return;
  }
  entry.timings = std::make_unique<Timings>();
  auto& timings = *entry.timings;
  entry.series = catalog_.series({name + "_count", MetricType::summary, "", help}, labels);
  timings.sum_series = catalog_.series({name + "_sum", MetricType::summary, "", help}, labels);
  timings.min_series = catalog_.series({name + "_min", MetricType::gauge, "", "The least in the last while."}, labels);
  timings.max_series = catalog_.series({name + "_max", MetricType::gauge, "", "The most in the last while."}, labels);
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    timings.quantiles[i] =
        catalog_.series({name, MetricType::summary, "", help}, labels.with("quantile", kQuantileLabels[i]));
  }
}

void Aggregate::update(Entry& entry, const Line& line) {
  auto values = line.values;
  if (line.kind == Kind::set) {
    auto& members = entry.members->window.now();
    if (members.size() < max_members) members.insert(std::hash<std::string_view>{}(values));
    entry.touched = true;
    ++counts_.samples;
    return;
  }
  do {
    const bool change = line.kind == Kind::gauge && (values.front() == '+' || values.front() == '-');
    const auto number = take_number(values);
    if (!number) return fail(LineError::bad_number);
    switch (line.kind) {
      case Kind::counter:
        if (*number < 0) return fail(LineError::negative_counter);
        entry.value += *number / line.rate;
        break;
      case Kind::gauge:
        entry.value = change ? entry.value + *number : *number;
        break;
      default: {
        const double measured = line.kind == Kind::timer ? *number * milliseconds : *number;
        entry.timings->window.now().add(measured, 1 / line.rate);
        entry.timings->count += 1 / line.rate;
        entry.timings->sum += measured / line.rate;
      }
    }
    entry.touched = true;
    ++counts_.samples;
  } while (!values.empty());
}

void Aggregate::take_event(std::string_view text) {
  const auto parsed = parse_event(text);
  if (const auto* error = std::get_if<LineError>(&parsed)) return fail(*error);
  const auto& event = *std::get_if<Event>(&parsed);
  // Whatever is sent, there are only so many series of it.
  const bool known = event.type == "error" || event.type == "warning" || event.type == "info" || event.type == "success";
  const Labels labels{{"type", known ? event.type : "other"}, {"priority", event.priority == "low" ? "low" : "normal"}};
  const auto entry = resolve(std::string(event_metric.name), Kind::counter, labels, event_metric.help).entry;
  if (entry == nullptr) return;
  entry->value += 1;
  entry->touched = true;
  ++counts_.samples;
}

void Aggregate::take_check(std::string_view text) {
  const auto parsed = parse_service_check(text);
  if (const auto* error = std::get_if<LineError>(&parsed)) return fail(*error);
  const auto& check = *std::get_if<ServiceCheck>(&parsed);
  const Labels labels = labels_of(check.tags).with("name", check.name);
  const auto entry = resolve(std::string(check_metric.name), Kind::gauge, labels, check_metric.help).entry;
  if (entry == nullptr) return;
  entry->value = check.status;
  entry->touched = true;
  ++counts_.samples;
}

void Aggregate::write_members(Entry& entry, bool touched, Batch& batch) {
  std::unordered_set<std::uint64_t> all;
  entry.members->window.end_pass(turn_, touched, [&all](const auto& slot) { all.insert(slot.begin(), slot.end()); });
  batch.add(entry.series, static_cast<double>(all.size()));
}

void Aggregate::write_timings(Entry& entry, bool touched, Batch& batch) {
  auto& timings = *entry.timings;
  merged_.clear();
  timings.window.end_pass(turn_, touched, [this](const Sketch& sketch) { merged_.merge(sketch); });
  batch.add(entry.series, timings.count);
  batch.add(timings.sum_series, timings.sum);
  if (merged_.empty()) return;
  batch.add(timings.min_series, merged_.min());
  batch.add(timings.max_series, merged_.max());
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) batch.add(timings.quantiles[i], merged_.quantile(kQuantiles[i]));
}

void Aggregate::write(Batch& batch, Time now) {
  turn_ = now.time_since_epoch() / (options_.window / window_turns);
  for (auto& entry : entries_) {
    if (!entry) continue;
    const bool touched = std::exchange(entry->touched, false);
    if (touched) entry->last_touched = now;
    if (options_.ttl > Duration(0) && now - entry->last_touched > options_.ttl) {
      drop(*entry);
      continue;
    }
    if (entry->timings) {
      write_timings(*entry, touched, batch);
    } else if (entry->members) {
      write_members(*entry, touched, batch);
    } else {
      batch.add(entry->series, entry->value);
    }
  }
}

void Aggregate::drop(Entry& entry) {
  keys_.forget_all();  // it does not say which of its keys are of this entry; the others come back by themselves
  by_series_.erase(entry.series.id());
  if (const auto name = names_.find(entry.name); name != names_.end() && --name->second.entries == 0) names_.erase(name);
  free_.push_back(entry.number);
  --live_;
  entries_[entry.number].reset();
}

}  // namespace sidewatch::statsd
