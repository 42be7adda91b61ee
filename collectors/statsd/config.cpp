#include "collectors/statsd/config.h"

#include <utility>

#include "collectors/statsd/statsd.h"
#include "config/files.h"

namespace sidewatch {
namespace statsd {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view default_address = "udp://127.0.0.1:8125";  // where client libraries send by default
constexpr std::size_t max_addresses = 8;

void read_addresses(config::Section& section, StatsdConfig& config) {
  if (!section.has("listen")) config.listen = {{std::string(default_address), section.mark()}};
  if (config.listen.empty()) section.problem("listen", "without an address nothing can arrive");
  if (config.listen.size() > max_addresses) {
    section.problem("listen", "more than " + std::to_string(max_addresses) + " addresses");
  }
  for (const auto& text : config.listen) {
    auto endpoint = parse_endpoint(text.value);
    if (endpoint) {
      config.endpoints.push_back(std::move(*endpoint));
    } else {
      section.problem(text.mark, endpoint.error().what);
    }
  }
}

void read_mappings(config::Section& section, StatsdConfig& config) {
  for (const auto& pattern : config.mapping_files) {
    const auto files = config::files_matching(pattern.value, pattern.mark.file);
    for (const auto& file : files) config.mapper.load(file, section, pattern.mark);
  }
}

std::string fingerprint_of(const StatsdConfig& config) {
  std::string text = std::to_string(config.aggregate.window.count()) + '\n' +
                     std::to_string(config.aggregate.ttl.count()) + '\n' + std::to_string(config.aggregate.max_names) + '\n' +
                     std::to_string(config.aggregate.max_bytes);
  for (const auto& address : config.listen) text += '\n' + address.value;
  return text + '\n' + config.mapper.fingerprint();
}

}  // namespace

void declare(config::Section& section, StatsdConfig& config) {
  auto max_names = static_cast<std::int64_t>(config.aggregate.max_names);
  section.optional("listen", config.listen,
                   "where lines arrive: udp://, tcp://, unixgram:// (a path) or unix:// (a path); udp://127.0.0.1:8125 "
                   "when absent");
  section.optional("interval", config.interval, "how often what arrived becomes samples; agent.interval when absent",
                   config::between(100ms, 1h));
  section.optional("window", config.aggregate.window,
                   "how far back quantiles, least and most values and the sizes of sets look",
                   config::between(6s, 1h));
  section.optional("ttl", config.aggregate.ttl,
                   "a series that the application has not sent for so long is dropped; 0s: never",
                   config::between(0s, 168h));
  section.optional("mapping_files", config.mapping_files,
                   "files of mappings as statsd_exporter reads them, seen from the folder of this file");
  config::Bytes max_bytes{config.aggregate.max_bytes};
  section.optional("max_bytes", max_bytes, "memory for quantiles and sets; beyond it they become rough, which is counted",
                   config::between(config::Bytes{1 << 20}, config::Bytes{std::uint64_t{1} << 30}));
  config.aggregate.max_bytes = max_bytes.count;
  section.optional("max_names", max_names, "lines of more metrics than these are counted and left out",
                   config::between(1, 100'000));
  config.aggregate.max_names = static_cast<std::size_t>(max_names);
  if (section.describing()) return;
  read_addresses(section, config);
  read_mappings(section, config);
}

}  // namespace statsd

void configure_statsd(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<statsd::StatsdConfig> config;
  collectors.section("statsd", config,
                     "the application's own counters, gauges and timings, sent in the StatsD or DogStatsD format");
  if (!config) return;
  CollectorPlan plan;
  plan.name = "statsd";
  plan.interval = config->interval;
  plan.listens = true;
  for (const auto& address : config->listen) {
    plan.watches += (plan.watches.empty() ? "what the application sends to " : ", ") + address.value;
  }
  plan.fingerprint = statsd::fingerprint_of(*config);
  plan.make = [config = std::move(*config)](const CollectorContext& context) {
    return statsd::make_statsd_collector(config, context.catalog);
  };
  plans.push_back(std::move(plan));
}

}  // namespace sidewatch
