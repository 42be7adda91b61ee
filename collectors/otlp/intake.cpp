#include "collectors/otlp/intake.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/bytes.h"

namespace sidewatch::otlp {
namespace {

constexpr std::size_t max_resources = 1'000;  // that are remembered
constexpr std::size_t max_contexts = 10'000;
constexpr std::size_t max_points = 100'000;
constexpr std::size_t max_memory_bytes = std::size_t{4} << 20;  // of each memory
constexpr std::size_t max_name_bytes = 256;
constexpr std::size_t max_help_bytes = 1024;

constexpr std::string_view info_name = "target_info";
constexpr std::string_view info_help = "Attributes of a resource that sends OTLP, as labels.";
constexpr std::string_view default_help = "Sent by the application (OTLP).";
constexpr std::string_view identifying[] = {"service.name", "service.namespace", "service.instance.id"};

std::string_view value_of(const std::vector<Label>& attributes, std::string_view name) {
  for (const auto& attribute : attributes) {
    if (attribute.name == name) return attribute.value;
  }
  return {};
}

// What says who it is becomes job and instance, as with a target that Prometheus scrapes.
Labels identity_of(const std::vector<Label>& attributes) {
  std::string job(value_of(attributes, "service.name"));
  const auto space = value_of(attributes, "service.namespace");
  if (!job.empty() && !space.empty()) job = std::string(space) + "/" + job;
  return {{"job", job}, {"instance", value_of(attributes, "service.instance.id")}};
}

MetricType type_of(const SentMetric& metric) {
  switch (metric.kind) {
    case Kind::gauge: return MetricType::gauge;
    case Kind::sum: return metric.monotonic ? MetricType::counter : MetricType::gauge;
    case Kind::histogram:
    case Kind::exponential_histogram: return MetricType::histogram;
    case Kind::summary: return MetricType::summary;
  }
  return MetricType::untyped;
}

Shows shown_by(const SentMetric& metric) {
  if (metric.kind == Kind::gauge) return Shows::gauge;
  return metric.kind == Kind::sum && metric.monotonic ? Shows::counter : Shows::nothing;
}

// The unit is told beside a metric only where its name ends with it, which OpenMetrics asks for.
std::string unit_within(std::string_view name, const SentMetric& metric) {
  std::string unit = unit_words(metric.unit);
  if (name.ends_with("_total")) name.remove_suffix(std::string_view("_total").size());
  return !unit.empty() && name.ends_with("_" + unit) ? unit : "";
}

std::string_view sentence_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::name: return "a metric needs a name with letters or digits, of at most 256 bytes";
    case Refusal::reserved_name: return "the name belongs to what the agent itself measures; choose another";
    case Refusal::type_conflict: return "another metric, of another type, has this name already";
    case Refusal::taken: return "another input sends this series already, and of two the first counts; choose another name";
    case Refusal::temporality: return "it says neither that it is delta nor that it is cumulative";
    case Refusal::out_of_order: return "a data point is older than the one before";
    case Refusal::repeated:
      return "a delta for the same time came already (where two scopes have one metric, set collectors.otlp.scope_labels)";
    case Refusal::too_new: return "its time is more than 10 minutes ahead; the clock of the sender or of this machine is wrong";
    case Refusal::value: return "a counter fell below 0, or what is added up is not a finite number";
    case Refusal::form: return "a data point has no value, or its buckets or quantiles do not fit together";
    case Refusal::no_room: return "there is no room for more series (collectors.otlp.max_series)";
    case Refusal::too_many_metrics: return "there is no room for another metric (collectors.otlp.max_metrics)";
    case Refusal::too_many_bytes: return "the labels of all series take more than 32 MiB; send fewer series, or shorter labels";
    case Refusal::count: break;
  }
  return "";
}

}  // namespace

std::size_t Taken::refused_in_all() const { return std::accumulate(refused.begin(), refused.end(), std::size_t{0}); }

Intake::Intake(Translation translation, StreamLimits limits)
    : translation_(std::move(translation)),
      streams_(limits),
      resources_(max_resources, max_memory_bytes),
      contexts_(max_contexts, max_memory_bytes),
      points_(max_points, max_memory_bytes) {}

void Intake::begin(Time now, WallTime wall) {
  now_ = now;
  wall_ = wall;
  taken_ = {};
}

Taken Intake::end() {
  resource_.reset();
  context_.reset();
  return std::move(taken_);
}

void Intake::resource(const Attributes& attributes) {
  const auto raw = attributes.raw();
  const auto* known = raw ? resources_.find(*raw) : nullptr;
  if (known != nullptr) {
    resource_ = *known;
  } else {
    resource_ = make_resource(attributes, raw.has_value());
    if (raw) resources_.remember(*raw, resource_);
  }
  if (resource_->info) streams_.set(*resource_->info, 1, now_);
}

