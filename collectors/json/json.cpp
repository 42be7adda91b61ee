// A pass: the JSON is asked for over the connection that is kept, and taken apart. That it cannot be had is a sample
// (json_up 0) and one message to people; a value that is missing or is no number costs that value and is told.
#include "collectors/json/json.h"

#include <chrono>
#include <unordered_map>
#include <utility>

#include "base/http_client.h"
#include "base/json.h"

namespace sidewatch::json {
namespace {

constexpr Metric up_metric{"json_up", MetricType::gauge, "", "1 when the JSON was had and understood, else 0."};
constexpr Metric duration_metric{"json_duration_seconds", MetricType::gauge, "seconds",
                                 "How long asking for the JSON and taking it apart took."};
constexpr std::size_t deepest = 64;

class JsonCollector final : public Collector {
 public:
  JsonCollector(std::shared_ptr<const JsonConfig> config, const CollectorContext& context)
      : config_(std::move(config)),
        timeout_(timeout_within(config_->timeout, context.interval)),
        labels_(config_->series_labels()),
        catalog_(context.catalog),
        up_(catalog_.series(up_metric, labels_)),
        duration_(catalog_.series(duration_metric, labels_)) {}

  Result<PassOutcome> collect(Batch& batch, Time) override {
    PassOutcome outcome;
    const auto began = std::chrono::steady_clock::now();
    const auto root = ask();
    if (root) {
      write(*root, batch, outcome);
    } else {
      report(outcome, root.error().what);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    batch.add(up_, root ? 1 : 0);
    batch.add(duration_, took.count());
    return outcome;
  }

 private:
  struct Kept {
    SeriesHandle series;
    std::uint64_t pass = 0;
  };

  Result<JsonValue> ask() {
    OutgoingRequest request;
    request.url = config_->url.value;
    request.timeout = request.connect_timeout = timeout_;
    request.max_body_bytes = config_->body_size_limit.count;
    request.headers = {{"Accept", "application/json, */*;q=0.1"}, {"Accept-Encoding", "gzip"}};
    if (const std::string secret = add_access(request, config_->access); !secret.empty()) {
      return Error{"was not asked: " + secret + " cannot be read now", ""};
    }
    auto result = client_.send(request);
    if (const auto* error = std::get_if<HttpError>(&result)) return Error{words_for(*error, request), ""};
    auto& response = std::get<OutgoingResponse>(result);
    if (response.status != 200 && !config_->any_status) {
      return Error{"answered " + std::to_string(response.status) + " (any_status: true takes its JSON all the same)", ""};
    }
    const auto body = body_of(std::move(response), config_->body_size_limit.count);
    if (!body) return body.error();
    return JsonValue::parse(*body, {.max_bytes = config_->body_size_limit.count, .max_depth = deepest});
  }

  void write(const JsonValue& root, Batch& batch, PassOutcome& outcome) {
    const auto mapped = map_json(root, config_->metrics, static_cast<std::size_t>(config_->max_series));
    ++pass_;
    for (const MappedSample& sample : mapped.samples) {
      Kept& kept = kept_[std::to_string(sample.mapping) + sample.labels.to_string()];
      if (kept.pass == pass_) continue;  // two values under one set of labels: the first counts
      kept.pass = pass_;
      if (!kept.series) kept.series = series_of(sample);
      batch.add(kept.series, sample.value);
    }
    std::erase_if(kept_, [this](const auto& entry) { return entry.second.pass != pass_; });
    if (mapped.problems > 0) report(outcome, mapped.first_problem);
    if (mapped.full) report(outcome, "would become more series than max_series (" + std::to_string(config_->max_series) + ") allows");
  }

  SeriesHandle series_of(const MappedSample& sample) {
    const MetricMapping& mapping = config_->metrics[sample.mapping];
    const std::string help = mapping.help.empty() ? "Read from " + mapping.path.value + " of a JSON text." : mapping.help;
    return catalog_.series({mapping.name.value, mapping.type, "", help}, sample.labels.or_else(labels_));
  }

  void report(PassOutcome& outcome, const std::string& what) const {
    ++outcome.partial_errors;
    if (outcome.first_partial_error.empty()) {
      outcome.first_partial_error = url_without_secrets(config_->url.value) + ": " + what;
    }
  }

  const std::shared_ptr<const JsonConfig> config_;
  const Duration timeout_;
  const Labels labels_;
  Catalog& catalog_;
  HttpClient client_;
  const SeriesHandle up_, duration_;
  std::unordered_map<std::string, Kept> kept_;  // by the mapping's number and the labels
  std::uint64_t pass_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_json_collector(std::shared_ptr<const JsonConfig> config, const CollectorContext& context) {
  return std::make_unique<JsonCollector>(std::move(config), context);
}

std::vector<MetricGroup> metric_groups() {
  return {{"json", "About the JSON that is asked for. The values that are taken from it have the names that the "
                   "configuration gives them.",
           {up_metric, duration_metric}}};
}

}  // namespace sidewatch::json
