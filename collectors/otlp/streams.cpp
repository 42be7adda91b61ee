#include "collectors/otlp/streams.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/crypto.h"
#include "collectors/own_label.h"
#include "metrics/text.h"

namespace sidewatch::otlp {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr Duration max_lead = std::chrono::minutes(10);  // how far a sender's clock may be ahead
constexpr std::size_t max_id_bytes = 64;         // of a trace and a span together; hex digits of both are 48
constexpr std::size_t label_bytes = 64;          // about what a label takes beside its texts
constexpr std::size_t copies_beside_series = 2;  // of a stream's labels: its own, and those that it is found by

// A time that a clock gave which was wrong would keep out all that is sent once it is right.
bool is_ahead(const DataPoint& point, WallTime wall) {
  const auto latest = std::max<std::int64_t>(0, (wall + max_lead).time_since_epoch().count());
  return std::max(point.time_ns, point.start_ns) / ns_per_ms > static_cast<std::uint64_t>(latest);
}

std::string as_label(double number) {
  std::string text;
  append_value(text, number);
  return text;
}

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = label_bytes;
  for (const auto& [name, value] : labels) bytes += name.size() + value.size() + label_bytes;
  return bytes;
}

bool is_compound(MetricType type) { return type == MetricType::histogram || type == MetricType::summary; }

bool rises(const std::vector<double>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!std::isfinite(numbers[i]) || (i > 0 && numbers[i] <= numbers[i - 1])) return false;
  }
  return true;
}

std::shared_ptr<const Family> part_of(const Family& family, std::string_view suffix) {
  return std::make_shared<const Family>(Family{family.name + std::string(suffix), family.type, "", family.help});
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::name: return "name";
    case Refusal::reserved_name: return "reserved_name";
    case Refusal::type_conflict: return "type_conflict";
    case Refusal::taken: return "taken";
    case Refusal::temporality: return "temporality";
    case Refusal::out_of_order: return "out_of_order";
    case Refusal::repeated: return "repeated";
    case Refusal::too_new: return "too_new";
    case Refusal::value: return "value";
    case Refusal::form: return "form";
    case Refusal::no_room: return "no_room";
    case Refusal::too_many_metrics: return "too_many_metrics";
    case Refusal::too_many_bytes: return "too_many_bytes";
    case Refusal::count: break;
  }
  return "";
}

Streams::Metric* Streams::metric(const Family& family, Refusal& refusal) {
  const std::string key = family.name + '\n' + std::string(to_string(family.type));
  if (const auto known = metrics_.find(key); known != metrics_.end()) return known->second.get();
  std::vector<std::string> names{family.name};
  if (is_compound(family.type)) {
    for (const char* suffix : {"_bucket", "_sum", "_count"}) names.push_back(family.name + suffix);
  }
  refusal = Refusal::type_conflict;
  if (std::any_of(names.begin(), names.end(), [this](const auto& name) { return names_.contains(name); })) return nullptr;
  refusal = Refusal::too_many_metrics;
  if (metrics_.size() >= limits_.max_metrics) return nullptr;
  auto metric = std::make_unique<Metric>();
  metric->name = family.name;
  metric->type = family.type;
  metric->whole = std::make_shared<const Family>(family);
  if (is_compound(family.type)) {
    metric->bucket = part_of(family, "_bucket");
    metric->sum = part_of(family, "_sum");
    metric->count = part_of(family, "_count");
  }
  for (auto& name : names) names_.emplace(std::move(name), metric.get());
  return metrics_.emplace(key, std::move(metric)).first->second.get();
}

std::optional<Streams::Number> Streams::stream(Metric& metric, const Labels& given, Refusal& refusal) {
  const Labels labels = without_own_label(metric.type, given);
  if (const auto known = metric.streams.find(labels); known != metric.streams.end()) return known->second;
  const std::size_t bytes = copies_beside_series * bytes_of(labels);
  refusal = size() >= limits_.max_series ? Refusal::no_room : Refusal::too_many_bytes;
  if (size() >= limits_.max_series || bytes_ + bytes > limits_.max_bytes) return std::nullopt;
  if (free_.empty()) {
    free_.push_back(static_cast<Number>(streams_.size()));
    streams_.emplace_back();
  }
  const Number number = free_.back();
  free_.pop_back();
  Stream& stream = streams_[number];
  stream.metric = &metric;
  stream.labels = labels;
  stream.bytes = bytes;
  bytes_ += bytes;
  metric.streams.emplace(labels, number);
  return number;
}

