#include "collectors/push/push.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/json_size.h"

namespace sidewatch {
namespace push {
namespace {

constexpr Metric series_metric{
    "sidewatch_push_series", MetricType::gauge, "",
    "What was pushed as JSON within ttl: combinations of a metric and labels, of a histogram "
    "or summary one."};

constexpr std::size_t values_per_metric = 32;  // of JSON: what the largest metric needs, and labels
constexpr std::size_t max_listed = 100;        // of what was rejected, in one answer
constexpr std::size_t max_place_bytes = 200;   // of one place in it

bool is_json(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find_first_of("; \t")));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
}

PushAnswer refuse(int status, std::string why, std::string_view reason) {
  JsonWriter json;
  json.begin_object().key("accepted").integer(0).key("error").text(why).end_object();
  PushAnswer answer = PushAnswer::text(status, json.take());
  answer.content_type = "application/json";
  answer.refused.emplace_back(reason, 1);
  return answer;
}

int status_of(std::size_t accepted, const std::vector<Rejection>& rejected) {
  if (accepted > 0 || rejected.empty()) return 200;
  const bool full = std::all_of(rejected.begin(), rejected.end(),
                                [](const Rejection& each) { return each.reason == Refusal::no_room; });
  return full ? 429 : 400;
}

void count(PushAnswer& answer, std::string_view reason) {
  const auto same = std::find_if(answer.refused.begin(), answer.refused.end(),
                                 [&](const auto& each) { return each.first == reason; });
  if (same == answer.refused.end()) {
    answer.refused.emplace_back(reason, 1);
  } else {
    ++same->second;
  }
}

PushAnswer answer_to(std::size_t accepted, const std::vector<Rejection>& rejected) {
  JsonWriter json;
  json.begin_object().key("accepted").integer(static_cast<std::int64_t>(accepted)).key("rejected").begin_array();
  for (std::size_t i = 0; i < std::min(rejected.size(), max_listed); ++i) {
    const auto& each = rejected[i];
    json.begin_object().key("at").text(each.at.substr(0, max_place_bytes)).key("why").text(each.why).end_object();
  }
  json.end_array();
  if (rejected.size() > max_listed) {
    json.key("further").integer(static_cast<std::int64_t>(rejected.size() - max_listed));
  }
  json.end_object();
  PushAnswer answer = PushAnswer::text(status_of(accepted, rejected), json.take());
  answer.content_type = "application/json";
  answer.samples = accepted;
  for (const auto& each : rejected) count(answer, to_string(each.reason));
  return answer;
}

constexpr std::string_view plan_name = "push";

class JsonPushCollector final : public Collector {
 public:
  JsonPushCollector(std::shared_ptr<JsonPushTarget> target, std::size_t max_series, const CollectorContext& context)
      : target_(std::move(target)),
        catalog_(context.catalog),
        store_(context.store),
        handles_(max_series),
        series_(catalog_.series(series_metric, {})) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    if (store_ != nullptr) handles_.lost = store_->lost(plan_name);
    target_->series().write(catalog_, handles_, batch, now);
    batch.add(series_, static_cast<double>(target_->series().size()));
    PassOutcome outcome;
    outcome.partial_errors = handles_.left_out;
    if (handles_.left_out > 0) outcome.first_partial_error = SeriesBudget::what_is_wrong("collectors.push.max_series");
    return outcome;
  }

 private:
  const std::shared_ptr<JsonPushTarget> target_;
  Catalog& catalog_;
  const Store* const store_;
  PushedHandles handles_;
  const SeriesHandle series_;
};

}  // namespace

PushAnswer JsonPushTarget::take(const PushRequest& request) {
  if (!is_json(request.content_type)) {
    return refuse(
        415, "send JSON with the header Content-Type: application/json (curl: -H 'Content-Type: application/json')",
        "content_type");
  }
  if (count_json_values(request.body) > max_metrics_ * values_per_metric) {
    return refuse(
        413, "more than a push of " + std::to_string(max_metrics_) + " metrics can hold (collectors.push.max_metrics)",
        "too_large");
  }
  auto body = read_push_body(request.body, max_metrics_);
  if (!body) return refuse(400, body.error().text(), "form");
  std::size_t accepted = 0;
  for (const auto& sample : body->samples) {
    if (auto rejection = series_.take(sample, request.now)) {
      body->rejected.push_back(std::move(*rejection));
    } else {
      ++accepted;
    }
  }
  return answer_to(accepted, body->rejected);
}

}  // namespace push

void configure_push(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<push::JsonPushConfig> config;
  collectors.section("push", config, "what programs push as JSON: POST /api/v1/push of this agent's HTTP port");
  if (!config) return;
  const auto target = std::make_shared<push::JsonPushTarget>(*config);
  CollectorPlan plan;
  plan.name = push::plan_name;
  plan.interval = config->interval;
  plan.watches = "what programs push as JSON to /api/v1/push";
  plan.receives = target;
  plan.fingerprint = push::fingerprint_of(*config);
  plan.make = [target, max_series = config->limits.max_catalog_series()](const CollectorContext& context) {
    return std::make_unique<push::JsonPushCollector>(target, max_series, context);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> push_metric_groups() {
  return {{"push", "About what is pushed as JSON. What programs push has its own names.", {push::series_metric}}};
}

}  // namespace sidewatch
