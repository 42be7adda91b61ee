// A pass: the JSON is asked for over the connection that is kept, and taken apart. That it cannot be had is a sample
// (json_up 0) and one message to people; a value that is missing or is no number costs that value and is told. What there is
// no room for stands in the overflow series of its metric.
#include "collectors/json/json.h"

#include <chrono>
#include <unordered_map>
#include <utility>

#include "base/http_client.h"
#include "base/json.h"
#include "collectors/overflow_series.h"
#include "collectors/series_budget.h"

namespace sidewatch::json {
namespace {

constexpr Metric up_metric{"json_up", MetricType::gauge, "", "1 when the JSON was had and understood, else 0."};
constexpr Metric duration_metric{"json_duration_seconds", MetricType::gauge, "seconds",
                                 "How long asking for the JSON and taking it apart took."};
constexpr Metric duplicates_metric{"sidewatch_json_duplicate_values_total", MetricType::counter, "",
                                   "Values that were left out because the same answer had one for their series already."};
constexpr Metric overflowed_metric{"sidewatch_json_overflow_values_total", MetricType::counter, "",
                                   "Values of series for which max_series has no room; the last of each metric is in its "
                                   "series with overflow=\"true\"."};
constexpr std::size_t deepest = 64;
constexpr std::size_t most_values = 100'000;  // of an answer

class JsonCollector final : public Collector {
 public:
  JsonCollector(std::shared_ptr<const JsonConfig> config, const CollectorContext& context)
      : config_(std::move(config)),
        timeout_(timeout_within(config_->timeout, context.interval)),
        labels_(config_->series_labels()),
        catalog_(context.catalog),
        up_(catalog_.series(up_metric, labels_)),
        duration_(catalog_.series(duration_metric, labels_)),
        duplicates_(catalog_.series(duplicates_metric, labels_)),
        overflowed_(catalog_.series(overflowed_metric, labels_)),
        budget_(static_cast<std::size_t>(config_->max_series)),
        overflow_(labels_) {}

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
    batch.add(duplicates_, duplicates_count_);
    batch.add(overflowed_, overflowed_count_);
    return outcome;
  }

 private:
  struct Kept {
    SeriesHandle series;
    bool settled = false;  // else it may be better off later
    std::uint64_t pass = 0;
  };
  struct LeftOut {
    std::size_t duplicates = 0;
    std::string first_duplicate;
    std::size_t overflowed = 0;
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
    const auto mapped = map_json(root, config_->metrics, most_values);
    ++pass_;
    may_have_room_ = budget_.begin_pass(catalog_);
    LeftOut left_out;
    for (const MappedSample& sample : mapped.samples) write(sample, batch, left_out);
    overflow_.write(batch);
    std::erase_if(kept_, [this](const auto& entry) { return entry.second.pass != pass_; });
    overflowed_count_ += static_cast<double>(left_out.overflowed);
    duplicates_count_ += static_cast<double>(left_out.duplicates);
    if (mapped.problems > 0) report(outcome, mapped.first_problem);
    if (mapped.full) report(outcome, "has more than " + std::to_string(most_values) + " values for metrics; the first ones count");
    if (left_out.duplicates > 0) {
      report(outcome, "has more than one value for " + left_out.first_duplicate + "; the first counts: give them labels that "
                      "differ (keys, labels_from)");
    }
    if (left_out.overflowed > 0) report(outcome, OverflowSeries::what_is_wrong(static_cast<std::size_t>(config_->max_series)));
  }

  void write(const MappedSample& sample, Batch& batch, LeftOut& left_out) {
    const MetricMapping& mapping = config_->metrics[sample.mapping];
    const Labels labels = sample.labels.or_else(labels_);
    const auto [place, is_new] = kept_.try_emplace(mapping.name.value + labels.to_string());
    Kept& kept = place->second;
    if (kept.pass == pass_) {
      if (left_out.duplicates++ == 0) left_out.first_duplicate = place->first;
      return;
    }
    kept.pass = pass_;
    const std::string help = mapping.help.empty() ? "Read from " + mapping.path.value + " of a JSON text." : mapping.help;
    const Metric metric{mapping.name.value, mapping.type, "", help};
    if (is_new || (!kept.settled && may_have_room_)) {
      auto given = budget_.series(catalog_, metric, labels);
      kept.series = std::move(given.series);
      kept.settled = given.settled;
    }
    if (kept.series) return batch.add(kept.series, sample.value);
    kept_.erase(place);  // it is asked for again in the next pass
    ++left_out.overflowed;
    if (const auto shared = overflow_.place(catalog_, metric)) overflow_.set(*shared, sample.value);
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
  const SeriesHandle up_, duration_, duplicates_, overflowed_;
  SeriesBudget budget_;
  OverflowSeries overflow_;
  std::unordered_map<std::string, Kept> kept_;  // by name and labels
  bool may_have_room_ = false;                  // for what had none
  std::uint64_t pass_ = 0;
  double overflowed_count_ = 0;
  double duplicates_count_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_json_collector(std::shared_ptr<const JsonConfig> config, const CollectorContext& context) {
  return std::make_unique<JsonCollector>(std::move(config), context);
}

std::vector<MetricGroup> metric_groups() {
  return {{"json", "About the JSON that is asked for. The values that are taken from it have the names that the "
                   "configuration gives them.",
           {up_metric, duration_metric, duplicates_metric, overflowed_metric}}};
}

}  // namespace sidewatch::json
