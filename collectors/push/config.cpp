// What the `push` key of the configuration says.
#include "collectors/push/push.h"
#include "config/literals.h"

namespace sidewatch::push {
namespace {

using namespace std::chrono_literals;
using config::between;

std::vector<std::string> written(const std::vector<double>& numbers) {
  std::vector<std::string> texts;
  for (const double number : numbers) texts.push_back(config::write_number(number));
  return texts;
}

// A list of numbers that rise, from `low` to `high`.
void declare_rising(config::Section& section, std::string_view key, std::vector<double>& numbers, double low,
                    double high, std::string_view help) {
  std::vector<std::string> texts = written(numbers);
  section.optional(key, texts, help);
  if (section.describing()) return;
  std::vector<double> read;
  for (const auto& text : texts) {
    const auto number = config::parse_number(text);
    if (!number || *number < low || *number > high) {
      section.problem(key, "'" + text + "' is not a number from " + config::write_number(low) + " to " +
                               config::write_number(high));
      return;
    }
    if (!read.empty() && *number <= read.back()) {
      return section.problem(key, "the numbers must rise, and " + text + " does not");
    }
    read.push_back(*number);
  }
  if (read.empty() || read.size() > 50) return section.problem(key, "1 to 50 numbers are needed");
  numbers = std::move(read);
}

void declare_size(config::Section& section, std::string_view key, std::size_t& size, std::int64_t most,
                  std::string_view help) {
  auto number = static_cast<std::int64_t>(size);
  section.optional(key, number, help, between<std::int64_t>(1, most));
  size = static_cast<std::size_t>(number);
}

}  // namespace

void declare(config::Section& section, JsonPushConfig& config) {
  auto& limits = config.limits;
  section.optional("interval", config.interval, "how often what was pushed becomes samples; agent.interval when absent",
                   between(100ms, 1h));
  section.optional("ttl", limits.ttl, "a series that nobody has pushed for so long is dropped; 0s: never",
                   between(0s, 168h));
  declare_rising(section, "buckets", limits.buckets, -1e300, 1e300,
                 "upper bounds of the buckets of histograms, rising");
  declare_rising(section, "quantiles", limits.quantiles, 0, 1, "quantiles of summaries, from 0 to 1, rising");
  section.optional("window", limits.window, "how far back quantiles look", between(6s, 1h));
  declare_size(section, "max_series", limits.max_series, 1'000'000,
               "series that stand, a histogram or a summary as one; further ones are refused (429)");
  declare_size(section, "max_names", limits.max_names, 100'000, "names of metrics; likewise");
  declare_size(section, "max_observed", limits.max_observed, 100'000,
               "histograms and summaries among the series, each of which is many on /metrics; likewise");
  section.optional("max_metrics", config.max_metrics, "metrics in one request; a larger one is refused whole",
                   between<std::int64_t>(1, 100'000));
}

std::string fingerprint_of(const JsonPushConfig& config) {
  const auto& limits = config.limits;
  std::string text;
  for (const auto number :
       {static_cast<std::int64_t>(limits.ttl.count()), static_cast<std::int64_t>(limits.window.count()),
        static_cast<std::int64_t>(limits.max_series), static_cast<std::int64_t>(limits.max_names),
        static_cast<std::int64_t>(limits.max_observed), config.max_metrics}) {
    text += std::to_string(number) + '\n';
  }
  for (const auto& bound : written(limits.buckets)) text += bound + ' ';
  text += '\n';
  for (const auto& quantile : written(limits.quantiles)) text += quantile + ' ';
  return text;
}

}  // namespace sidewatch::push
