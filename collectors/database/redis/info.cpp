#include "collectors/database/redis/info.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "collectors/database/redis/info_fields.h"
#include "collectors/database/redis/info_text.h"

namespace sidewatch::database::redis {
namespace {

enum InfoMetric : std::size_t {
  instance_info,
  start_time,
  db_keys,
  db_keys_expiring,
  db_keys_cached,
  db_avg_ttl,
  commands,
  command_seconds,
  command_rejected,
  command_failed,
  errors,
  latency_percentiles,
  latency_percentiles_sum,
  latency_percentiles_count,
  slave_offset,
  slave_lag,
  slave_info,
  master_link_up,
  master_last_io,
  master_sync,
  slave_repl_offset,
  sentinel_status,
  sentinel_slaves,
  sentinel_sentinels,
  thread_active,
  fragmentation,
};
constexpr std::array kMetrics{
    Metric{"redis_instance_info", MetricType::gauge, "",
           "Always 1; says of the server its role, version, mode, run_id and the like."},
    Metric{"redis_start_time_seconds", MetricType::gauge, "seconds",
           "When the server was started, in seconds since 1970."},
    Metric{"redis_db_keys", MetricType::gauge, "", "Keys of the database, expiring ones included."},
    Metric{"redis_db_keys_expiring", MetricType::gauge, "", "Keys of the database that have an expiry."},
    Metric{"redis_db_keys_cached", MetricType::gauge, "", "Keys of the database that are in memory (KeyDB)."},
    Metric{"redis_db_avg_ttl_seconds", MetricType::gauge, "seconds",
           "How long the database's keys with an expiry have still to live, on average."},
    Metric{"redis_commands_total", MetricType::counter, "", "Calls of the command."},
    Metric{"redis_commands_duration_seconds_total", MetricType::counter, "seconds",
           "Time that the command's calls took in the server."},
    Metric{"redis_commands_rejected_calls_total", MetricType::counter, "",
           "Calls of the command that were refused before they began (memory, privileges, number of arguments)."},
    Metric{"redis_commands_failed_calls_total", MetricType::counter, "", "Calls of the command that failed."},
    Metric{"redis_errors_total", MetricType::counter, "", "Errors that the server answered, by their first word."},
    Metric{"redis_latency_percentiles_usec", MetricType::summary, "",
           "Microseconds that calls of the command took, as percentiles since the server's start; quantile is in "
           "percent."},
    Metric{"redis_latency_percentiles_usec_sum", MetricType::summary, "",
           "Microseconds that all calls of the command took."},
    Metric{"redis_latency_percentiles_usec_count", MetricType::summary, "", "Calls of the command."},
    Metric{"redis_connected_slave_offset_bytes", MetricType::gauge, "bytes",
           "Bytes of replication that the replica has acknowledged."},
    Metric{"redis_connected_slave_lag_seconds", MetricType::gauge, "seconds",
           "Seconds since the replica last acknowledged."},
    Metric{"redis_slave_info", MetricType::gauge, "", "Always 1, on a replica; says whose it is."},
    Metric{"redis_master_link_up", MetricType::gauge, "", "Whether the replica is connected to its primary."},
    Metric{"redis_master_last_io_seconds_ago", MetricType::gauge, "",
           "Seconds since the replica last heard from its primary; -1 while they are not connected."},
    Metric{"redis_master_sync_in_progress", MetricType::gauge, "",
           "Whether the replica is being sent the whole data by its primary."},
    Metric{"redis_slave_repl_offset", MetricType::gauge, "", "Bytes of replication that the replica has received."},
    Metric{"redis_sentinel_master_status", MetricType::gauge, "",
           "Whether the Sentinel finds the primary well; master_status says how it finds it."},
    Metric{"redis_sentinel_master_slaves", MetricType::gauge, "", "Replicas of the primary that the Sentinel knows."},
    Metric{"redis_sentinel_master_sentinels", MetricType::gauge, "", "Sentinels that watch the primary."},
    Metric{"redis_active_time_io_thread_seconds_total", MetricType::counter, "seconds",
           "Time in which the I/O thread was at work (Valkey)."},
    Metric{"redis_memory_fragmentation_ratio", MetricType::gauge, "ratio",
           "redis_mem_fragmentation_ratio under its older name, which dashboards still ask for."},
};

enum DerivedMetric : std::size_t {
  memory_used_ratio,
  clients_used_ratio,
  hit_ratio,
  replica_lag_bytes,
  replication_lag,
  link_down,
  persistence_ok,
};
constexpr std::array kDerived{
    Metric{"sidewatch_redis_memory_used_ratio", MetricType::gauge, "ratio",
           "Memory used divided by maxmemory, 0 to 1; absent without a limit."},
    Metric{"sidewatch_redis_clients_used_ratio", MetricType::gauge, "ratio",
           "Clients divided by maxclients, 0 to 1."},
    Metric{"sidewatch_redis_keyspace_hit_ratio", MetricType::gauge, "ratio",
           "Share of the lookups since the last pass whose key was there, 0 to 1; absent when there were none."},
    Metric{"sidewatch_redis_replica_lag_bytes", MetricType::gauge, "bytes",
           "On a primary, for each replica: bytes of replication that it has not acknowledged yet."},
    Metric{"sidewatch_redis_replication_lag_seconds", MetricType::gauge, "seconds",
           "On a primary, for each replica (slave_ip, slave_port): seconds since it last acknowledged. On a replica, "
           "for its primary (master_host, master_port): seconds since it was last heard of."},
    Metric{"sidewatch_redis_link_down_seconds", MetricType::gauge, "seconds",
           "On a replica: seconds since the connection to its primary was lost; 0 while it is up."},
    Metric{"sidewatch_redis_persistence_ok", MetricType::gauge, "",
           "Whether the last snapshot, the last rewrite and the last write of the AOF went well, of what is enabled."},
};

double number_or(std::string_view text, double otherwise) { return number_of(text).value_or(otherwise); }

std::string_view after(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

bool is_numbered(std::string_view key, std::string_view prefix) {
  const auto number = after(key, prefix);
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
}

void add_command(std::string_view cmd, std::string_view list, bool as_summary, Output& output) {
  const SeriesCache::LabelList labels{{"cmd", cmd}};
  std::string_view key;
  std::string_view value;
  while (next_pair(list, key, value)) {
    const auto number = number_of(value);
    if (!number) continue;
    if (key == "calls") {
      output.add(kMetrics[commands], *number, labels);
      if (as_summary) output.add(kMetrics[latency_percentiles_count], *number, labels);
    } else if (key == "usec") {
      output.add(kMetrics[command_seconds], *number * 1e-6, labels);
      if (as_summary) output.add(kMetrics[latency_percentiles_sum], *number, labels);
    } else if (key == "rejected_calls") {
      output.add(kMetrics[command_rejected], *number, labels);
    } else if (key == "failed_calls") {
      output.add(kMetrics[command_failed], *number, labels);
    }
  }
}

void add_percentiles(std::string_view cmd, std::string_view list, Output& output) {
  std::string_view key;
  std::string_view value;
  while (next_pair(list, key, value)) {
    const auto number = number_of(value);
    if (number && key.starts_with('p')) {
      output.add(kMetrics[latency_percentiles], *number, {{"cmd", cmd}, {"quantile", key.substr(1)}});
    }
  }
}

// "name=shop,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=3"
void add_watched_primary(std::string_view list, Output& output) {
  const auto name = value_in(list, "name");
  const auto address = value_in(list, "address");
  const auto status = value_in(list, "status");
  output.add(kMetrics[sentinel_status], status == "ok" ? 1 : 0,
             {{"master_name", name}, {"master_address", address}, {"master_status", status}});
  const auto add = [&](InfoMetric metric, std::string_view key) {
    const auto number = number_of(value_in(list, key));
    if (number) output.add(kMetrics[metric], *number, {{"master_name", name}, {"master_address", address}});
  };
  add(sentinel_slaves, "slaves");
  add(sentinel_sentinels, "sentinels");
}

}  // namespace

// What is needed of the text once it is read to its end.
struct InfoSamples::Reading {
  struct Replica {
    std::string_view ip, port, state;
    double offset = 0;
    std::optional<double> lag;
  };
  ServerFacts facts;
  bool percentiles = false;  // there are any, so sums and counts belong to them
  std::string_view role, version, build, mode, os, policy, tcp_port, run_id, pid, replid, valkey, valkey_stage;
  std::string_view master_host, master_port, read_only;
  std::vector<Replica> replicas;
  std::optional<double> uptime, used_memory, max_memory, clients, max_clients, hits, misses, offset;
  std::optional<double> link_up, link_down_for, last_io;
  std::optional<double> rdb_ok, aof_enabled, aof_rewrite_ok, aof_write_ok;

