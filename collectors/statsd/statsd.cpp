// Listens between its passes, and writes in a pass what came together.
//
// An address that cannot be listened at (somebody else does) is tried again in each pass; the others work meanwhile.
#include "collectors/statsd/statsd.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "collectors/statsd/aggregate.h"
#include "collectors/statsd/events.h"
#include "collectors/statsd/listener.h"
#include "collectors/statsd/relay.h"

namespace sidewatch {
namespace statsd {
namespace {

constexpr Metric lines_metric{"sidewatch_statsd_lines_total", MetricType::counter, "", "Lines that arrived."};
constexpr Metric samples_metric{"sidewatch_statsd_samples_total", MetricType::counter, "",
                                "Values, events and service checks that were taken in."};
constexpr Metric errors_metric{"sidewatch_statsd_line_errors_total", MetricType::counter, "",
                               "Lines that could not be used, by reason."};
constexpr Metric sections_metric{"sidewatch_statsd_unknown_sections_total", MetricType::counter, "",
                                 "Parts of lines that no version of the protocol up to 1.6 has; left out."};
constexpr Metric names_metric{"sidewatch_statsd_names_refused_total", MetricType::counter, "",
                              "Lines of metrics that would have been more than max_names."};
constexpr Metric mapped_away_metric{"sidewatch_statsd_dropped_total", MetricType::counter, "",
                                    "Lines that a mapping drops."};
constexpr Metric unmapped_metric{"sidewatch_statsd_unmapped_total", MetricType::counter, "",
                                 "Series that were made of metrics that no mapping is for; 0 without mappings."};
constexpr Metric tags_metric{"sidewatch_statsd_tags_left_out_total", MetricType::counter, "",
                             "Tags in names that have no name or no value of their own, as they were first met "
                             "(tag_styles)."};
constexpr Metric coarse_metric{"sidewatch_statsd_coarse_total", MetricType::counter, "",
                               "Values for which there was no memory (max_bytes): not counted in their set, or only "
                               "roughly in their quantiles."};
constexpr Metric series_metric{"sidewatch_statsd_series", MetricType::gauge, "",
                               "What is counted apart: combinations of a metric and tags that were sent within ttl."};
constexpr Metric cut_metric{"sidewatch_statsd_cut_total", MetricType::counter, "",
                            "Datagrams and lines that were longer than 16 KiB; what was over is left out."};
constexpr Metric streams_metric{"sidewatch_statsd_streams", MetricType::gauge, "", "Connections that are open."};
constexpr Metric closed_metric{"sidewatch_statsd_streams_closed_total", MetricType::counter, "",
                               "Connections that were closed to make room for another (64 may be open)."};
constexpr Metric accept_metric{"sidewatch_statsd_accept_failures_total", MetricType::counter, "",
                               "Times that connections had to wait for the next pass, for want of file descriptors "
                               "or memory."};
constexpr Metric relayed_metric{"sidewatch_statsd_relayed_lines_total", MetricType::counter, "",
                                "Lines that were passed on, by the address that they went to."};
constexpr Metric relay_dropped_metric{"sidewatch_statsd_relay_dropped_lines_total", MetricType::counter, "",
                                      "Lines that could not be passed on at once, by the address that they were for."};
constexpr Metric packets_metric{"sidewatch_statsd_packets_total", MetricType::counter, "",
                                "Datagrams, and reads of connections, by transport."};
constexpr Metric bytes_metric{"sidewatch_statsd_bytes_total", MetricType::counter, "bytes", "Bytes, by transport."};
constexpr Metric dropped_metric{"sidewatch_statsd_packets_dropped_total", MetricType::counter, "",
                                "Datagrams that the kernel dropped because its buffer was full, by transport."};

// Numbers that are written as they stand, each under one series.
class OwnSeries {
 public:
  OwnSeries(Catalog& catalog, const std::vector<Endpoint>& endpoints, const Relay& relay) {
    for (const auto* metric : {&lines_metric, &samples_metric, &sections_metric, &names_metric, &mapped_away_metric,
                               &unmapped_metric, &tags_metric, &coarse_metric, &series_metric, &cut_metric, &streams_metric,
                               &closed_metric, &accept_metric}) {
      plain_.push_back(catalog.series(*metric, {}));
    }
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      errors_[i] = catalog.series(errors_metric, Labels{{"reason", to_string(static_cast<LineError>(i))}});
    }
    for (const auto& endpoint : endpoints) {
      auto& transport = transports_[static_cast<std::size_t>(endpoint.transport)];
      const Labels labels{{"transport", to_string(endpoint.transport)}};
      transport.packets = catalog.series(packets_metric, labels);
      transport.bytes = catalog.series(bytes_metric, labels);
      if (endpoint.transport == Transport::udp) transport.dropped = catalog.series(dropped_metric, labels);
    }
    for (std::size_t i = 0; i < relay.size(); ++i) {
      const Labels labels{{"address", relay.name(i)}};
      relays_.push_back({catalog.series(relayed_metric, labels), catalog.series(relay_dropped_metric, labels)});
    }
  }

