#include "collectors/database/redis/config.h"

#include <utility>

#include "collectors/database/redis/redis.h"

namespace sidewatch {
namespace database::redis {
namespace {

constexpr int default_port = 6379;
constexpr std::size_t most_checks = 64;

void check_key(config::Section& section, const KeyCheck& check) {
  if (check.key.empty() == check.pattern.empty()) {
    section.problem(section.mark(), "give either key (its name) or pattern (such as \"queue:*\")");
  }
  if (check.count && check.pattern.empty()) section.problem("count", "only what a pattern matches can be counted");
  if (check.count && check.groups) section.problem("groups", "keys that are only counted are not looked at: leave out count");
}

std::string fingerprint_of(const RedisConfig& config) {
  std::string text = database::fingerprint_of(config.instance) + database::fingerprint_of(config.tls);
  text += '\n' + config.address.value + '\n' + config.user + '\n' + config.password.reveal() + '\n';
  for (const bool wanted : {config.server_config, config.slowlog, config.latency, config.latency_histogram,
                            config.clients, config.modules}) {
    text += wanted ? '+' : '-';
  }
  for (const auto number : {config.client_series, config.slowlog_entries, config.max_keys, config.scan_budget}) {
    text += ' ' + std::to_string(number);
  }
  for (const auto& check : config.keys) {
    text += '\n' + check.key + '\t' + check.pattern + '\t' + std::to_string(check.db) + (check.count ? "#" : "") +
            (check.groups ? "g" : "");
  }
  return text;
}

CollectorPlan plan_of(const RedisConfig& config) {
  CollectorPlan plan;
  plan.name = "redis:" + config.instance.name.value;
  plan.interval = config.instance.interval;
  plan.watches = "Redis at " + config.server.text();
  plan.fingerprint = fingerprint_of(config);
  plan.make = [config](const CollectorContext& context) { return make_redis_collector(config, context.catalog); };
  return plan;
}

}  // namespace

void declare(config::Section& section, KeyCheck& check) {
  section.optional("key", check.key, "the name of one key");
  section.optional("pattern", check.pattern, "all keys that match, as SCAN takes it: \"queue:*\"");
  section.optional("count", check.count, "of a pattern: only how many keys match, not what each is like");
  section.optional("groups", check.groups, "of streams: their entries, consumer groups and consumers");
  section.optional("db", check.db, "the number of the database", config::between(0, 1'000'000));
  if (!section.describing()) check_key(section, check);
}

void declare(config::Section& section, RedisConfig& config) {
  declare_instance(section, config.instance);
  section.required("address", config.address,
                   "where it listens: 127.0.0.1:6379, a Unix socket such as /run/redis/redis.sock, or the address of a "
                   "Sentinel");
  section.optional("user", config.user, "of the server's ACL (Redis 6); the user default when absent");
  section.optional("password", config.password,
                   "such as \"${file:/run/secrets/redis}\"; the file is read again whenever the agent connects");
  section.section("tls", config.tls, "when the server wants TLS");
  section.optional("config", config.server_config, "ask CONFIG GET for the limits that samples are held against");
  section.optional("slowlog", config.slowlog, "ask SLOWLOG for its length and its newest entry");
  section.optional("slowlog_entries", config.slowlog_entries,
                   "tell of so many of the newest slow commands, with name and first argument (mostly the key)",
                   config::between(0, 100));
  section.optional("latency", config.latency, "ask LATENCY LATEST for spikes that the server noticed");
  section.optional("latency_histogram", config.latency_histogram,
                   "ask LATENCY HISTOGRAM (Redis 7) for a histogram of each command: about 20 series for each");
  section.optional("clients", config.clients,
                   "ask CLIENT LIST in each pass for the largest buffers; with thousands of clients that is work for "
                   "the server");
  section.optional("client_series", config.client_series,
                   "with clients: tell of so many clients one by one, about ten series for each: those that need the most "
                   "memory",
                   config::between(0, 1000));
  section.optional("modules", config.modules, "ask INFO everything, for what modules tell");
  section.list("check_keys", config.keys, "keys to tell of: their size, memory and (a number) value");
  section.optional("max_keys", config.max_keys, "most keys that patterns without count tell of",
                   config::between(1, 1000));
  section.optional("scan_budget", config.scan_budget,
                   "most keys that SCAN looks at in one pass; a larger database takes several passes",
                   config::between(100, 1'000'000));
  if (section.describing()) return;
  if (config.keys.size() > most_checks) {
    section.problem("check_keys", "more than " + std::to_string(most_checks) + " of them");
  }
  if (config.client_series > 0 && !config.clients) {
    section.problem("client_series", "the clients are only asked for with clients: true");
  }
  if (!section.has("address")) return;
  const auto server = parse_address(config.address.value, default_port);
  if (server) {
    config.server = *server;
  } else {
    section.problem("address", "'" + config.address.value +
                                   "' is not an address: write 127.0.0.1:6379, or /run/redis/redis.sock");
  }
}

}  // namespace database::redis

void configure_redis(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<database::redis::RedisConfig> servers;
  collectors.list("redis", servers,
                  "servers of Redis, Valkey or KeyDB, Sentinels and nodes of a cluster, under redis_exporter's metric "
                  "names; one entry for each server");
  std::vector<const database::InstanceConfig*> all;
  for (const auto& server : servers) all.push_back(&server.instance);
  database::check_names(collectors, "redis", all);
  for (const auto& server : servers) plans.push_back(database::redis::plan_of(server));
}

std::vector<MetricGroup> redis_metric_groups() { return database::redis::metric_groups(); }

}  // namespace sidewatch