  struct Text {
    std::string_view key;
    std::string_view Reading::* place;
  };
  struct Number {
    std::string_view key;
    std::optional<double> Reading::* place;
  };
  void note(const InfoLine& line);
};

void InfoSamples::Reading::note(const InfoLine& line) {
  static constexpr std::array texts{
      Text{"role", &Reading::role},           Text{"redis_version", &Reading::version},
      Text{"redis_build_id", &Reading::build}, Text{"redis_mode", &Reading::mode},
      Text{"os", &Reading::os},               Text{"maxmemory_policy", &Reading::policy},
      Text{"tcp_port", &Reading::tcp_port},   Text{"run_id", &Reading::run_id},
      Text{"process_id", &Reading::pid},      Text{"master_replid", &Reading::replid},
      Text{"valkey_version", &Reading::valkey}, Text{"valkey_release_stage", &Reading::valkey_stage},
      Text{"master_host", &Reading::master_host}, Text{"master_port", &Reading::master_port},
      Text{"slave_read_only", &Reading::read_only},
  };
  static constexpr std::array numbers{
      Number{"uptime_in_seconds", &Reading::uptime},
      Number{"used_memory", &Reading::used_memory},
      Number{"maxmemory", &Reading::max_memory},
      Number{"connected_clients", &Reading::clients},
      Number{"maxclients", &Reading::max_clients},
      Number{"keyspace_hits", &Reading::hits},
      Number{"keyspace_misses", &Reading::misses},
      Number{"master_repl_offset", &Reading::offset},
      Number{"master_link_down_since_seconds", &Reading::link_down_for},
      Number{"master_last_io_seconds_ago", &Reading::last_io},
      Number{"rdb_last_bgsave_status", &Reading::rdb_ok},
      Number{"aof_enabled", &Reading::aof_enabled},
      Number{"aof_last_bgrewrite_status", &Reading::aof_rewrite_ok},
      Number{"aof_last_write_status", &Reading::aof_write_ok},
  };
  for (const auto& text : texts) {
    if (text.key == line.key) this->*text.place = line.value;
  }
  for (const auto& number : numbers) {
    if (number.key == line.key) this->*number.place = number_of(line.value);
  }
  if (line.key == "cluster_enabled") facts.cluster = line.value == "1";
  if (line.section == "Sentinel") facts.sentinel = true;
  if (line.key == "master_link_status") link_up = line.value == "up" ? 1 : 0;
}

ServerFacts InfoSamples::add(std::string_view text, Time now, Output& output) {
  Reading reading;
  reading.facts.now = to_ms(now) / 1000;
  reading.percentiles = text.find("\nlatency_percentiles_usec_") != std::string_view::npos;
  for (auto& [name, seen] : databases_) seen = false;
  InfoLines lines(text);
  InfoLine line;
  while (lines.next(line)) add_line(line, reading, output);
  add_about_server(reading, now, output);
  add_databases(output);
  add_derived(reading, output);
  return reading.facts;
}

void InfoSamples::start_over() {
  databases_.clear();
  start_time_.reset();
  hits_.reset();
  misses_.reset();
}

void InfoSamples::add_line(const InfoLine& line, Reading& reading, Output& output) {
  const auto& [section, key, value] = line;
  if (section == "Commandstats") return add_command(after(key, "cmdstat_"), value, reading.percentiles, output);
  if (section == "Latencystats") return add_percentiles(after(key, "latency_percentiles_usec_"), value, output);
  if (section == "Keyspace") return add_database(key, value, output);
  if (section == "Errorstats") {
    const auto count = number_of(value_in(value, "count"));
    if (count) output.add(kMetrics[errors], *count, {{"err", after(key, "errorstat_")}});
    return;
  }
  if (section == "Sentinel" && is_numbered(key, "master")) return add_watched_primary(value, output);
  if (section == "Replication" && is_numbered(key, "slave")) {
    if (!value_in(value, "ip").empty()) {
      reading.replicas.push_back({value_in(value, "ip"), value_in(value, "port"), value_in(value, "state"),
                                  number_or(value_in(value, "offset"), 0), number_of(value_in(value, "lag"))});
    }
    return;
  }
  reading.note(line);
  const auto number = number_of(value);
  if (!number) return;
  if (const auto thread = after(key, "used_active_time_io_thread_"); !thread.empty()) {
    output.add(kMetrics[thread_active], *number, {{"thread", thread}});
    return;
  }
  const auto about_primary = [&](InfoMetric metric) {
    output.add(kMetrics[metric], *number, {{"master_host", reading.master_host}, {"master_port", reading.master_port}});
  };
  if (key == "master_last_io_seconds_ago") return about_primary(master_last_io);
  if (key == "master_sync_in_progress") return about_primary(master_sync);
  if (key == "slave_repl_offset") return about_primary(slave_repl_offset);
  if (key == "mem_fragmentation_ratio") output.add(kMetrics[fragmentation], *number);
  if (const auto* field = find_info_field(key)) output.add(field->metric, *number * field->factor);
}

void InfoSamples::add_about_server(const Reading& reading, Time now, Output& output) {
  const bool replica = reading.role == "slave";
  output.add(kMetrics[instance_info], 1,
             {{"role", reading.role},
              {"redis_version", reading.version},
              {"redis_build_id", reading.build},
              {"redis_mode", reading.mode},
              {"os", reading.os},
              {"maxmemory_policy", reading.policy},
              {"tcp_port", reading.tcp_port},
              {"run_id", reading.run_id},
              {"process_id", reading.pid},
              {"master_replid", reading.replid},
              {"valkey_version", reading.valkey},
              {"valkey_release_stage", reading.valkey_stage}});
  if (replica) {
    output.add(kMetrics[slave_info], 1, {{"master_host", reading.master_host},
                                         {"master_port", reading.master_port},
                                         {"read_only", reading.read_only}});
  }
  if (reading.link_up) {
    output.add(kMetrics[master_link_up], *reading.link_up,
               {{"master_host", reading.master_host}, {"master_port", reading.master_port}});
  }
  if (reading.uptime) {
    // Both are whole seconds, so their difference wavers; a start does not.
    const double started = std::floor(static_cast<double>(to_ms(now)) / 1000.0) - *reading.uptime;
    if (!start_time_ || std::abs(*start_time_ - started) > 2) start_time_ = started;
    output.add(kMetrics[start_time], *start_time_);
  }
}

void InfoSamples::add_database(std::string_view name, std::string_view list, Output& output) {
  if (!is_numbered(name, "db")) return;
  const auto known = databases_.find(name);
  if (known != databases_.end()) {
    known->second = true;
  } else {
    databases_.emplace(name, true);
  }
  const auto add = [&](InfoMetric metric, std::string_view key, double factor) {
    const auto number = number_of(value_in(list, key));
    if (number) output.add(kMetrics[metric], *number * factor, {{"db", name}});
  };
  add(db_keys, "keys", 1);
  add(db_keys_expiring, "expires", 1);
  add(db_avg_ttl, "avg_ttl", 1e-3);
  add(db_keys_cached, "cached_keys", 1);
}

// A database whose last key is gone has 0 keys, and is not gone itself.
void InfoSamples::add_databases(Output& output) {
  for (const auto& [name, seen] : databases_) {
    if (seen) continue;
    output.add(kMetrics[db_keys], 0, {{"db", name}});
    output.add(kMetrics[db_keys_expiring], 0, {{"db", name}});
  }
}

void InfoSamples::add_derived(const Reading& reading, Output& output) {
  if (reading.used_memory && reading.max_memory && *reading.max_memory > 0) {
    output.add(kDerived[memory_used_ratio], *reading.used_memory / *reading.max_memory);
  }
  if (reading.clients && reading.max_clients && *reading.max_clients > 0) {
    output.add(kDerived[clients_used_ratio], *reading.clients / *reading.max_clients);
  }
  if (reading.hits && reading.misses && hits_ && misses_ && *reading.hits >= *hits_ && *reading.misses >= *misses_) {
    const double hits = *reading.hits - *hits_;
    const double all = hits + *reading.misses - *misses_;
    if (all > 0) output.add(kDerived[hit_ratio], hits / all);
  }
  hits_ = reading.hits;
  misses_ = reading.misses;
  for (const auto& replica : reading.replicas) {
    const SeriesCache::LabelList stated{
        {"slave_ip", replica.ip}, {"slave_port", replica.port}, {"slave_state", replica.state}};
    const SeriesCache::LabelList labels{{"slave_ip", replica.ip}, {"slave_port", replica.port}};
    output.add(kMetrics[slave_offset], replica.offset, stated);
    if (replica.lag && *replica.lag >= 0) {
      output.add(kMetrics[slave_lag], *replica.lag, stated);
      output.add(kDerived[replication_lag], *replica.lag, labels);
    }
    if (!reading.offset) continue;
    output.add(kDerived[replica_lag_bytes], std::max(*reading.offset - replica.offset, 0.0), labels);
  }
  if (reading.role == "slave") {
    // One that never had a connection counts from 1970.
    const double down = reading.link_up.value_or(0) > 0
                            ? 0
                            : std::clamp(reading.link_down_for.value_or(0), 0.0, reading.uptime.value_or(1e9));
    output.add(kDerived[link_down], down);
    const double silent = std::max({reading.last_io.value_or(0), down, 0.0});
    output.add(kDerived[replication_lag], silent,
               {{"master_host", reading.master_host}, {"master_port", reading.master_port}});
  }
  if (reading.rdb_ok) {
    const bool aof = reading.aof_enabled.value_or(0) > 0;
    const bool aof_ok = reading.aof_rewrite_ok.value_or(1) > 0 && reading.aof_write_ok.value_or(1) > 0;
    output.add(kDerived[persistence_ok], *reading.rdb_ok > 0 && (!aof || aof_ok) ? 1 : 0);
  }
}

std::vector<Metric> info_metrics() { return {kMetrics.begin(), kMetrics.end()}; }
std::vector<Metric> derived_metrics() { return {kDerived.begin(), kDerived.end()}; }

}  // namespace sidewatch::database::redis