std::optional<Refusal> Streams::set(Number number, double value, Time now) {
  Stream& stream = streams_[number];
  if (auto refusal = lay_out(stream, {}, false)) return refusal;
  board_.set(stream.places.front(), value);
  stream.last = now;
  return std::nullopt;
}

std::optional<Refusal> Streams::update(Number number, const SentMetric& sent, const DataPoint& point, Time now,
                                       WallTime wall) {
  Stream& stream = streams_[number];
  if (is_ahead(point, wall)) return Refusal::too_new;
  const bool has_temporality = sent.kind != Kind::gauge && sent.kind != Kind::summary;
  if (has_temporality && sent.temporality == Temporality::unspecified) return Refusal::temporality;
  if (auto refusal = check_time(stream, has_temporality ? sent.temporality : Temporality::unspecified, point)) return refusal;
  const bool lost = is_lost(stream);
  const bool adds_up = has_temporality && sent.temporality == Temporality::delta;
  if (lost && adds_up) {
    stream.last = now;
    return Refusal::taken;
  }
  if (auto refusal = take(stream, sent, point)) return refusal;
  stream.is_laid_out_anew = false;
  stream.start_ns = point.start_ns;
  stream.time_ns = point.time_ns;
  stream.last = now;
  if (lost) return Refusal::taken;  // its value stands, for when it is served
  if (!point.exemplars.empty()) take_exemplars(stream, point, now);
  return std::nullopt;
}

bool Streams::is_lost(const Stream& stream) const {
  return std::ranges::any_of(stream.places, [this](SeriesBoard::Place place) { return board_.is_lost(place); });
}

std::optional<Refusal> Streams::take(Stream& stream, const SentMetric& sent, const DataPoint& point) {
  switch (sent.kind) {
    case Kind::gauge:
    case Kind::sum: return take_number(stream, sent, point);
    case Kind::histogram: return take_histogram(stream, sent, point);
    case Kind::exponential_histogram: return take_exponential(stream, sent, point);
    case Kind::summary: return take_summary(stream, point);
  }
  return std::nullopt;
}

// Those that lead to a trace, at the series that counted them: a counter, or the bucket that the value is in.
void Streams::take_exemplars(const Stream& stream, const DataPoint& point, Time now) {
  const bool is_histogram = stream.metric->type == MetricType::histogram;
  if (!is_histogram && stream.metric->type != MetricType::counter) return;
  const auto text = [&](std::string_view id) { return point.ids_are_hex ? std::string(id) : to_hex(id); };
  for (const auto& sent : point.exemplars) {
    if (sent.trace_id.empty() || sent.trace_id.size() + sent.span_id.size() > max_id_bytes) continue;
    const auto bucket = std::lower_bound(stream.marks.begin(), stream.marks.end(), sent.value) - stream.marks.begin();
    Exemplar exemplar;
    exemplar.labels = Labels{{"trace_id", text(sent.trace_id)}, {"span_id", text(sent.span_id)}};
    exemplar.value = sent.value;
    exemplar.has_own_time = sent.time_ns != 0;
    const auto sent_at = Duration(static_cast<std::int64_t>(sent.time_ns / ns_per_ms));
    exemplar.at = exemplar.has_own_time ? WallTime(sent_at) : to_wall(now, Duration(0));
    board_.add_exemplar(stream.places[is_histogram ? static_cast<std::size_t>(bucket) : 0], std::move(exemplar));
  }
}

// A total that is older than the one that stands would let the series fall; a delta that came already would count twice.
std::optional<Refusal> Streams::check_time(const Stream& stream, Temporality temporality, const DataPoint& point) {
  if (point.time_ns == 0 || stream.time_ns == 0) return std::nullopt;
  if (point.time_ns < stream.time_ns) return Refusal::out_of_order;
  if (point.time_ns == stream.time_ns && temporality == Temporality::delta) return Refusal::repeated;
  if (temporality == Temporality::cumulative && point.start_ns != 0 && point.start_ns < stream.start_ns) {
    return Refusal::out_of_order;
  }
  return std::nullopt;
}

