// SENTINEL: what a Sentinel knows of each primary that it watches, beside what INFO tells.
#include <array>

#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr std::size_t most_primaries = 64;  // each costs three commands

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
  struct Primary {
    std::string name;
    std::string address;
  };

  bool concerns(const ServerFacts& facts) const override { return facts.sentinel; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"SENTINEL", "MASTERS"}, reply)) return failure;
    std::vector<Primary> primaries;
    for (const auto& one : reply->elements) {
      if (primaries.size() == most_primaries) break;
      Primary primary{std::string(one.value_of("name")), std::string(one.value_of("ip"))};
      if (primary.name.empty()) continue;
      primary.address.append(":").append(one.value_of("port"));
      for (const auto& detail : kDetails) {
        const auto number = number_of(one.value_of(detail.key));
        if (number) add(detail.metric, *number * detail.factor, primary, output);
      }
      primaries.push_back(std::move(primary));
    }
    for (const auto& primary : primaries) {
      if (auto failure = ask_about(primary, connection, output)) return failure;
    }
    return std::nullopt;
  }

  static std::optional<Failure> ask_about(const Primary& primary, Connection& connection, Output& output) {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask_for_any({"SENTINEL", "CKQUORUM", primary.name}, reply)) return failure;
    output.add(quorum, reply->kind == Reply::Kind::error ? 0 : 1,
               {{"master_name", primary.name}, {"message", reply->text}});
    if (auto failure = connection.ask({"SENTINEL", "SENTINELS", primary.name}, reply)) return failure;
    add(ok_sentinels, 1 + count_ok(*reply), primary, output);
    if (auto failure = connection.ask({"SENTINEL", "SLAVES", primary.name}, reply)) return failure;
    add(ok_slaves, count_ok(*reply), primary, output);
    return std::nullopt;
  }

  static void add(const Metric& metric, double value, const Primary& primary, Output& output) {
    output.add(metric, value, {{"master_name", primary.name}, {"master_address", primary.address}});
  }
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
