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

Standing::Standing(Catalog& catalog, std::string name, Labels labels)
    : catalog_(catalog), name_(std::move(name)), labels_(std::move(labels)) {
  for (const auto& kind : window_kinds) windows_.emplace_back(kind.slot, kind.slots);
}

void Standing::add_windows(Verdict& verdict, bool success, double seconds, TimePoint now) {
  const auto at = std::chrono::duration_cast<Duration>(now.time_since_epoch());
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    auto& window = windows_[i];
    window.add(at, success, success ? std::optional(seconds) : std::nullopt);
    const auto name = window_kinds[i].name;
    verdict.add(uptime_metric, window.success_ratio(), Labels{{"window", name}});
    if (!window_kinds[i].tells_quantiles) continue;
    for (const auto& quantile : quantiles) {
      const double value = window.quantile(quantile.q);
      if (std::isnan(value)) continue;
      verdict.add(quantile_metric, value, Labels{{"window", name}, {"quantile", quantile.name}});
    }
  }
}

// A run mostly writes the series of the one before, in the same order.
void Standing::keep(const std::vector<Fact>& facts) {
  std::vector<Kept> before = std::exchange(kept_, {});
  kept_.reserve(facts.size());
  std::size_t next = 0;
  for (const auto& fact : facts) {
    const auto is_it = [&](const Kept& kept) {
      return kept.metric == fact.metric && kept.handle && kept.labels == fact.labels;
    };
    auto found = before.begin() + static_cast<std::ptrdiff_t>(std::min(next, before.size()));
    if (found == before.end() || !is_it(*found)) found = std::find_if(before.begin(), before.end(), is_it);
    if (found != before.end()) {
      next = static_cast<std::size_t>(found - before.begin()) + 1;
      kept_.push_back(std::move(*found));
    } else {
      kept_.push_back({fact.metric, fact.labels, catalog_.series(*fact.metric, fact.labels.or_else(labels_)), 0});
    }
    kept_.back().value = fact.value;
  }
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
  const bool success = !verdict.trouble;
  Verdict all;
  all.add(success_metric, success ? 1 : 0);
  all.add(duration_metric, seconds);
  if (!success) all.add(failure_info_metric, 1, Labels{{"reason", to_string(verdict.trouble->reason)}});
  add_windows(all, success, seconds, now);
  std::move(verdict.facts.begin(), verdict.facts.end(), std::back_inserter(all.facts));
  keep(all.facts);
  return news(verdict.trouble, now);
}

std::vector<Metric> standing_metrics() {
  return {success_metric, duration_metric, failure_info_metric, uptime_metric, quantile_metric};
}

void Standing::write(Batch& batch) const {
  for (const auto& kept : kept_) batch.add(kept.handle, kept.value);
}

}  // namespace sidewatch::probe