std::optional<Refusal> Streams::take_number(Stream& stream, const SentMetric& sent, const DataPoint& point) {
  if (!point.value) return Refusal::form;
  const bool is_delta = sent.kind == Kind::sum && sent.temporality == Temporality::delta;
  const bool is_counter = sent.kind == Kind::sum && sent.monotonic;
  if ((is_counter && *point.value < 0) || (is_delta && !std::isfinite(*point.value))) return Refusal::value;
  if (auto refusal = lay_out(stream, {}, false)) return refusal;
  if (is_delta && is_counter) begin(stream);
  put(stream.places.front(), *point.value, is_delta);
  return std::nullopt;
}

std::optional<Refusal> Streams::take_histogram(Stream& stream, const SentMetric& sent, const DataPoint& point) {
  const bool fits = point.bucket_counts.size() == point.bounds.size() + 1 ||
                    (point.bucket_counts.empty() && point.bounds.empty());
  if (!fits || !rises(point.bounds)) return Refusal::form;
  const bool is_delta = sent.temporality == Temporality::delta;
  if (is_delta && !std::isfinite(point.sum.value_or(0))) return Refusal::value;
  stream.exponential.reset();
  if (auto refusal = lay_out(stream, point.bounds, point.sum.has_value())) return refusal;
  if (is_delta) begin(stream);
  double below = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < point.bounds.size(); ++i) {
    put(stream.places[at++], below += static_cast<double>(point.bucket_counts[i]), is_delta);
  }
  put(stream.places[at++], static_cast<double>(point.count), is_delta);
  put(stream.places[at++], static_cast<double>(point.count), is_delta);
  if (point.sum) put(stream.places[at], *point.sum, is_delta);
  return std::nullopt;
}

// What was added up stands in the buckets of the stream and not on the board, for bounds may join each other.
std::optional<Refusal> Streams::take_exponential(Stream& stream, const SentMetric& sent, const DataPoint& point) {
  if (!ExponentialBuckets::is_usable(point.exponential)) return Refusal::form;
  const bool is_delta = sent.temporality == Temporality::delta;
  if (is_delta && !std::isfinite(point.sum.value_or(0))) return Refusal::value;
  auto buckets = stream.exponential && is_delta ? *stream.exponential : ExponentialBuckets(limits_.finest_scale);
  buckets.add(point.exponential);
  buckets.write(classic_);
  double count = static_cast<double>(point.count);
  double sum = point.sum.value_or(0);
  if (is_delta && stream.exponential) {
    const std::size_t marks = stream.marks.size();
    count += board_.value(stream.places[marks + 1]);
    if (stream.has_sum) sum += board_.value(stream.places[marks + 2]);
  }
  const bool is_new = stream.places.empty();
  if (auto refusal = lay_out(stream, classic_.bounds, point.sum.has_value())) return refusal;
  for (const auto place : stream.places) {
    if (is_new && is_delta) board_.begin(place, 0);
  }
  stream.exponential = std::make_unique<ExponentialBuckets>(std::move(buckets));
  std::size_t at = 0;
  for (const double up_to : classic_.counts) put(stream.places[at++], up_to, false);
  put(stream.places[at++], count, false);
  put(stream.places[at++], count, false);
  if (point.sum) put(stream.places[at], sum, false);
  return std::nullopt;
}

std::optional<Refusal> Streams::take_summary(Stream& stream, const DataPoint& point) {
  std::vector<double> quantiles;
  for (const auto& [quantile, value] : point.quantiles) quantiles.push_back(quantile);
  if (!rises(quantiles) || (!quantiles.empty() && (quantiles.front() < 0 || quantiles.back() > 1))) return Refusal::form;
  if (auto refusal = lay_out(stream, quantiles, true)) return refusal;
  std::size_t at = 0;
  for (const auto& [quantile, value] : point.quantiles) put(stream.places[at++], value, false);
  put(stream.places[at++], static_cast<double>(point.count), false);
  put(stream.places[at], point.sum.value_or(0), false);
  return std::nullopt;
}

