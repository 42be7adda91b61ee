#include "collectors/probe/standing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace sidewatch::probe {

namespace {

constexpr Metric success_metric{"probe_success", MetricType::gauge, "", "1 when the check found all as expected."};
constexpr Metric duration_metric{"probe_duration_seconds", MetricType::gauge, "seconds", "Time that the check took."};
constexpr Metric failure_info_metric{"probe_failure_info", MetricType::gauge, "",
                                     "There while the check fails, with the reason as a label; 1."};
constexpr Metric uptime_metric{"probe_uptime_ratio", MetricType::gauge, "ratio",
                               "Share of the runs that succeeded, over the label window; of what this agent ran itself "
                               "since it started."};
constexpr Metric quantile_metric{"probe_duration_quantile_seconds", MetricType::gauge, "seconds",
                                 "Quantiles of the time that successful runs took, over the label window; within 5 %."};

struct Quantile {
  std::string_view name;
  double q;
};
constexpr std::array quantiles{Quantile{"0.5", 0.5}, Quantile{"0.95", 0.95}, Quantile{"0.99", 0.99}};

}  // namespace

Standing::Standing(Catalog& catalog, Parts parts)
    : catalog_(catalog),
      name_(std::move(parts.name)),
      labels_(std::move(parts.labels)),
      most_foreign_series_(parts.most_foreign_series),
      details_(parts.details) {
  for (std::size_t i = 0; i < window_kinds.size(); ++i) {
    if (parts.windows.has[i]) windows_[i].emplace(window_kinds[i].slot, window_kinds[i].slots);
  }
}

void Standing::add_windows(Verdict& verdict, bool success, double seconds, TimePoint now) {
  const auto at = std::chrono::duration_cast<Duration>(now.time_since_epoch());
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (!windows_[i]) continue;
    auto& window = *windows_[i];
    const bool tells_quantiles = window_kinds[i].tells_quantiles;
    window.add(at, success, success && tells_quantiles ? std::optional(seconds) : std::nullopt);
    const auto name = window_kinds[i].name;
    verdict.add(uptime_metric, window.success_ratio(), Labels{{"window", name}});
    if (!tells_quantiles) continue;
    for (const auto& quantile : quantiles) {
      const double value = window.quantile(quantile.q);
      if (std::isnan(value)) continue;
      verdict.add(quantile_metric, value, Labels{{"window", name}, {"quantile", quantile.name}});
    }
  }
}

// A run that succeeds without one has no certificate any more.
void Standing::add_known_expiry(Verdict& verdict, bool success, TimePoint now) {
  const auto seen = std::find_if(verdict.facts.begin(), verdict.facts.end(),
                                 [](const Fact& fact) { return fact.metric == &ssl_earliest_expiry_metric; });
  if (seen != verdict.facts.end()) {
    expiry_ = Expiry{seen->value, now};
    return;
  }
  if (success || (expiry_ && now - expiry_->seen > expiry_is_known)) expiry_.reset();
  if (expiry_) verdict.add(ssl_earliest_expiry_metric, expiry_->end);
}

Standing::Kept Standing::make_series(const Fact& fact) {
  const Labels labels = fact.labels.or_else(labels_);
  if (!fact.foreign) return {fact.metric, fact.labels, catalog_.series(*fact.metric, labels), 0, true, false};
  auto given = foreign_->series(catalog_, *fact.metric, labels);
  foreign_refused_ = foreign_refused_ || !given.series;
  return {fact.metric, fact.labels, std::move(given.series), 0, given.settled, true};
}

