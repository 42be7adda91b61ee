// What the `otlp` key of the configuration says.
#include <chrono>

#include "collectors/otlp/otlp.h"

namespace sidewatch::otlp {
namespace {

using namespace std::chrono_literals;
using config::between;

constexpr std::int64_t most_per_doubling = 8;

}  // namespace

void declare(config::Section& section, OtlpConfig& config) {
  auto& translation = config.translation;
  auto& limits = config.limits;
  section.optional("interval", config.interval, "how often what was sent becomes samples; agent.interval when absent",
                   between(100ms, 1h));
  section.optional("ttl", limits.ttl, "a series that nobody has sent for so long ends; 0s: never", between(0s, 168h));
  section.choice("names", translation.names, {{"prometheus", NameStyle::prometheus}, {"as_sent", NameStyle::as_sent}},
                 "prometheus: with the unit and _total behind them; as_sent: only what may not stand in a name is replaced");
  section.optional("promote_resource_attributes", translation.promote,
                   "attributes of the resource that become labels of every series, as in [deployment.environment]; the "
                   "others are labels of target_info");
  section.optional("scope_labels", translation.scope_labels,
                   "whether series get the labels otel_scope_name, otel_scope_version and those of the scope's attributes");
  std::int64_t per_doubling = std::int64_t{1} << limits.finest_scale;
  section.optional("buckets_per_doubling", per_doubling,
                   "1, 2, 4 or 8: how fine the buckets are that exponential histograms become", between<std::int64_t>(1, most_per_doubling));
  auto max_series = static_cast<std::int64_t>(limits.max_series);
  section.optional("max_series", max_series,
                   "series that stand, or that ended and are still remembered (history.retention); what needs further ones "
                   "is refused or left out",
                   between<std::int64_t>(1, 1'000'000));
  limits.max_series = static_cast<std::size_t>(max_series);
  auto max_metrics = static_cast<std::int64_t>(limits.max_metrics);
  section.optional("max_metrics", max_metrics, "metrics, by their names, that stand; likewise refused beyond",
                   between<std::int64_t>(1, 100'000));
  limits.max_metrics = static_cast<std::size_t>(max_metrics);
  if (section.describing()) return;
  limits.finest_scale = 0;
  while (std::int64_t{1} << limits.finest_scale < per_doubling) ++limits.finest_scale;
  if (std::int64_t{1} << limits.finest_scale != per_doubling) {
    section.problem("buckets_per_doubling", std::to_string(per_doubling) + " is not 1, 2, 4 or 8");
  }
}

std::string fingerprint_of(const OtlpConfig& config) {
  const auto& translation = config.translation;
  const auto& limits = config.limits;
  std::string text = std::to_string(limits.ttl.count()) + '\n' + std::to_string(limits.finest_scale) + '\n' +
                     std::to_string(limits.max_series) + '\n' + std::to_string(limits.max_metrics) + '\n' +
                     std::to_string(static_cast<int>(translation.names)) + '\n' +
                     std::to_string(translation.scope_labels);
  for (const auto& attribute : translation.promote) text += '\n' + attribute;
  return text;
}

}  // namespace sidewatch::otlp