// Before a delta is put there: series that are new go on where such series ended, or at 0.
void Streams::begin(Stream& stream) {
  if (!stream.is_laid_out_anew) return;
  stream.adds_up = true;
  const auto sums = kept_sums_.take(stream.labels.with("__name__", stream.metric->name));
  const std::size_t count = stream.places.size();
  const bool same = sums.size() == count + stream.marks.size() &&
                    std::equal(stream.marks.begin(), stream.marks.end(), sums.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i) board_.begin(stream.places[i], same ? sums[i] : 0);
}

// With the bounds that they belong to behind them.
void Streams::keep_sums(const Stream& stream) {
  std::vector<double> sums;
  for (const auto place : stream.places) sums.push_back(board_.value(place));
  sums.insert(sums.end(), stream.marks.begin(), stream.marks.end());
  kept_sums_.keep(stream.labels.with("__name__", stream.metric->name), std::move(sums));
}

void Streams::put(SeriesBoard::Place place, double value, bool is_delta) {
  board_.set(place, is_delta ? board_.value(place) + value : value);
}

// The series of a stream, in the order in which their values are put: those with a mark, +Inf, count, sum.
std::vector<Streams::Part> Streams::parts_of(const Stream& stream, const std::vector<double>& marks, bool has_sum) const {
  const Metric& metric = *stream.metric;
  if (!is_compound(metric.type)) return {{&metric.whole, "", 0}};
  const bool is_histogram = metric.type == MetricType::histogram;
  std::vector<Part> parts;
  for (const double mark : marks) {
    parts.push_back({is_histogram ? &metric.bucket : &metric.whole, is_histogram ? "le" : "quantile", mark});
  }
  if (is_histogram) parts.push_back({&metric.bucket, "le", infinity});
  parts.push_back({&metric.count, "", 0});
  if (has_sum) parts.push_back({&metric.sum, "", 0});
  return parts;
}

// Gives the stream its series, anew where its bounds are others than before.
std::optional<Refusal> Streams::lay_out(Stream& stream, const std::vector<double>& marks, bool has_sum) {
  if (!stream.places.empty() && stream.marks == marks && stream.has_sum == has_sum) return std::nullopt;
  const auto parts = parts_of(stream, marks, has_sum);
  const std::size_t bytes = (parts.size() + copies_beside_series) * bytes_of(stream.labels);
  if (board_.size() - stream.places.size() + parts.size() > limits_.max_series) return Refusal::no_room;
  if (bytes_ - stream.bytes + bytes > limits_.max_bytes) return Refusal::too_many_bytes;
  clear(stream);
  for (const auto& part : parts) {
    const bool is_marked = !part.label.empty();
    stream.places.push_back(
        board_.add(*part.family, is_marked ? stream.labels.with(part.label, as_label(part.mark)) : stream.labels));
  }
  stream.is_laid_out_anew = true;
  stream.marks = marks;
  stream.has_sum = has_sum;
  stream.bytes = bytes;
  bytes_ += bytes;
  return std::nullopt;
}

void Streams::clear(Stream& stream) {
  for (const auto place : stream.places) board_.remove(place);
  stream.places.clear();
  bytes_ -= std::exchange(stream.bytes, 0);
}

void Streams::end(Number number) {
  Stream& stream = streams_[number];
  if (stream.adds_up) keep_sums(stream);
  clear(stream);
  stream.metric->streams.erase(stream.labels);
  stream = {};
  free_.push_back(number);
}

bool Streams::expire(Time now) {
  bool any = false;
  for (Number number = 0; number < streams_.size(); ++number) {
    const Stream& stream = streams_[number];
    const bool is_old = limits_.ttl > Duration(0) && stream.last && now - *stream.last > limits_.ttl;
    if (!stream.metric || (stream.last && !is_old)) continue;
    end(number);  // also one of which nothing could be taken in
    any = true;
  }
  const auto is_empty = [](const auto& each) { return each.second->streams.empty(); };
  if (std::none_of(metrics_.begin(), metrics_.end(), is_empty)) return any;
  std::erase_if(names_, [](const auto& each) { return each.second->streams.empty(); });
  std::erase_if(metrics_, is_empty);
  return true;
}

}  // namespace sidewatch::otlp