  void write(const Aggregate& aggregate, const Listener::Counts& arrived, const Relay& relay, Batch& batch) const {
    const auto& counts = aggregate.counts();
    const std::array<std::uint64_t, 13> numbers{
        counts.lines,         counts.samples,  counts.unknown_sections, counts.names_refused,  counts.dropped,
        counts.unmapped,      counts.tags_left_out, counts.coarse,      aggregate.series(),    arrived.cut,
        arrived.streams,      arrived.streams_closed, arrived.accept_failures};
    for (std::size_t i = 0; i < numbers.size(); ++i) batch.add(plain_[i], static_cast<double>(numbers[i]));
    for (std::size_t i = 0; i < errors_.size(); ++i) batch.add(errors_[i], static_cast<double>(counts.errors[i]));
    for (std::size_t i = 0; i < transport_count; ++i) {
      batch.add(transports_[i].packets, static_cast<double>(arrived.packets[i]));
      batch.add(transports_[i].bytes, static_cast<double>(arrived.bytes[i]));
      batch.add(transports_[i].dropped, static_cast<double>(arrived.dropped[i]));
    }
    for (std::size_t i = 0; i < relays_.size(); ++i) {
      batch.add(relays_[i].lines, static_cast<double>(relay.counts(i).lines));
      batch.add(relays_[i].dropped, static_cast<double>(relay.counts(i).dropped));
    }
  }

 private:
  struct OfTransport {
    SeriesHandle packets, bytes, dropped;
  };
  std::vector<SeriesHandle> plain_;
  std::array<SeriesHandle, static_cast<std::size_t>(LineError::count)> errors_;
  std::array<OfTransport, transport_count> transports_;
  struct OfRelay {
    SeriesHandle lines, dropped;
  };
  std::vector<OfRelay> relays_;
};

class StatsdCollector final : public Collector {
 public:
  StatsdCollector(const StatsdConfig& config, Catalog& catalog)
      : aggregate_(catalog, config.aggregate, config.mapper),
        relay_(config.relay_to),
        listener_([this](std::string_view lines) { take(lines); }, [this] { relay_.flush(); }),
        closed_(config.endpoints),
        endpoints_(config.endpoints.size()),
        own_(catalog, config.endpoints, relay_) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    open_what_is_closed(outcome);
    if (auto trouble = relay_.refresh(now); !trouble.empty()) {
      outcome.partial_errors += 1;
      if (outcome.first_partial_error.empty()) outcome.first_partial_error = std::move(trouble);
    }
    if (closed_.size() == endpoints_) return Error{outcome.first_partial_error, ""};
    aggregate_.write(batch, now);
    own_.write(aggregate_, listener_.counts(), relay_, batch);
    if (auto news = aggregate_.news(now)) outcome.news.push_back(std::move(*news));
    return outcome;
  }

  void listen(int wake) override { listener_.receive(wake); }

 private:
  void take(std::string_view lines) {
    relay_.take(lines);
    aggregate_.take(lines);
  }

  void open_what_is_closed(PassOutcome& outcome) {
    std::erase_if(closed_, [&](const Endpoint& endpoint) {
      const auto opened = listener_.open(endpoint);
      if (opened) return true;
      outcome.partial_errors += 1;
      if (outcome.first_partial_error.empty()) outcome.first_partial_error = opened.error().text();
      return false;
    });
  }

  Aggregate aggregate_;
  Relay relay_;
  Listener listener_;
  std::vector<Endpoint> closed_;
  const std::size_t endpoints_;
  const OwnSeries own_;
};

}  // namespace

std::unique_ptr<Collector> make_statsd_collector(const StatsdConfig& config, Catalog& catalog) {
  return std::make_unique<StatsdCollector>(config, catalog);
}

}  // namespace statsd

std::vector<MetricGroup> statsd_metric_groups() {
  using namespace statsd;
  return {{"statsd", "About what arrives in the StatsD format. What the application sends has its own names.",
            {lines_metric, samples_metric, errors_metric, sections_metric, names_metric, mapped_away_metric,
            unmapped_metric, tags_metric, coarse_metric, series_metric, cut_metric, streams_metric, closed_metric,
            accept_metric, packets_metric, bytes_metric, dropped_metric, relayed_metric, relay_dropped_metric,
            event_metric, check_metric, recent_events_metric, check_message_metric}}};
}

}  // namespace sidewatch
