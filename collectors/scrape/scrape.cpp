// A pass: the page is asked for over the connection that is kept, and taken whole or not at all. That it cannot be had is
// a sample (up 0) and one message to people, never a failed pass; the series of the page go stale then.
#include "collectors/scrape/scrape.h"

#include <array>
#include <chrono>
#include <utility>

#include "base/process_token.h"
#include "config/literals.h"

namespace sidewatch::scrape {
namespace {

constexpr Metric up_metric{"up", MetricType::gauge, "", "1 when the page was had and understood in this scrape, else 0."};
constexpr Metric duration_metric{"scrape_duration_seconds", MetricType::gauge, "seconds", "How long the scrape took."};
constexpr Metric scraped_metric{"scrape_samples_scraped", MetricType::gauge, "", "Samples on the page."};
constexpr Metric kept_metric{"scrape_samples_post_metric_relabeling", MetricType::gauge, "",
                             "Samples that metric_relabel_configs left."};
constexpr Metric added_metric{"scrape_series_added", MetricType::gauge, "",
                              "Samples whose series was not on the page before."};
constexpr Metric failures_metric{"sidewatch_scrape_failures_total", MetricType::counter, "",
                                 "Scrapes that failed, by reason; a reason is there once it has come."};
constexpr Metric left_out_metric{"sidewatch_scrape_left_out_total", MetricType::counter, "",
                                 "Samples of pages that were left out: of a series that the page has twice (duplicate), "
                                 "or under a name of the agent's own (own_name)."};
constexpr Metric overflow_metric{"sidewatch_scrape_overflow_samples_total", MetricType::counter, "",
                                 "Samples of series for which max_series has no room; the last of each metric is in its "
                                 "series with overflow=\"true\"."};

// As Prometheus 2.42 asks, so that a target gives the page that Prometheus gets.
constexpr std::string_view accept_header =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

enum class Reason { unreachable, timeout, tls, status, too_large, format, limit, count };

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::unreachable: return "unreachable";
    case Reason::timeout: return "timeout";
    case Reason::tls: return "tls";
    case Reason::status: return "status";
    case Reason::too_large: return "too_large";
    case Reason::format: return "format";
    case Reason::limit: return "limit";
    case Reason::count: break;
  }
  return "";
}

Reason reason_of(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::timeout: return Reason::timeout;
    case HttpFailure::tls: return Reason::tls;
    case HttpFailure::too_large: return Reason::too_large;
    case HttpFailure::bad_request:
    case HttpFailure::interrupted:
    case HttpFailure::resolve:
    case HttpFailure::connect:
    case HttpFailure::address_refused:
    case HttpFailure::network: break;
  }
  return Reason::unreachable;
}

struct Trouble {
  Reason reason;
  std::string what;
};

std::string words_for_status(const OutgoingResponse& response) {
  const std::string status = std::to_string(response.status);
  if (response.status >= 300 && response.status < 400) {
    return "answered " + status + ", which leads to another place: redirects are not followed, give that address";
  }
  if (response.status == 401 || response.status == 403) {
    return "answered " + status + ": it wants to know who asks (basic_auth, bearer_token), or does not allow it";
  }
  if (response.status == 404) return "answered 404: there is no such page, look at the path of the URL";
  if (response.status == 508) return "is this agent's own page: what it tells is here already";
  return "answered " + status;
}

