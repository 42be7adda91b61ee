#include "collectors/statsd/aggregate.h"

#include <cmath>
#include <functional>
#include <unordered_set>
#include <utility>

#include "collectors/statsd/timings.h"
#include "collectors/statsd/window.h"
#include "metrics/text.h"

namespace sidewatch::statsd {

constexpr Metric event_metric{"sidewatch_statsd_events_total", MetricType::counter, "",
                              "Events that were sent, by alert type and priority."};
constexpr Metric check_metric{"sidewatch_statsd_service_check_status", MetricType::gauge, "",
                              "What the last service check of this name said: 0 ok, 1 warning, 2 critical, 3 unknown."};

namespace {

constexpr std::size_t member_bytes = 64;  // about what one member of a set takes
constexpr double largest = 1e100;         // of a value: sums of those stay finite
constexpr double milliseconds = 0.001;
constexpr std::uint32_t dropped_key = KeyTable::unknown - 1;
constexpr std::string_view application_help = "Sent by the application (StatsD).";

bool is_timing(Kind kind) { return kind == Kind::timer || kind == Kind::histogram || kind == Kind::distribution; }

// Timers, histograms and distributions are one thing under three names.
Kind family_of(Kind kind) { return is_timing(kind) ? Kind::timer : kind; }

Labels labels_of(std::string_view tags) {
  std::vector<Label> labels;
  TagReader reader(tags);
  for (std::string_view name, value; reader.next(name, value);) {
    labels.push_back({mend_label_name(name), value.empty() ? "true" : std::string(value)});
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
  Labels identity;      // of timings that have room
  double scale = 1;
  Duration ttl{0};  // 0: for ever
  double value = 0;
  bool begins = true;  // it was never written
  double before = 0;   // of a counter that begins: what it was when its series ended
  bool touched = false;  // since the last write
  Time last_touched;
  std::unique_ptr<Timings> timings;
  std::unique_ptr<Members> members;
};

Aggregate::Aggregate(Catalog& catalog, AggregateOptions options, Mapper mapper)
    : room_(catalog, options.max_series),
      options_(options),
      mapper_(std::move(mapper)),
      keys_(options.max_keys),
      events_(catalog, options.events) {}

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
  return new_entry_of(line, key, hash);
}

// Of a spelling that is not remembered.
Aggregate::Entry* Aggregate::new_entry_of(const Line& line, const KeyTable::Key& key, std::uint64_t hash) {
  TaggedName tagged{std::string(line.name), {}, 0};
  if (options_.tag_styles.any()) tagged = take_tags_off(line.name, options_.tag_styles);
  if (tagged.name.empty() || (!tagged.labels.empty() && !line.tags.empty())) {
    fail(tagged.name.empty() ? LineError::no_value : LineError::mixed_tags);
    return nullptr;
  }
  counts_.tags_left_out += tagged.malformed;
  auto mapped = mapper_.find(tagged.name, line.kind);
  if (mapped && mapped->mapping->action == Mapping::Action::drop) {
    ++counts_.dropped;
    keys_.remember(key, hash, dropped_key);
    return nullptr;
  }
  const Mapping* const mapping = mapped ? mapped->mapping : nullptr;
  const auto help = mapping != nullptr && !mapping->help.empty() ? std::string_view(mapping->help) : application_help;
  Labels labels = tagged.labels.empty() ? labels_of(line.tags) : Labels(std::move(tagged.labels));
  if (mapped) {
    const Labels of_mapping(std::move(mapped->labels));
    labels = mapping->honor_labels ? labels.or_else(of_mapping) : of_mapping.or_else(labels);
  }
  const auto name = mend_metric_name(mapped ? mapped->name : tagged.name);
  if (is_timing(line.kind) ? own_names_.contain_part_of(name) : own_names_.contain(name)) {
    fail(LineError::reserved_name);
    return nullptr;
  }
  const std::size_t before = live_;
  const auto resolved = resolve(name, line.kind, labels, help, mapping);
  if (mapping == nullptr && mapper_.size() > 0) counts_.unmapped += live_ - before;
  // What went to an overflow series is not remembered: there is no end to such keys, and they would crowd out the rest.
  if (resolved.entry != nullptr && !resolved.shared) keys_.remember(key, hash, resolved.entry->number);
  return resolved.entry;
}

// A timing is several metrics: x_count and x_sum must not be anybody's when x comes, nor become somebody's later.
bool Aggregate::is_taken(const std::string& name, Kind kind) const {
  constexpr std::string_view parts[] = {"_count", "_sum", "_min", "_max", "_bucket"};
  const auto known = names_.find(name);
  if (known != names_.end()) return family_of(known->second.kind) != family_of(kind);
  for (const auto part : parts) {
    if (is_timing(kind) && names_.contains(name + std::string(part))) return true;
    if (!name.ends_with(part)) continue;
    const auto whole = names_.find(name.substr(0, name.size() - part.size()));
    if (whole != names_.end() && is_timing(whole->second.kind)) return true;
  }
  return false;
}

// The agent's own, by which it tells of events and service checks, always have room and take none from others.
bool Aggregate::has_room_for(const std::string& name) const {
  if (names_.contains(name) || is_agents_own(name)) return true;
  const std::size_t own = names_.count(std::string(event_metric.name)) + names_.count(std::string(check_metric.name));
  return names_.size() - own < options_.max_names;
}

Aggregate::Resolved Aggregate::resolve(std::string name, Kind kind, const Labels& sent, std::string_view help,
                                       const Mapping* mapping) {
  if (is_taken(name, kind)) {
    fail(LineError::type_conflict);
    return {};
  }
  if (!has_room_for(name)) {
    ++counts_.names_refused;
    refused_names_.add(name);
    return {};
  }
  const auto observer = is_timing(kind) ? mapper_.observer_of(mapping) : Observer{};
  const auto type = kind == Kind::counter ? MetricType::counter : MetricType::gauge;
  const Labels labels = is_timing(kind) ? Timings::labels_of(sent, observer) : sent;
  const Labels identity = is_timing(kind) ? labels.with("__name__", name) : Labels();
  if (const auto found = timings_.find(identity); is_timing(kind) && found != timings_.end()) {
    return {entries_[found->second].get(), false};
  }
  const Labels overflow{{"overflow", "true"}};
  const auto known = names_.find(name);
  const bool full = known != names_.end() && known->second.full;
  const std::size_t label_sets = known == names_.end() ? 0 : known->second.entries;
  auto [series, overflowed] =
      full              ? Timings::overflow_count_series(room_, name, help, observer)
      : is_timing(kind) ? Timings::count_series(room_, name, labels, help, observer, label_sets)
                        : room_.series({name, type, "", help}, labels, label_sets);
  bool shared = full || overflowed;
  std::unique_ptr<Timings> timings;
  if (is_timing(kind) && !shared && !by_series_.contains(series.id())) {
    timings = std::make_unique<Timings>(room_, name, labels, help, observer, false, label_sets);
    shared = !timings->is_whole();
    if (shared) series = Timings::overflow_count_series(room_, name, help, observer).series;
  }
  if (const auto same = by_series_.find(series.id()); same != by_series_.end()) {
    Entry* const entry = entries_[same->second].get();
    // With no room at all, metrics of all kinds come to share one series.
    if (family_of(entry->kind) == family_of(kind)) return {entry, shared};
    fail(LineError::type_conflict);
    return {};
  }
  auto entry = std::make_unique<Entry>();
  entry->kind = kind;
  entry->series = std::move(series);
  entry->scale = mapping != nullptr ? mapping->scale.value_or(1) : 1;
  entry->ttl = mapper_.ttl_of(mapping).value_or(options_.ttl);
  if (kind == Kind::set) entry->members = std::make_unique<Members>();
  if (is_timing(kind) && shared) {
    timings = std::make_unique<Timings>(room_, name, overflow, help, observer, true, label_sets);
  }
  const bool now_full = is_timing(kind) && shared;
  entry->timings = std::move(timings);
  entry->name = std::move(name);
  resume(*entry);
  Entry* const adopted = adopt(std::move(entry));
  if (now_full) names_.at(adopted->name).full = true;
  if (is_timing(kind) && !shared) {
    adopted->identity = identity;
    timings_.emplace(identity, adopted->number);
  }
  return {adopted, shared};
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

// What counts goes on where it was when its series ended.
void Aggregate::resume(Entry& entry) {
  if (entry.kind != Kind::counter && !entry.timings) return;
  const auto sums = kept_sums_.take(room_.identity(entry.series));
  if (entry.timings) {
    (void)entry.timings->resume(sums);
  } else if (sums.size() == 1) {
    entry.value = entry.before = sums.front();
  }
}

void Aggregate::update(Entry& entry, const Line& line) {
  auto values = line.values;
  if (line.kind == Kind::set) return add_member(entry, values);
  do {
    const bool change = line.kind == Kind::gauge && (values.front() == '+' || values.front() == '-');
    const auto number = take_number(values);
    const double scaled = number.value_or(0) * entry.scale;
    if (!number || std::fabs(scaled) > largest) return fail(LineError::bad_number);
    switch (line.kind) {
      case Kind::counter:
        if (scaled < 0) return fail(LineError::negative_counter);
        entry.value += scaled / line.rate;
        break;
      case Kind::gauge:
        entry.value = change ? entry.value + scaled : scaled;
        break;
      default: {
        const bool may_grow = bytes_ < options_.max_bytes;
        if (!may_grow) ++counts_.coarse;
        bytes_ += entry.timings->add(line.kind == Kind::timer ? scaled * milliseconds : scaled, 1 / line.rate, may_grow);
      }
    }
    entry.touched = true;
    ++counts_.samples;
  } while (!values.empty());
}

void Aggregate::add_member(Entry& entry, std::string_view member) {
  auto& members = entry.members->window.now();
  entry.touched = true;
  ++counts_.samples;
  if (bytes_ >= options_.max_bytes) {
    ++counts_.coarse;
  } else if (members.insert(std::hash<std::string_view>{}(member)).second) {
    bytes_ += member_bytes;
  }
}

void Aggregate::take_event(std::string_view text) {
  const auto parsed = parse_event(text);
  if (const auto* error = std::get_if<LineError>(&parsed)) return fail(*error);
  const auto& event = *std::get_if<Event>(&parsed);
  if (options_.events.enabled) events_.take(event, labels_of(event.tags));
  const Labels labels{{"type", known_type(event.type)}, {"priority", known_priority(event.priority)}};
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
  const Labels tags = labels_of(check.tags);
  if (options_.events.enabled) events_.take(check, tags);
  const Labels labels = tags.with("name", check.name);
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
  bool any_dropped = false;
  bytes_ = 0;
  turn_ = now.time_since_epoch() / (options_.window / window_turns);
  for (auto& entry : entries_) {
    if (!entry) continue;
    const bool touched = std::exchange(entry->touched, false);
    const bool begins = std::exchange(entry->begins, false);
    if (touched) entry->last_touched = now;
    if (entry->ttl > Duration(0) && now - entry->last_touched > entry->ttl) {
      drop(*entry);
      any_dropped = true;
      continue;
    }
    if (entry->timings) {
      entry->timings->write(entry->series, turn_, touched, merged_, batch);
      bytes_ += entry->timings->bytes();
    } else if (entry->members) {
      write_members(*entry, touched, batch);
      entry->members->window.each([this](const auto& members) { bytes_ += members.size() * member_bytes; });
    } else if (begins && entry->kind == Kind::counter) {
      batch.begin(entry->series, entry->before, entry->value);
    } else {
      batch.add(entry->series, entry->value);
    }
  }
  events_.write(batch, now);
  room_.begin_pass();
  if (any_dropped) keys_.forget_all();  // it does not say which of its keys were whose; the rest comes back by itself
}

void Aggregate::drop(Entry& entry) {
  if (entry.timings) kept_sums_.keep(room_.identity(entry.series), entry.timings->sums());
  if (entry.kind == Kind::counter) kept_sums_.keep(room_.identity(entry.series), {entry.value});
  by_series_.erase(entry.series.id());
  if (entry.timings && !entry.identity.empty()) timings_.erase(entry.identity);
  if (const auto name = names_.find(entry.name); name != names_.end()) {
    name->second.full = false;
    if (--name->second.entries == 0) names_.erase(name);
  }
  free_.push_back(entry.number);
  --live_;
  entries_[entry.number].reset();
}

}  // namespace sidewatch::statsd
