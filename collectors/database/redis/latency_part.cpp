// LATENCY: the newest spike of each kind that the server noticed itself, and on request a histogram for each command.
#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr Metric spike_last{"redis_latency_spike_last", MetricType::gauge, "",
                            "When the newest latency spike of the event was, in seconds since 1970; there are none "
                            "while the server's latency-monitor-threshold is 0."};
constexpr Metric spike_duration{"redis_latency_spike_duration_seconds", MetricType::gauge, "seconds",
                                "How long the newest latency spike of the event took."};
constexpr Metric bucket{"redis_commands_latencies_usec_bucket", MetricType::histogram, "",
                        "On request (latency_histogram): calls of the command that took at most le microseconds."};
constexpr Metric sum{"redis_commands_latencies_usec_sum", MetricType::histogram, "",
                     "Microseconds that all calls of the command took."};
constexpr Metric count{"redis_commands_latencies_usec_count", MetricType::histogram, "", "Calls of the command."};

class LatencyPart final : public Part {
 public:
  LatencyPart(Catalog& catalog, const Labels& labels) : Part("latency latest", Duration(0), catalog, labels) {}

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"LATENCY", "LATEST"}, reply)) return failure;
    for (const auto& event : reply->elements) {  // name, time, milliseconds, most milliseconds
      if (event.elements.size() < 3) continue;
      const SeriesCache::LabelList labels{{"event_name", event.elements[0].text}};
      output.add(spike_last, static_cast<double>(event.elements[1].number), labels);
      output.add(spike_duration, static_cast<double>(event.elements[2].number) * 1e-3, labels);
    }
    return std::nullopt;
  }
};

// The sum that the histogram lacks: of the command itself, or of all its subcommands.
double microseconds_of(std::string_view command, std::string_view commandstats) {
  double total = 0;
  InfoLines lines(commandstats);
  InfoLine line;
  while (lines.next(line)) {
    std::string_view name = line.key;
    if (!name.starts_with("cmdstat_")) continue;
    name.remove_prefix(8);
    const bool within = name.starts_with(command) && (name.size() == command.size() || name[command.size()] == '|');
    if (within) total += number_of(value_in(line.value, "usec")).value_or(0);
  }
  return total;
}

class LatencyHistogramPart final : public Part {
 public:
  LatencyHistogramPart(Catalog& catalog, const Labels& labels)
      : Part("latency histogram", Duration(0), catalog, labels) {}

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"INFO", "commandstats"}, reply)) return failure;
    commandstats_ = reply->text;
    if (auto failure = connection.ask({"LATENCY", "HISTOGRAM"}, reply)) return failure;
    for (std::size_t i = 0; i + 1 < reply->elements.size(); i += 2) {
      add_command(reply->elements[i].text, reply->elements[i + 1].elements, output);
    }
    return std::nullopt;
  }

  // "calls", n, "histogram_usec", [bound, calls up to it, ...]
  void add_command(std::string_view cmd, const std::vector<Reply>& details, Output& output) const {
    if (details.size() < 4) return;
    const auto& bounds = details[3].elements;
    for (std::size_t i = 0; i + 1 < bounds.size(); i += 2) {
      output.add(bucket, static_cast<double>(bounds[i + 1].number),
                 {{"cmd", cmd}, {"le", std::to_string(bounds[i].number)}});
    }
    const auto calls = static_cast<double>(details[1].number);
    output.add(bucket, calls, {{"cmd", cmd}, {"le", "+Inf"}});
    output.add(count, calls, {{"cmd", cmd}});
    output.add(sum, microseconds_of(cmd, commandstats_), {{"cmd", cmd}});
  }

  std::string commandstats_;
};

}  // namespace

std::unique_ptr<Part> make_latency_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<LatencyPart>(catalog, labels);
}

std::unique_ptr<Part> make_latency_histogram_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<LatencyHistogramPart>(catalog, labels);
}

std::vector<Metric> latency_metrics() { return {spike_last, spike_duration, bucket, sum, count}; }

}  // namespace sidewatch::database::redis