class ScrapeCollector final : public Collector {
 public:
  ScrapeCollector(std::shared_ptr<const TargetConfig> target, const CollectorContext& context)
      : target_(std::move(target)),
        timeout_(timeout_within(target_->timeout, context.interval)),
        catalog_(context.catalog),
        intake_(context.catalog, target_->intake, context.exemplars),
        up_(series(up_metric)),
        duration_(series(duration_metric)),
        scraped_(series(scraped_metric)),
        kept_(series(kept_metric)),
        added_(series(added_metric)),
        overflow_(series(overflow_metric)) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    PageCounts counts;
    const auto began = std::chrono::steady_clock::now();
    const auto trouble = scrape(batch, now, began + timeout_, counts);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    batch.add(up_, trouble ? 0 : 1);
    batch.add(duration_, took.count());
    batch.add(scraped_, static_cast<double>(counts.scraped));
    batch.add(kept_, static_cast<double>(counts.kept));
    batch.add(added_, static_cast<double>(trouble ? 0 : counts.added));
    if (trouble) {
      count_failure(trouble->reason);
      report(outcome, trouble->what);
    } else {
      count_left_out(counts, outcome);
    }
    overflowed_ += static_cast<double>(trouble ? 0 : counts.overflowed);
    write_own(batch);
    return outcome;
  }

 private:
  struct Counted {
    SeriesHandle series;
    double count = 0;
  };

  SeriesHandle series(const Metric& metric) { return catalog_.series(metric, target_->intake.target_labels); }

  using Deadline = std::chrono::steady_clock::time_point;

  std::optional<Trouble> scrape(Batch& batch, Time now, Deadline deadline, PageCounts& counts) {
    OutgoingRequest request;
    request.url = target_->url;
    request.timeout = request.connect_timeout = timeout_;
    request.max_body_bytes = target_->max_page_bytes;
    request.headers = {{"Accept", std::string(accept_header)},
                       {"Accept-Encoding", "gzip"},
                       {scraper_header, process_token()},
                       {"X-Prometheus-Scrape-Timeout-Seconds", config::write_number(to_seconds(timeout_))}};
    if (const std::string secret = add_access(request, target_->access); !secret.empty()) {
      return Trouble{Reason::unreachable, "was not asked: " + secret + " cannot be read now"};
    }
    auto result = client_.send(request);
    if (const auto* error = std::get_if<HttpError>(&result)) {
      return Trouble{reason_of(error->kind), words_for(*error, request)};
    }
    auto& response = std::get<OutgoingResponse>(result);
    if (response.status != 200) return Trouble{Reason::status, words_for_status(response)};
    return take(std::move(response), batch, now, deadline, counts);
  }

  std::optional<Trouble> take(OutgoingResponse&& response, Batch& batch, Time now, Deadline deadline, PageCounts& counts) {
    const std::string type(response.header("Content-Type"));
    if (type.starts_with("text/html")) {
      return Trouble{Reason::format, "answered a page for browsers (text/html), not samples: look at the path of the URL"};
    }
    const auto page = body_of(std::move(response), target_->max_page_bytes);
    if (!page) return Trouble{Reason::format, page.error().what};
    const auto is_too_late = [deadline] { return std::chrono::steady_clock::now() > deadline; };
    const auto taken = intake_.take({*page, format_by_content_type(type), now, is_too_late}, batch, counts);
    if (taken) return std::nullopt;
    if (counts.too_late) return Trouble{Reason::timeout, words_for_late()};
    return Trouble{counts.over_limit ? Reason::limit : Reason::format, taken.error().what};
  }

  std::string words_for_late() const {
    return "gave a page that could not be read to its end within the timeout of " + config::write_duration(timeout_) +
           ": raise timeout (and interval), or let it have fewer samples";
  }

  void report(PassOutcome& outcome, const std::string& what) const {
    ++outcome.partial_errors;
    if (outcome.first_partial_error.empty()) outcome.first_partial_error = url_without_secrets(target_->url) + ": " + what;
  }

  void count_failure(Reason reason) {
    Counted& counted = failures_[static_cast<std::size_t>(reason)];
    if (!counted.series) counted.series = own_series(failures_metric, to_string(reason));
    ++counted.count;
  }

  void count_left_out(const PageCounts& counts, PassOutcome& outcome) {
    if (counts.duplicates > 0) {
      if (!duplicates_.series) duplicates_.series = own_series(left_out_metric, "duplicate");
      duplicates_.count += static_cast<double>(counts.duplicates);
      report(outcome, "has more than one sample of a series, such as " + counts.first_duplicate + "; the first counts");
    }
    if (counts.overflowed > 0) report(outcome, OverflowSeries::what_is_wrong(target_->intake.max_series));
    if (counts.refused > 0) {
      if (!own_names_.series) own_names_.series = own_series(left_out_metric, "own_name");
      own_names_.count += static_cast<double>(counts.refused);
      report(outcome, "has metrics under names in which this agent speaks about itself, such as " + counts.first_refused +
                          "; they are left out");
    }
  }

  SeriesHandle own_series(const Metric& metric, std::string_view reason) {
    return catalog_.series(metric, target_->intake.target_labels.with("reason", reason));
  }

  void write_own(Batch& batch) const {
    for (const Counted& counted : failures_) batch.add(counted.series, counted.count);
    batch.add(duplicates_.series, duplicates_.count);
    batch.add(own_names_.series, own_names_.count);
    batch.add(overflow_, overflowed_);
  }

  const std::shared_ptr<const TargetConfig> target_;
  const Duration timeout_;
  Catalog& catalog_;
  HttpClient client_;
  PageIntake intake_;
  const SeriesHandle up_, duration_, scraped_, kept_, added_, overflow_;
  std::array<Counted, static_cast<std::size_t>(Reason::count)> failures_;
  Counted duplicates_;
  Counted own_names_;
  double overflowed_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_scrape_collector(std::shared_ptr<const TargetConfig> target,
                                                 const CollectorContext& context) {
  return std::make_unique<ScrapeCollector>(std::move(target), context);
}

std::vector<MetricGroup> metric_groups() {
  return {{"scrape", "About each page that is scraped. What stands on the page has its own names.",
           {up_metric, duration_metric, scraped_metric, kept_metric, added_metric, failures_metric, left_out_metric, overflow_metric}}};
}

}  // namespace sidewatch::scrape
