#include "collectors/push/pushed_series.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "collectors/statsd/window.h"
#include "metrics/text.h"

namespace sidewatch::push {
namespace {

using How = PushedSample::How;

constexpr double largest = 1e100;  // of what is added up: sums of those stay finite
constexpr std::string_view no_series =
    "there is no room for its series in what the agent serves (limits.max_series, limits.max_series_per_metric or "
    "limits.max_labels; or collectors.push.max_series with those that ended and are still remembered)";
constexpr std::string_view default_help = "Pushed by the application.";

bool is_observed(MetricType type) { return type == MetricType::histogram || type == MetricType::summary; }

std::string as_label(double number) {
  std::string text;
  append_value(text, number);
  return text;
}

// Who has any of the series, of those that were lost, which are in order. Empty: nobody.
std::string taken_by(const std::vector<SeriesHandle>& parts, const std::vector<LostSeries>& lost) {
  for (const SeriesHandle& part : parts) {
    const auto found = std::ranges::lower_bound(lost, part.id(), {}, &LostSeries::series);
    if (part && found != lost.end() && found->series == part.id()) return found->to;
  }
  return "";
}

// What a metric is when nobody said it.
MetricType usual_type(const PushedSample& sample) {
  if (sample.how == How::observe) return MetricType::histogram;
  return sample.how == How::add || sample.name.ends_with("_total") ? MetricType::counter : MetricType::gauge;
}

}  // namespace

std::size_t PushedLimits::max_catalog_series() const {
  constexpr std::size_t beside = 3;  // count, sum, and the bucket +Inf
  return max_series + std::min(max_series, max_observed) * (std::max(buckets.size(), quantiles.size()) + beside);
}

struct PushedSeries::Entry {
  std::uint64_t number = 0;
  std::string name;
  Labels labels;
  MetricType type = MetricType::gauge;
  Time last;  // when it was sent last
  double value = 0;  // of what is observed: the sum
  double count = 0;
  std::vector<double> in_bucket;  // of a histogram: those above the bound before and not above its own
  std::unique_ptr<statsd::Window<statsd::Sketch>> window;  // of a summary
  bool adds_up = false;        // it is counted here, and not by who pushes it
  std::vector<double> before;  // of what adds up, until it is written first: what its sums were
  bool touched = false;        // since the last pass
  bool left_out = false;  // in the last pass: it has no series of its own, or not all of them
  std::string taken_by;   // the input that has its series; mostly empty
};

PushedSeries::PushedSeries(PushedLimits limits) : limits_(std::move(limits)) {}

PushedSeries::~PushedSeries() = default;

std::optional<Rejection> PushedSeries::take(const PushedSample& sample, Time now) {
  const Labels key = sample.labels.with("__name__", sample.name);
  const std::lock_guard lock(mutex_);
  const auto known = names_.find(sample.name);
  const MetricType type = sample.type.value_or(known != names_.end() ? known->second.type : usual_type(sample));
  if (auto rejection = check(sample, type)) return rejection;
  Entry* const entry = entry_of(sample, type, key);
  if (entry == nullptr) {
    const std::string limit = reached_limit(sample, type);
    return Rejection{sample.at, limit.empty() ? std::string(no_series) : "there is no room for another " + limit,
                     Refusal::no_room};
  }
  entry->last = now;
  if (entry->left_out || !entry->taken_by.empty()) {  // its value, for when it is served; nothing that adds up
    if (sample.how == How::set) entry->value = sample.values.front();
    if (entry->left_out) return Rejection{sample.at, std::string(no_series), Refusal::no_room};
    return Rejection{sample.at, sample.name + " with these labels comes from " + entry->taken_by +
                                    " already, and of two the first counts; send it under another name", Refusal::taken};
  }
  entry->touched = true;
  switch (sample.how) {
    case How::set:
      entry->value = sample.values.front();
      entry->adds_up = false;
      break;
    case How::add: entry->value += sample.values.front(); break;
    case How::observe:
      for (const double value : sample.values) observe(*entry, value);
  }
  return std::nullopt;
}

void PushedSeries::observe(Entry& entry, double value) {
  entry.count += 1;
  entry.value += value;
  if (entry.window) {
    auto& sketch = entry.window->now();
    const std::size_t before = sketch.bytes();
    sketch.add(value, 1, sketch_bytes_ < limits_.max_sketch_bytes);
    sketch_bytes_ += sketch.bytes() - before;
    return;
  }
  const auto bucket = std::lower_bound(limits_.buckets.begin(), limits_.buckets.end(), value);
  if (bucket == limits_.buckets.end()) return;
  entry.in_bucket[static_cast<std::size_t>(bucket - limits_.buckets.begin())] += 1;
}

std::optional<Rejection> PushedSeries::check(const PushedSample& sample, MetricType type) const {
  const auto reject = [&](std::string why, Refusal reason) { return Rejection{sample.at, std::move(why), reason}; };
  if (is_observed(type) ? own_names_.contain_part_of(sample.name) : own_names_.contain(sample.name)) {
    return reject("the name " + sample.name + (is_observed(type) ? ", or that of one of its parts," : "") +
                      " belongs to what the agent itself measures; choose another",
                  Refusal::reserved);
  }
  const auto known = names_.find(sample.name);
  if (known != names_.end() && known->second.type != type) {
    return reject(sample.name + " is a " + std::string(to_string(known->second.type)) + " already, and not a " +
                      std::string(to_string(type)), Refusal::type);
  }
  if (is_taken(sample.name, type)) {
    return reject("another metric's histogram or summary has this name among its parts, or would have", Refusal::type);
  }
  if (is_observed(type) != (sample.how == How::observe)) {
    return reject(is_observed(type) ? "a " + std::string(to_string(type)) + " is sent with observe"
                                    : "what is observed is a histogram or a summary", Refusal::type);
  }
  const std::string_view own_label = type == MetricType::histogram ? "le" : "quantile";
  if (is_observed(type) && !sample.labels.get(own_label).empty()) {
    return reject("the label " + std::string(own_label) + " is set by the agent", Refusal::label);
  }
  const bool is_added_up = sample.how != How::set;
  if (is_added_up &&
      std::any_of(sample.values.begin(), sample.values.end(), [](double v) { return std::fabs(v) > largest; })) {
    return reject("the number is too large", Refusal::value);
  }
  if (type == MetricType::counter && sample.values.front() < 0) {
    return reject("a counter never falls below 0", Refusal::value);
  }
  return std::nullopt;
}

// x_count, x_sum and x_bucket must not be anybody's when x comes, nor become somebody's later.
bool PushedSeries::is_taken(const std::string& name, MetricType type) const {
  for (const std::string_view part : {"_count", "_sum", "_bucket"}) {
    if (is_observed(type) && names_.contains(name + std::string(part))) return true;
    if (!name.ends_with(part)) continue;
    const auto whole = names_.find(name.substr(0, name.size() - part.size()));
    if (whole != names_.end() && is_observed(whole->second.type)) return true;
  }
  return false;
}

// What there is no room for, and the key that says so. Empty: there is room.
std::string PushedSeries::reached_limit(const PushedSample& sample, MetricType type) const {
  if (entries_.size() >= limits_.max_series) return "series (collectors.push.max_series)";
  if (is_observed(type) && observed_ >= limits_.max_observed) {
    return "histogram or summary (collectors.push.max_observed)";
  }
  if (!names_.contains(sample.name) && names_.size() >= limits_.max_names) return "name (collectors.push.max_names)";
  return "";
}

PushedSeries::Entry* PushedSeries::entry_of(const PushedSample& sample, MetricType type, const Labels& key) {
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second.get();
  if (nothing_new_ || !reached_limit(sample, type).empty()) return nullptr;
  const bool is_new_name = !names_.contains(sample.name);
  auto entry = std::make_unique<Entry>();
  entry->number = ++last_number_;
  entry->name = sample.name;
  entry->labels = sample.labels;
  entry->type = type;
  if (type == MetricType::histogram) entry->in_bucket.resize(limits_.buckets.size());
  if (type == MetricType::summary) entry->window = std::make_unique<statsd::Window<statsd::Sketch>>();
  if (is_observed(type)) ++observed_;
  entry->adds_up = type != MetricType::gauge && sample.how != How::set;
  if (entry->adds_up) resume(*entry, kept_sums_.take(key));
  if (is_new_name) {
    names_.emplace(sample.name,
                   Name{type, sample.help.empty() ? std::string(default_help) : sample.help, sample.unit, 0});
  }
  ++names_.at(sample.name).series;
  return entries_.emplace(key, std::move(entry)).first->second.get();
}

// A counter's value, or the count, the sum and what is in a histogram's buckets.
std::vector<double> PushedSeries::sums_of(const Entry& entry) {
  if (!is_observed(entry.type)) return {entry.value};
  std::vector<double> sums{entry.count, entry.value};
  sums.insert(sums.end(), entry.in_bucket.begin(), entry.in_bucket.end());
  return sums;
}

// Goes on where it was when its series ended, if `sums` are those of such an entry.
void PushedSeries::resume(Entry& entry, const std::vector<double>& sums) {
  entry.before = sums_of(entry);
  if (sums.size() != entry.before.size()) return;
  entry.before = sums;
  entry.value = is_observed(entry.type) ? sums[1] : sums[0];
  if (!is_observed(entry.type)) return;
  entry.count = sums[0];
  std::copy(sums.begin() + 2, sums.end(), entry.in_bucket.begin());
}

void PushedSeries::write(Catalog& catalog, PushedHandles& handles, Batch& batch, Time now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  sketch_bytes_ = 0;
  ++handles.pass;
  handles.left_out = 0;
  nothing_new_ = false;
  std::ranges::sort(handles.lost, {}, &LostSeries::series);
  const bool may_have_room = handles.budget.begin_pass(catalog);
  for (auto& [key, entry] : entries_) {
    auto [place, is_new] = handles.by_number.try_emplace(entry->number);
    auto& of_one = place->second;
    if (is_new || (!of_one.settled && may_have_room)) obtain(of_one, handles.budget, catalog, *entry);
    of_one.pass = handles.pass;
    entry->left_out = !of_one.settled;
    entry->taken_by = handles.lost.empty() ? "" : taken_by(of_one.parts, handles.lost);
    nothing_new_ = nothing_new_ || (!of_one.settled && of_one.nothing_new);
    const auto is_empty = [](const SeriesHandle& part) { return !part; };
    if (std::any_of(of_one.parts.begin(), of_one.parts.end(), is_empty)) ++handles.left_out;
    write_one(*entry, of_one.parts, handles.merged, batch, now);
  }
  std::erase_if(handles.by_number, [&](const auto& each) { return each.second.pass != handles.pass; });
}

// A counter or a gauge is one series. What is observed: its count, its sum, and then its buckets or quantiles.
void PushedSeries::obtain(PushedHandles::OfOne& handles, SeriesBudget& budget, Catalog& catalog, const Entry& entry) const {
  const Name& name = names_.at(entry.name);
  std::vector<SeriesHandle> before = std::exchange(handles.parts, {});  // held until they are there again
  handles.settled = true;
  handles.nothing_new = false;
  const auto add = [&](std::string_view suffix, const Labels& labels) {
    auto given = budget.series(catalog, {entry.name + std::string(suffix), entry.type, name.unit, name.help}, labels);
    handles.settled = handles.settled && given.settled;
    const auto info = given.settled || !given.series ? nullptr : catalog.info(given.series.id());
    const bool shared_by_all = info && info->family->name == overflow_metric.name;
    handles.nothing_new = handles.nothing_new || !given.series || shared_by_all;
    handles.parts.push_back(std::move(given.series));
  };
  if (!is_observed(entry.type)) return add("", entry.labels);
  add("_count", entry.labels);
  add("_sum", entry.labels);
  if (entry.type == MetricType::summary) {
    for (const double quantile : limits_.quantiles) add("", entry.labels.with("quantile", as_label(quantile)));
    return;
  }
  for (const double bound : limits_.buckets) add("_bucket", entry.labels.with("le", as_label(bound)));
  add("_bucket", entry.labels.with("le", "+Inf"));
}

void PushedSeries::write_one(Entry& entry, const std::vector<SeriesHandle>& parts, statsd::Sketch& merged, Batch& batch,
                             Time now) {
  const bool touched = std::exchange(entry.touched, false);
  const auto before = std::exchange(entry.before, {});
  const bool begins = entry.adds_up && !before.empty();
  const auto add = [&](const SeriesHandle& series, double was, double is) {
    return begins ? batch.begin(series, was, is) : batch.add(series, is);
  };
  if (!is_observed(entry.type)) return add(parts[0], begins ? before[0] : 0, entry.value);
  add(parts[0], begins ? before[0] : 0, entry.count);
  add(parts[1], begins ? before[1] : 0, entry.value);
  if (entry.type == MetricType::histogram) {
    double was = 0;
    double is = 0;
    for (std::size_t i = 0; i < entry.in_bucket.size(); ++i) {
      add(parts[2 + i], was += begins ? before[2 + i] : 0, is += entry.in_bucket[i]);
    }
    return add(parts.back(), begins ? before[0] : 0, entry.count);
  }
  merged.clear();
  const auto turn = now.time_since_epoch() / (limits_.window / statsd::window_turns);
  entry.window->end_pass(turn, touched, [&](const statsd::Sketch& sketch) { merged.merge(sketch); });
  entry.window->each([this](const statsd::Sketch& sketch) { sketch_bytes_ += sketch.bytes(); });
  if (merged.empty()) return;
  for (std::size_t i = 0; i < limits_.quantiles.size(); ++i) {
    batch.add(parts[2 + i], merged.quantile(limits_.quantiles[i]));
  }
}

void PushedSeries::forget_old(Time now) {
  if (limits_.ttl == Duration(0)) return;
  std::erase_if(entries_, [&](const auto& each) {
    const Entry& entry = *each.second;
    if (now - entry.last <= limits_.ttl) return false;
    if (is_observed(entry.type)) --observed_;
    if (entry.adds_up) kept_sums_.keep(each.first, sums_of(entry));
    const auto name = names_.find(entry.name);
    if (--name->second.series == 0) names_.erase(name);
    return true;
  });
}

std::size_t PushedSeries::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sidewatch::push
