#include "collectors/database/redis/redis.h"

#include <chrono>
#include <utility>

#include "collectors/database/redis/connection.h"
#include "collectors/database/redis/info.h"
#include "collectors/database/redis/info_fields.h"
#include "collectors/database/redis/key_measures.h"
#include "collectors/database/redis/part.h"
#include "collectors/database/session.h"

namespace sidewatch::database::redis {
namespace {

constexpr Metric up{"redis_up", MetricType::gauge, "", "Whether the server answered."};
constexpr Metric last_error{"redis_exporter_last_scrape_error", MetricType::gauge, "",
                            "1 when the server did not answer; why is in the log and in "
                            "sidewatch_database_errors_total."};
constexpr Metric last_duration{"redis_exporter_last_scrape_duration_seconds", MetricType::gauge, "seconds",
                               "How long the last pass took."};

std::vector<std::unique_ptr<Part>> parts_of(const RedisConfig& config, Catalog& catalog, const Labels& labels) {
  std::vector<std::unique_ptr<Part>> parts;
  parts.push_back(make_cluster_part(catalog, labels));
  parts.push_back(make_sentinel_part(catalog, labels));
  if (config.server_config) parts.push_back(make_config_part(catalog, labels));
  if (config.slowlog) parts.push_back(make_slowlog_part(config.slowlog_entries, catalog, labels));
  if (config.latency) parts.push_back(make_latency_part(catalog, labels));
  if (config.latency_histogram) parts.push_back(make_latency_histogram_part(catalog, labels));
  if (config.clients) parts.push_back(make_clients_part(config.client_series, catalog, labels));
  if (!config.keys.empty()) parts.push_back(make_keys_part(config, catalog, labels));
  return parts;
}

class RedisCollector final : public Collector {
 public:
  RedisCollector(const RedisConfig& config, Catalog& catalog)
      : config_(config),
        labels_(config.instance.series_labels()),
        dialer_(config.server, config.tls),
        session_([this](std::unique_ptr<Connection>& made) { return Connection::open(config_, dialer_, made); }),
        failures_(catalog, "redis", labels_),
        series_(catalog, labels_),
        parts_(parts_of(config, catalog, labels_)) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    const auto begin = std::chrono::steady_clock::now();
    PassOutcome outcome;
    Pass pass{batch, outcome, failures_, now};
    const bool answered = ask_all(pass);
    if (!answered) batch.clear();  // what a connection told before it broke is not mixed with redis_up 0
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    Output output(series_, batch);
    output.add(up, answered ? 1 : 0);
    output.add(last_error, answered ? 0 : 1);
    output.add(last_duration, took.count());
    series_.end_round();
    failures_.write(batch);
    return outcome;
  }

 private:
  bool ask_all(Pass& pass) {
    Connection* connection = session_.connection(pass);
    if (!connection) return false;
    if (generation_ != session_.generation()) start_over();
    const Reply* reply = nullptr;
    auto failure = connection->ask({"INFO", config_.modules ? "everything" : "all"}, reply);
    if (failure && !failure->connection_lost) {
      pass.failures.count("info", failure->kind);
      pass.report("info", *failure);
      return false;
    }
    if (!failure) failure = ask_parts(*reply, *connection, pass);
    if (!failure) return true;
    session_.lost(pass, std::move(*failure));
    return false;
  }

  std::optional<Failure> ask_parts(const Reply& info, Connection& connection, Pass& pass) {
    session_.proved();
    Output output(series_, pass.batch);
    const ServerFacts facts = info_.add(info.text, pass.now, output);
    for (const auto& part : parts_) {
      if (auto failure = part->run(connection, facts, pass)) return failure;
    }
    return std::nullopt;
  }

  void start_over() {
    generation_ = session_.generation();
    info_.start_over();
    for (const auto& part : parts_) part->start_over();
  }

  const RedisConfig config_;
  const Labels labels_;
  Dialer dialer_;
  Session<Connection> session_;
  FailureCounts failures_;
  SeriesCache series_;
  InfoSamples info_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::uint64_t generation_ = 0;
};

template <class Fields>
std::vector<Metric> metrics_of(const Fields& fields) {
  std::vector<Metric> metrics;
  for (const auto& field : fields) metrics.push_back(field.metric);
  return metrics;
}

}  // namespace

std::unique_ptr<Collector> make_redis_collector(const RedisConfig& config, Catalog& catalog) {
  return std::make_unique<RedisCollector>(config, catalog);
}

std::vector<MetricGroup> metric_groups() {
  return {
      {"redis", "Every series of a server has the label instance, which is its name in the configuration.",
       {up, last_error, last_duration}},
      {"redis: ready to alert about", "What needs no arithmetic in a rule.", derived_metrics()},
      {"redis: commands, databases, replication", "From INFO; redis_exporter's names.", info_metrics()},
      {"redis: fields of INFO", "A field each, under redis_exporter's names; which there are depends on the server.",
       metrics_of(info_fields())},
      {"redis: cluster", "From CLUSTER INFO, on a node of a cluster.", cluster_metrics()},
      {"redis: settings", "From CONFIG GET.", config_metrics()},
      {"redis: slow log", "From SLOWLOG.", slowlog_metrics()},
      {"redis: latency", "From LATENCY.", latency_metrics()},
      {"redis: sentinel", "From SENTINEL, on a Sentinel.", sentinel_metrics()},
      {"redis: clients", "From CLIENT LIST.", client_metrics()},
      {"redis: keys", "Of the keys that check_keys names.", key_metrics()},
      {"redis: streams", "Of streams that check_keys names or matches with groups.", stream_metrics()},
      {"redis: modules", "From INFO everything, on request (modules).", metrics_of(module_fields())},
  };
}

}  // namespace sidewatch::database::redis
