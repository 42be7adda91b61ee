// SENTINEL: what a Sentinel knows of each primary that it watches, beside what INFO tells. Where it watches so many that
// a pass has no time for all, they have their turns: what was answered about one stands until it is asked again.
#include <array>
#include <map>
#include <string>

#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"
#include "collectors/database/turns.h"

namespace sidewatch::database::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_primaries = 500;
constexpr Duration time_for_primaries = 200ms;  // of a pass: each costs three commands

struct Detail {
  std::string_view key;
  Metric metric;
  double factor = 1;
};
constexpr std::array kDetails{
    Detail{"quorum", {"redis_sentinel_master_setting_ckquorum", MetricType::gauge, "",
                      "Sentinels that must find the primary down before it is."}},
    Detail{"failover-timeout", {"redis_sentinel_master_setting_failover_timeout", MetricType::gauge, "",
                                "The setting failover-timeout, in milliseconds."}},
    Detail{"parallel-syncs", {"redis_sentinel_master_setting_parallel_syncs", MetricType::gauge, "",
                              "The setting parallel-syncs."}},
    Detail{"down-after-milliseconds", {"redis_sentinel_master_setting_down_after_milliseconds", MetricType::gauge, "",
                                       "The setting down-after-milliseconds."}},
    Detail{"config-epoch", {"redis_sentinel_master_config_epoch", MetricType::gauge, "",
                            "Epoch of the primary's configuration: rises with each failover."}},
    Detail{"last-ok-ping-reply", {"redis_sentinel_master_last_ok_ping_reply_seconds", MetricType::gauge, "seconds",
                                  "Seconds since the primary last answered the Sentinel's PING."}, 1e-3},
};
constexpr Metric quorum{"redis_sentinel_master_ckquorum_status", MetricType::gauge, "",
                        "Whether enough Sentinels are there for a failover of the primary; message says it in words."};
constexpr Metric ok_sentinels{"redis_sentinel_master_ok_sentinels", MetricType::gauge, "",
                              "Sentinels that watch the primary and are well, this one included."};
constexpr Metric ok_slaves{"redis_sentinel_master_ok_slaves", MetricType::gauge, "",
                           "Replicas of the primary that are well."};

// Those of a list of maps that nobody finds down.
double count_ok(const Reply& reply) {
  double count = 0;
  for (const auto& one : reply.elements) {
    const auto flags = one.value_of("flags");
    if (!flags.empty() && flags.find("s_down") == std::string_view::npos &&
        flags.find("o_down") == std::string_view::npos) {
      ++count;
    }
  }
  return count;
}

class SentinelPart final : public Part {
 public:
  SentinelPart(Catalog& catalog, const Labels& labels) : Part("sentinel", Duration(0), catalog, labels) {}

 private:
  // What was answered about a primary when it last had its turn.
  struct Verdict {
    bool known = false;
    bool has_quorum = false;
    std::string message;
    double sentinels = 0;
    double replicas = 0;
    std::string address;  // of this pass
    bool watched = true;  // in this pass
  };

  bool concerns(const ServerFacts& facts) const override { return facts.sentinel; }
  void forget() override { verdicts_.clear(); }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"SENTINEL", "MASTERS"}, reply)) return failure;
    take_primaries(*reply, output);
    auto failure = take_turns(verdicts_, last_, time_for_primaries,
                              [&](auto& entry) { return ask_about(entry.first, entry.second, connection); });
    if (failure && failure->connection_lost) return failure;
    for (const auto& [name, verdict] : verdicts_) {
      if (!verdict.known) continue;
      output.add(quorum, verdict.has_quorum ? 1 : 0, {{"master_name", name}, {"message", verdict.message}});
      add(ok_sentinels, verdict.sentinels, name, verdict.address, output);
      add(ok_slaves, verdict.replicas, name, verdict.address, output);
    }
    return failure;
  }

  void take_primaries(const Reply& reply, Output& output) {
    for (auto& [name, verdict] : verdicts_) verdict.watched = false;
    std::size_t taken = 0;
    for (const auto& one : reply.elements) {
      const std::string name(one.value_of("name"));
      if (name.empty()) continue;
      if (++taken > most_primaries) break;
      Verdict& verdict = verdicts_[name];
      verdict.watched = true;
      verdict.address.assign(one.value_of("ip")).append(":").append(one.value_of("port"));
      for (const auto& detail : kDetails) {
        const auto number = number_of(one.value_of(detail.key));
        if (number) add(detail.metric, *number * detail.factor, name, verdict.address, output);
      }
    }
    std::erase_if(verdicts_, [](const auto& entry) { return !entry.second.watched; });
  }

  static std::optional<Failure> ask_about(const std::string& name, Verdict& verdict, Connection& connection) {
    const Reply* reply = nullptr;
    verdict.known = false;
    if (auto failure = connection.ask_for_any({"SENTINEL", "CKQUORUM", name}, reply)) return failure;
    verdict.has_quorum = reply->kind != Reply::Kind::error;
    verdict.message = reply->text;
    if (auto failure = connection.ask({"SENTINEL", "SENTINELS", name}, reply)) return failure;
    verdict.sentinels = 1 + count_ok(*reply);
    if (auto failure = connection.ask({"SENTINEL", "SLAVES", name}, reply)) return failure;
    verdict.replicas = count_ok(*reply);
    verdict.known = true;
    return std::nullopt;
  }

  static void add(const Metric& metric, double value, const std::string& name, const std::string& address,
                  Output& output) {
    output.add(metric, value, {{"master_name", name}, {"master_address", address}});
  }

  std::map<std::string, Verdict> verdicts_;  // by primary
  std::string last_;  // that was asked about
};

}  // namespace

std::unique_ptr<Part> make_sentinel_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<SentinelPart>(catalog, labels);
}

std::vector<Metric> sentinel_metrics() {
  std::vector<Metric> metrics{quorum, ok_sentinels, ok_slaves};
  for (const auto& detail : kDetails) metrics.push_back(detail.metric);
  return metrics;
}

}  // namespace sidewatch::database::redis
