// What a Redis server is asked beside INFO, each part a command (or a few) that fails alone.
//
// The one idea: what a part learned stands until it is asked again. A server that denies a command, or does not have
// it, is asked for it again after minutes only: each refusal is a line in the server's own ACL LOG. So is one whose
// answer ended two connections in a row, for otherwise it would end every one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/database/pass.h"
#include "collectors/database/redis/connection.h"
#include "collectors/database/series_cache.h"

namespace sidewatch::database::redis {

// Where a part puts its samples.
class Output {
 public:
  Output(SeriesCache& series, Batch& batch) : series_(series), batch_(batch) {}
  void add(const Metric& metric, double value, SeriesCache::LabelList labels = {}) {
    series_.add(batch_, metric, value, labels);
  }

  // Trouble with one thing among many, which keeps a part from nothing else. The first one is told.
  void note(const Failure& failure) {
    if (!noted_) noted_ = failure;
  }
  const std::optional<Failure>& noted() const { return noted_; }

 private:
  SeriesCache& series_;
  Batch& batch_;
  std::optional<Failure> noted_;
};

// What INFO told in this pass, for parts that go by it.
struct ServerFacts {
  bool cluster = false;
  bool sentinel = false;
  std::int64_t now = 0;  // seconds since 1970
};

class Part {
 public:
  Part(std::string_view name, Duration every, Catalog& catalog, const Labels& labels);
  virtual ~Part() = default;

  // Asks when it is due, and adds what it knows. Returns the Failure that ended the connection, if one did.
  std::optional<Failure> run(Connection& connection, const ServerFacts& facts, Pass& pass);

  // After a new connection, which may be to another server.
  void start_over();

 protected:
  virtual bool concerns(const ServerFacts&) const { return true; }
  virtual std::optional<Failure> ask(Connection& connection, const ServerFacts& facts, Output& output) = 0;
  // Called by start_over().
  virtual void forget() {}

 private:
  std::optional<Failure> ask_now(Connection& connection, const ServerFacts& facts, Pass& pass);

  const std::string_view name_;  // the label `query` of its errors
  const Duration every_;
  SeriesCache series_;
  Batch answer_;
  std::optional<Time> next_;
  std::optional<Failure> trouble_;
  int ended_connections_ = 0;  // in a row
};

// The parts, each in a file of its own. What they make of their metrics is listed by metric_groups() of redis.h.
std::unique_ptr<Part> make_cluster_part(Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_config_part(Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_slowlog_part(std::int64_t entries, Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_latency_part(Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_latency_histogram_part(Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_clients_part(std::int64_t series, Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_sentinel_part(Catalog& catalog, const Labels& labels);
std::unique_ptr<Part> make_keys_part(const RedisConfig& config, Catalog& catalog, const Labels& labels);

std::vector<Metric> cluster_metrics();
std::vector<Metric> config_metrics();
std::vector<Metric> slowlog_metrics();
std::vector<Metric> latency_metrics();
std::vector<Metric> client_metrics();
std::vector<Metric> sentinel_metrics();
std::vector<Metric> key_metrics();  // but those of stream_metrics()

}  // namespace sidewatch::database::redis
