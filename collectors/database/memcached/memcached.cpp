#include "collectors/database/memcached/memcached.h"

#include <array>
#include <string>
#include <utility>

#include "collectors/database/memcached/connection.h"
#include "collectors/database/memcached/stats.h"
#include "collectors/database/session.h"

namespace sidewatch::database::memcached {
namespace {

constexpr Metric up{"memcached_up", MetricType::gauge, "", "Whether the server answered."};

class MemcachedCollector final : public Collector {
 public:
  MemcachedCollector(const MemcachedConfig& config, Catalog& catalog)
      : config_(config),
        labels_(config.instance.series_labels()),
        dialer_(config.server, config.tls),
        session_([this](std::unique_ptr<Connection>& made) { return Connection::open(config_, dialer_, made); }),
        failures_(catalog, "memcached", labels_),
        series_(catalog, labels_) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    Pass pass{batch, outcome, failures_, now};
    const bool answered = ask_all(pass);
    if (answered) stats_.add({texts_[0], texts_[1], texts_[2], texts_[3]}, series_, batch);
    series_.add(batch, up, answered ? 1 : 0);
    series_.end_round();
    failures_.write(batch);
    return outcome;
  }

 private:
  static constexpr std::array<std::string_view, 4> questions{"stats", "stats settings", "stats slabs", "stats items"};

  bool ask_all(Pass& pass) {
    Connection* connection = session_.connection(pass);
    if (!connection) return false;
    if (std::exchange(generation_, session_.generation()) != session_.generation()) stats_.start_over();
    for (std::size_t i = 0; i < (config_.slabs ? questions.size() : 2); ++i) {
      std::string_view lines;
      if (auto failure = connection->ask(questions[i], lines)) {
        session_.lost(pass, std::move(*failure));
        return false;
      }
      texts_[i] = lines;
    }
    session_.proved();
    return true;
  }

  const MemcachedConfig config_;
  const Labels labels_;
  Dialer dialer_;
  Session<Connection> session_;
  FailureCounts failures_;
  SeriesCache series_;
  StatsSamples stats_;
  std::array<std::string, questions.size()> texts_;
  std::uint64_t generation_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_memcached_collector(const MemcachedConfig& config, Catalog& catalog) {
  return std::make_unique<MemcachedCollector>(config, catalog);
}

std::vector<MetricGroup> metric_groups() {
  std::vector<MetricGroup> groups{
      {"memcached", "Every series of a server has the label instance, which is its name in the configuration.", {up}}};
  for (auto& group : stats_metric_groups()) groups.push_back(std::move(group));
  return groups;
}

}  // namespace sidewatch::database::memcached