// A run mostly writes the series of the one before, in the same order.
void Standing::keep(const std::vector<Fact>& facts) {
  const bool foreign = std::any_of(facts.begin(), facts.end(), [](const Fact& fact) { return fact.foreign; });
  if (foreign && !foreign_) foreign_ = std::make_unique<SeriesBudget>(most_foreign_series_);
  if (foreign) foreign_->begin_pass(catalog_);
  foreign_refused_ = false;
  std::vector<Kept> before = std::exchange(kept_, {});
  kept_.reserve(facts.size());
  std::size_t next = 0;
  for (const auto& fact : facts) {
    const auto is_it = [&](const Kept& kept) {
      return kept.metric == fact.metric && kept.handle && kept.settled && kept.labels == fact.labels;
    };
    auto found = before.begin() + static_cast<std::ptrdiff_t>(std::min(next, before.size()));
    if (found == before.end() || !is_it(*found)) found = std::find_if(before.begin(), before.end(), is_it);
    if (found != before.end()) {
      next = static_cast<std::size_t>(found - before.begin()) + 1;
      kept_.push_back(std::move(*found));
    } else {
      kept_.push_back(make_series(fact));
    }
    kept_.back().value = fact.value;
  }
}

std::string Standing::what_is_wrong() const {
  if (!foreign_refused_) return "";
  return "check '" + name_ + "': what its target says of itself is another thing too often: more than " +
         std::to_string(most_foreign_series_) +
         " series of it stand, or are remembered by the history; further ones are left out";
}

Standing::Past Standing::leave() {
  Past past{std::move(windows_), {}, failing_, failing_since_, left_out_, expiry_};
  for (auto& kept : kept_) past.facts.push_back({kept.metric, kept.value, std::move(kept.labels), kept.foreign, false});
  kept_.clear();
  return past;
}

void Standing::inherit(Past past, bool what_stands) {
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (windows_[i] && past.windows[i]) windows_[i] = std::move(past.windows[i]);
  }
  expiry_ = past.expiry;
  if (!what_stands) return;
  keep(past.facts);
  failing_ = past.failing;
  failing_since_ = past.failing_since;
  left_out_ = past.left_out;
}

// Told once, when the first run is left out.
std::optional<PassNews> Standing::leave_out(const std::string& why) {
  left_out_ += 1;
  if (left_out_ == most_left_out) kept_.clear();
  if (left_out_ > 1) return std::nullopt;
  return PassNews{true, "check '" + name_ + "' is not run: " + why};
}

std::optional<PassNews> Standing::news(const std::optional<Trouble>& trouble, TimePoint now) {
  if (trouble && failing_ != trouble->reason) {
    if (!failing_) failing_since_ = now;
    failing_ = trouble->reason;
    return PassNews{true, "check '" + name_ + "' fails: " + trouble->text};
  }
  if (trouble || !failing_) return std::nullopt;
  failing_.reset();
  const auto lasted = std::chrono::duration_cast<Duration>(now - failing_since_);
  return PassNews{false, "check '" + name_ + "' succeeds again, after " + to_words(lasted)};
}

std::optional<PassNews> Standing::take(Verdict verdict, double seconds, TimePoint now) {
  if (verdict.trouble && verdict.trouble->reason == Reason::not_run) return leave_out(verdict.trouble->text);
  const bool success = !verdict.trouble;
  Verdict all;
  all.add(success_metric, success ? 1 : 0);
  all.add(duration_metric, seconds);
  if (!success) all.add(failure_info_metric, 1, Labels{{"reason", to_string(verdict.trouble->reason)}});
  add_windows(all, success, seconds, now);
  add_known_expiry(verdict, success, now);
  for (auto& fact : verdict.facts) {
    if (details_ || !fact.detail) all.facts.push_back(std::move(fact));
  }
  keep(all.facts);
  const bool ran_again = std::exchange(left_out_, 0) > 0;
  auto told = news(verdict.trouble, now);
  if (told || !ran_again) return told;
  return PassNews{!success, "check '" + name_ + "' is run again, and " + (success ? "succeeds" : "fails still")};
}

std::vector<Metric> standing_metrics() {
  return {success_metric, duration_metric, failure_info_metric, uptime_metric, quantile_metric};
}

void Standing::write(Batch& batch) const {
  for (const auto& kept : kept_) batch.add(kept.handle, kept.value);
}

}  // namespace sidewatch::probe