std::shared_ptr<const Intake::Resource> Intake::make_resource(const Attributes& attributes, bool is_kept) {
  auto resource = std::make_shared<Resource>();
  if (is_kept) resource->id = ++last_id_;
  auto read = attributes.read();
  if (!read) {
    resource->trouble = read.error().what;
    return resource;
  }
  const Labels identity = identity_of(*read);
  std::vector<Label> promoted;
  std::copy_if(read->begin(), read->end(), std::back_inserter(promoted), [&](const Label& attribute) {
    return std::find(translation_.promote.begin(), translation_.promote.end(), attribute.name) != translation_.promote.end();
  });
  resource->labels = identity.or_else(labels_of(std::move(promoted)));
  std::erase_if(*read, [](const Label& attribute) {
    return std::find(std::begin(identifying), std::end(identifying), attribute.name) != std::end(identifying);
  });
  if (identity.empty() || read->empty()) return resource;
  Refusal refusal{};
  auto* const info = streams_.metric({std::string(info_name), MetricType::gauge, "", std::string(info_help)}, refusal);
  if (info != nullptr) resource->info = streams_.stream(*info, identity.or_else(labels_of(std::move(*read))), refusal);
  return resource;
}

void Intake::scope(std::string_view name, std::string_view version, const Attributes& attributes) {
  scope_key_.clear();
  scope_labels_ = {};
  scope_is_known_ = true;
  if (!translation_.scope_labels) return;
  const auto raw = attributes.raw();
  scope_is_known_ = raw.has_value();
  append_text(scope_key_, name);
  append_text(scope_key_, version);
  append_text(scope_key_, raw.value_or(""));
  auto read = attributes.read();
  std::vector<Label> named{{"otel.scope.name", std::string(name)}, {"otel.scope.version", std::string(version)}};
  if (read) {
    for (auto& [key, value] : *read) named.push_back({"otel.scope." + key, std::move(value)});
  }
  scope_labels_ = labels_of(std::move(named));
}

void Intake::metric(const SentMetric& metric) {
  metric_ = metric;
  const bool is_kept = resource_->id != 0 && scope_is_known_;
  key_.clear();
  if (is_kept) {
    append_u64(key_, resource_->id);
    append_text(key_, scope_key_);
    key_ += static_cast<char>(metric.kind);
    key_ += metric.monotonic ? '+' : '-';
    append_text(key_, metric.unit);
    append_text(key_, metric.name);
    if (const auto* known = contexts_.find(key_)) {
      context_ = *known;
      return;
    }
  }
  context_ = make_context(metric, is_kept);
  if (is_kept && context_->metric != nullptr) contexts_.remember(key_, context_);
}

std::shared_ptr<const Intake::Context> Intake::make_context(const SentMetric& metric, bool is_kept) {
  auto context = std::make_shared<Context>();
  if (is_kept) context->id = ++last_id_;
  context->labels = scope_labels_.or_else(resource_->labels);
  if (!resource_->trouble.empty()) {
    context->trouble = resource_->trouble;
    return context;
  }
  Family family;
  family.name = metric_name(metric.name, metric.unit, shown_by(metric), translation_.names);
  context->refusal = Refusal::name;
  if (family.name.find_first_not_of('_') == std::string::npos || family.name.size() > max_name_bytes) return context;
  context->refusal = Refusal::reserved_name;
  if (family.name == info_name || own_names_.contain_part_of(family.name)) return context;
  family.type = type_of(metric);
  family.unit = unit_within(family.name, metric);
  family.help = metric.description.empty() ? default_help : metric.description.substr(0, max_help_bytes);
  context->metric = streams_.metric(family, context->refusal);
  return context;
}

void Intake::point(const DataPoint& point) {
  if (context_->metric == nullptr) return refuse(context_->refusal, context_->trouble);
  const auto stream = stream_of(point);
  if (!stream) return;
  if (point.no_recorded_value) {
    streams_.end(*stream);
    points_.forget_all();  // the number may become another's
    ++taken_.points;
    return;
  }
  if (const auto refusal = streams_.update(*stream, metric_, point, now_, wall_)) return refuse(*refusal);
  ++taken_.points;
}

// Absent: it is refused, which is counted.
std::optional<Streams::Number> Intake::stream_of(const DataPoint& point) {
  const auto raw = point.attributes->raw();
  const bool is_kept = raw && context_->id != 0;
  if (is_kept) {
    key_.clear();
    append_u64(key_, context_->id);
    key_ += *raw;
    if (const auto* known = points_.find(key_)) return *known;
  }
  auto attributes = point.attributes->read();
  if (!attributes) {
    refuse(Refusal::form, attributes.error().what);
    return std::nullopt;
  }
  Refusal refusal{};
  const auto labels = context_->labels.or_else(labels_of(std::move(*attributes)));
  const auto stream = streams_.stream(*context_->metric, labels, refusal);
  if (!stream) {
    refuse(refusal);
  } else if (is_kept) {
    points_.remember(key_, *stream);
  }
  return stream;
}

void Intake::refuse(Refusal refusal, std::string_view detail) {
  const auto index = static_cast<std::size_t>(refusal);
  if (taken_.refused[index]++ > 0) return;
  constexpr std::size_t max_told_bytes = 100;
  const std::string name(metric_.name.substr(0, max_told_bytes));
  taken_.examples[index] = "'" + name + "': " + std::string(detail.empty() ? sentence_of(refusal) : detail);
}

void Intake::expire(Time now) {
  if (!streams_.expire(now)) return;
  resources_.forget_all();
  contexts_.forget_all();
  points_.forget_all();
}

}  // namespace sidewatch::otlp
