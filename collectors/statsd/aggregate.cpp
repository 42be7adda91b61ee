#include "collectors/statsd/aggregate.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

#include "collectors/statsd/timings.h"
#include "collectors/statsd/window.h"

namespace sidewatch::statsd {

constexpr Metric event_metric{"sidewatch_statsd_events_total", MetricType::counter, "",
                              "Events that were sent, by alert type and priority."};
constexpr Metric check_metric{"sidewatch_statsd_service_check_status", MetricType::gauge, "",
                              "What the last service check of this name said: 0 ok, 1 warning, 2 critical, 3 unknown."};

namespace {

constexpr std::size_t max_members = 20'000;  // of one set in one slot of the window
constexpr double milliseconds = 0.001;
constexpr std::uint32_t dropped_key = KeyTable::unknown - 1;
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

struct Aggregate::Members {
  Window<std::unordered_set<std::uint64_t>> window;
};

struct Aggregate::Entry {
  std::uint32_t number = 0;
  Kind kind = Kind::counter;
  SeriesHandle series;  // of timings: the count
  std::string name;     // as it is served
  double scale = 1;
  Duration ttl{0};  // 0: for ever
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

Aggregate::Aggregate(Catalog& catalog, AggregateOptions options, Mapper mapper)
    : catalog_(catalog), options_(options), mapper_(std::move(mapper)), keys_(options.max_keys) {}

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
  if (known == dropped_key) ++counts_.dropped;
  if (known == dropped_key) return nullptr;
  if (known != KeyTable::unknown) return entries_[known].get();
  auto mapped = mapper_.find(line.name, line.kind);
  if (!mapped && mapper_.size() > 0) ++counts_.unmapped;
  if (mapped && mapped->mapping->action == Mapping::Action::drop) {
    ++counts_.dropped;
    keys_.remember(key, hash, dropped_key);
    return nullptr;
  }
  const Mapping* const mapping = mapped ? mapped->mapping : nullptr;
  const auto help = mapping != nullptr && !mapping->help.empty() ? std::string_view(mapping->help) : application_help;
  Labels labels = labels_of(line.tags);
  if (mapped) {
    const Labels of_mapping(std::move(mapped->labels));
    labels = mapping->honor_labels ? labels.or_else(of_mapping) : of_mapping.or_else(labels);
  }
  const auto name = metric_name(mapped ? std::string_view(mapped->name) : line.name);
  const auto resolved = resolve(name, line.kind, labels, help, mapping);
  // What went to an overflow series is not remembered: there is no end to such keys, and they would crowd out the rest.
  if (resolved.entry != nullptr && !resolved.shared) keys_.remember(key, hash, resolved.entry->number);
  return resolved.entry;
}

Aggregate::Resolved Aggregate::resolve(std::string name, Kind kind, const Labels& labels, std::string_view help,
                                       const Mapping* mapping) {
  const auto known = names_.find(name);
  if (known != names_.end() && family_of(known->second.kind) != family_of(kind)) {
    fail(LineError::type_conflict);
    return {};
  }
  if (known == names_.end() && names_.size() == options_.max_names) {
    ++counts_.names_refused;
    return {};
  }
  const auto observer = is_timing(kind) ? mapper_.observer_of(mapping) : Observer{};
  const auto type = kind == Kind::counter ? MetricType::counter : MetricType::gauge;
  auto series = is_timing(kind) ? Timings::count_series(catalog_, name, labels, help, observer)
                                : catalog_.series({name, type, "", help}, labels);
  const auto info = catalog_.info(series.id());
  const bool shared = info && info->labels.get("overflow") == "true";
  if (const auto same = by_series_.find(series.id()); same != by_series_.end()) {
    return {entries_[same->second].get(), shared};
  }
  auto entry = std::make_unique<Entry>();
  entry->kind = kind;
  entry->series = std::move(series);
  entry->scale = mapping != nullptr ? mapping->scale.value_or(1) : 1;
  entry->ttl = mapper_.ttl_of(mapping).value_or(options_.ttl);
  if (kind == Kind::set) entry->members = std::make_unique<Members>();
  if (is_timing(kind)) {  // its parts are of one series, also where that is the overflow
    entry->timings = std::make_unique<Timings>(catalog_, name, shared ? info->labels : labels, help, observer);
  }
  entry->name = std::move(name);
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
    const double scaled = *number * entry.scale;
    switch (line.kind) {
      case Kind::counter:
        if (scaled < 0) return fail(LineError::negative_counter);
        entry.value += scaled / line.rate;
        break;
      case Kind::gauge:
        entry.value = change ? entry.value + scaled : scaled;
        break;
      default: entry.timings->add(line.kind == Kind::timer ? scaled * milliseconds : scaled, 1 / line.rate);
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
  const auto entry = resolve(std::string(event_metric.name), Kind::counter, labels, event_metric.help, nullptr).entry;
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
  const auto entry = resolve(std::string(check_metric.name), Kind::gauge, labels, check_metric.help, nullptr).entry;
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

void Aggregate::write(Batch& batch, Time now) {
  turn_ = now.time_since_epoch() / (options_.window / window_turns);
  for (auto& entry : entries_) {
    if (!entry) continue;
    const bool touched = std::exchange(entry->touched, false);
    if (touched) entry->last_touched = now;
    if (entry->ttl > Duration(0) && now - entry->last_touched > entry->ttl) {
      drop(*entry);
      continue;
    }
    if (entry->timings) {
      entry->timings->write(entry->series, turn_, touched, merged_, batch);
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
