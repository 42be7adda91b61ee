#include "collectors/statsd/config.h"

#include <algorithm>
#include <utility>

#include "collectors/statsd/statsd.h"
#include "config/files.h"
#include "config/wording.h"

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

// Whether what is sent there arrives here again, as far as the addresses tell.
bool leads_back(const Endpoint& relay, const Endpoint& listen) {
  if (relay.transport != listen.transport || relay.port != listen.port || relay.path != listen.path) return false;
  const bool any = listen.host.empty() || listen.host == "0.0.0.0" || listen.host == "::";
  const bool loopback = relay.host.empty() || relay.host.starts_with("127.") || relay.host == "::1" ||
                        relay.host == "0.0.0.0";
  return relay.host == listen.host || (any && loopback);
}

void read_relay(config::Section& section, StatsdConfig& config) {
  if (config.relay.size() > max_addresses) {
    section.problem("relay", "more than " + std::to_string(max_addresses) + " addresses");
  }
  for (const auto& text : config.relay) {
    auto endpoint = parse_endpoint(text.value);
    if (!endpoint) {
      section.problem(text.mark, endpoint.error().what);
    } else if (endpoint->transport != Transport::udp && endpoint->transport != Transport::unix_datagram) {
      section.problem(text.mark, config::quote(text.value) + " takes no datagrams, in which lines are relayed: write "
                                                             "udp://host:8125 or unixgram:///run/other.sock");
    } else if (std::any_of(config.endpoints.begin(), config.endpoints.end(),
                           [&](const auto& own) { return leads_back(*endpoint, own); })) {
      section.problem(text.mark, config::quote(text.value) + " is where this agent listens itself: what is relayed "
                                                             "there would come back for ever");
    } else {
      config.relay_to.push_back(std::move(*endpoint));
    }
  }
}

void read_tag_styles(config::Section& section, StatsdConfig& config) {
  auto& styles = config.aggregate.tag_styles;
  for (const auto& style : config.tag_styles) {
    if (style.value == "librato") {
      styles.librato = true;
    } else if (style.value == "influx") {
      styles.influx = true;
    } else if (style.value == "signalfx") {
      styles.signalfx = true;
    } else {
      section.problem(style.mark, config::quote(style.value) + " is no style of tags; there are librato "
                                      "(name#tag=value), influx (name,tag=value) and signalfx (name[tag=value]); tags "
                                      "behind '#' at the end of a line are always read");
    }
  }
}

void read_mappings(config::Section& section, StatsdConfig& config) {
  for (const auto& pattern : config.mapping_files) {
    const auto files = config::files_matching(pattern.value, pattern.mark.file);
    for (const auto& file : files) config.mapper.load(file, section, pattern.mark);
  }
}

// Of addresses at which more than this machine can send. Empty: there are none.
std::string warning_of(const StatsdConfig& config) {
  std::string open;
  for (std::size_t i = 0; i < config.endpoints.size(); ++i) {
    if (is_open_to_others(config.endpoints[i])) open += (open.empty() ? "" : " and ") + config.listen[i].value;
  }
  if (open.empty()) return open;
  return "whoever reaches " + open + " can write metrics, and so raise and silence alerts: nobody is asked who he is; where "
         "only programs of this machine send, listen at 127.0.0.1";
}

std::string fingerprint_of(const StatsdConfig& config) {
  std::string text = std::to_string(config.aggregate.window.count()) + '\n' +
                     std::to_string(config.aggregate.ttl.count()) + '\n' + std::to_string(config.aggregate.max_names) + '\n' +
                     std::to_string(config.aggregate.max_bytes) + '\n' + std::to_string(config.aggregate.max_series);
  for (const auto* list : {&config.listen, &config.relay, &config.tag_styles}) {
    for (const auto& one : *list) text += '\n' + one.value;
    text += '\n';
  }
  const auto& events = config.aggregate.events;
  if (events.enabled) text += std::to_string(events.keep.count()) + ' ' + std::to_string(events.max);
  return text + '\n' + config.mapper.fingerprint();
}

}  // namespace

void declare(config::Section& section, EventOptions& options) {
  auto max = static_cast<std::int64_t>(options.max);
  section.optional("keep", options.keep, "an event is told about until none of its title came for so long",
                   config::between(1s, 24h));
  section.optional("max", max,
                   "titles of events, and messages of service checks, that are kept; further events are told as "
                   "'(other events)'",
                   config::between(1, 1000));
  options.max = static_cast<std::size_t>(max);
  options.enabled = true;
}

void declare(config::Section& section, StatsdConfig& config) {
  auto max_names = static_cast<std::int64_t>(config.aggregate.max_names);
  auto max_series = static_cast<std::int64_t>(config.aggregate.max_series);
  section.optional("listen", config.listen,
                   "where lines arrive: udp://, tcp://, unixgram:// (a path) or unix:// (a path); without a host "
                   "(udp://:8125) at every address of IPv4; udp://127.0.0.1:8125 when absent");
  section.optional("interval", config.interval, "how often what arrived becomes samples; agent.interval when absent",
                   config::between(100ms, 1h));
  section.optional("window", config.aggregate.window,
                   "how far back quantiles, least and most values and the sizes of sets look",
                   config::between(6s, 1h));
  section.optional("ttl", config.aggregate.ttl,
                   "a series that the application has not sent for so long is dropped, but what it counted is kept for "
                   "when it comes back; 0s: never",
                   config::between(0s, 168h));
  section.optional("relay", config.relay,
                   "where all lines are passed on to as they are: udp://host:port or unixgram:// (a path)");
  section.optional("tag_styles", config.tag_styles,
                   "tags in names that are read beside DogStatsD's: librato (name#tag=value), influx (name,tag=value), "
                   "signalfx (name[tag=value])");
  section.section("events", config.aggregate.events,
                  "keep what events and service checks say in words, so that alerts can say it; {} for the defaults");
  section.optional("mapping_files", config.mapping_files,
                   "files of mappings as statsd_exporter reads them, seen from the folder of this file");
  config::Bytes max_bytes{config.aggregate.max_bytes};
  section.optional("max_bytes", max_bytes, "memory for quantiles and sets; beyond it they become rough, which is counted",
                   config::between(config::Bytes{1 << 20}, config::Bytes{std::uint64_t{1} << 30}));
  config.aggregate.max_bytes = max_bytes.count;
  section.optional("max_series", max_series,
                   "series that are made of lines, those that ended and are still remembered (history.retention) among "
                   "them, the last tenth of them for metrics with less than ten label sets; further ones share one "
                   "series of their metric, with the label overflow",
                   config::between(1, 1'000'000));
  config.aggregate.max_series = static_cast<std::size_t>(max_series);
  section.optional("max_names", max_names, "lines of more metrics than these are counted and left out",
                   config::between(1, 100'000));
  config.aggregate.max_names = static_cast<std::size_t>(max_names);
  if (section.describing()) return;
  read_addresses(section, config);
  read_relay(section, config);
  read_tag_styles(section, config);
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
  plan.warning = statsd::warning_of(*config);
  plan.fingerprint = statsd::fingerprint_of(*config);
  plan.make = [config = std::move(*config)](const CollectorContext& context) {
    return statsd::make_statsd_collector(config, context.catalog);
  };
  plans.push_back(std::move(plan));
}

}  // namespace sidewatch
