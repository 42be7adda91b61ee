// What becomes of the text of INFO, of servers that no test can start: old ones, Valkey, KeyDB.
#include "collectors/database/redis/info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/database/redis/info_fields.h"
#include "collectors/database/redis/info_text.h"
#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database::redis {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class RedisInfo : public ::testing::Test {
 protected:
  std::map<std::string, double> samples_of(std::string_view text) {
    auto pass = under.pass();
    Output output(series, pass.batch);
    facts = info.add(text, under.now, output);
    series.end_round();
    return under.samples();
  }

  DatabaseUnderTest under;
  SeriesCache series{under.catalog, Labels{}};
  InfoSamples info;
  ServerFacts facts;
};

TEST_F(RedisInfo, NamesFieldsAsRedisExporterDoes) {
  const auto samples = samples_of(
      "# Memory\r\nused_memory:1000\r\nused_memory_human:1000B\r\nmaxmemory:4000\r\n# Stats\r\nlatest_fork_usec:2500\r\n"
      "total_net_input_bytes:83\r\nno_such_field:1\r\n# Persistence\r\nrdb_last_bgsave_status:err\r\n");
  EXPECT_THAT(samples, IsSupersetOf({Pair("redis_memory_used_bytes", 1000.0), Pair("redis_memory_max_bytes", 4000.0),
                                     Pair("redis_latest_fork_seconds", 0.0025), Pair("redis_net_input_bytes_total", 83.0),
                                     Pair("redis_rdb_last_bgsave_status", 0.0),
                                     Pair("sidewatch_redis_memory_used_ratio", 0.25),
                                     Pair("sidewatch_redis_persistence_ok", 0.0)}));
  EXPECT_THAT(samples, Not(Contains(Key("redis_no_such_field"))));
}

TEST_F(RedisInfo, ReadsCommandsOfOldAndNewServers) {
  const auto old_ones = samples_of("# Commandstats\r\ncmdstat_get:calls=21,usec=175,usec_per_call=8.33\r\n");
  EXPECT_THAT(old_ones, IsSupersetOf({Pair("redis_commands_total{cmd=\"get\"}", 21.0),
                                      Pair("redis_commands_duration_seconds_total{cmd=\"get\"}", 175 * 1e-6)}));
  EXPECT_THAT(old_ones, Not(Contains(Key("redis_latency_percentiles_usec_count{cmd=\"get\"}"))));
  const auto new_ones = samples_of(
      "# Commandstats\r\ncmdstat_config|get:calls=2,usec=3,usec_per_call=1.50,rejected_calls=4,failed_calls=5\r\n"
      "# Latencystats\r\nlatency_percentiles_usec_config|get:p50=1.003,p99.9=4.015\r\n");
  EXPECT_THAT(new_ones,
              IsSupersetOf({Pair("redis_commands_rejected_calls_total{cmd=\"config|get\"}", 4.0),
                            Pair("redis_commands_failed_calls_total{cmd=\"config|get\"}", 5.0),
                            Pair("redis_latency_percentiles_usec{cmd=\"config|get\", quantile=\"99.9\"}", 4.015),
                            Pair("redis_latency_percentiles_usec_sum{cmd=\"config|get\"}", 3.0)}));
}

TEST_F(RedisInfo, KnowsValkeyByItsOwnVersion) {
  const auto samples = samples_of(
      "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.3\r\nvalkey_release_stage:ga\r\n"
      "used_active_time_io_thread_1:1.5\r\n# Replication\r\nrole:master\r\n");
  EXPECT_THAT(samples, IsSupersetOf({Pair("redis_instance_info{redis_version=\"7.2.4\", role=\"master\", "
                                          "valkey_release_stage=\"ga\", valkey_version=\"8.1.3\"}", 1.0),
                                     Pair("redis_active_time_io_thread_seconds_total{thread=\"1\"}", 1.5)}));
}

TEST_F(RedisInfo, KeepsADatabaseThatBecameEmpty) {
  EXPECT_THAT(samples_of("# Keyspace\r\ndb1:keys=2,expires=1,avg_ttl=1500,cached_keys=1\r\n"),
              IsSupersetOf({Pair("redis_db_keys{db=\"db1\"}", 2.0), Pair("redis_db_avg_ttl_seconds{db=\"db1\"}", 1.5),
                            Pair("redis_db_keys_cached{db=\"db1\"}", 1.0)}));
  EXPECT_THAT(samples_of("# Keyspace\r\n"), Contains(Pair("redis_db_keys{db=\"db1\"}", 0.0)));
  info.start_over();
  EXPECT_THAT(samples_of("# Keyspace\r\n"), Not(Contains(Key("redis_db_keys{db=\"db1\"}"))));
}

TEST_F(RedisInfo, CountsTheHitRatioBetweenPasses) {
  constexpr std::string_view first = "# Stats\r\nkeyspace_hits:100\r\nkeyspace_misses:50\r\n";
  EXPECT_THAT(samples_of(first), Not(Contains(Key("sidewatch_redis_keyspace_hit_ratio"))));
  EXPECT_THAT(samples_of("# Stats\r\nkeyspace_hits:130\r\nkeyspace_misses:60\r\n"),
              Contains(Pair("sidewatch_redis_keyspace_hit_ratio", 0.75)));
  EXPECT_THAT(samples_of("# Stats\r\nkeyspace_hits:130\r\nkeyspace_misses:60\r\n"),
              Not(Contains(Key("sidewatch_redis_keyspace_hit_ratio"))));  // nobody asked
  EXPECT_THAT(samples_of(first), Not(Contains(Key("sidewatch_redis_keyspace_hit_ratio"))));  // CONFIG RESETSTAT
}

TEST_F(RedisInfo, TellsTheLagOfEachReplica) {
  const auto samples = samples_of(
      "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
      "slave0:ip=10.0.0.1,port=6379,state=online,offset=900,lag=1\r\n"
      "slave1:ip=10.0.0.2,port=6380,state=wait_bgsave,offset=0,lag=0\r\nmaster_repl_offset:1000\r\n");
  EXPECT_THAT(samples,
              IsSupersetOf({Pair("redis_connected_slave_offset_bytes{slave_ip=\"10.0.0.1\", slave_port=\"6379\", "
                                 "slave_state=\"online\"}", 900.0),
                            Pair("sidewatch_redis_replica_lag_bytes{slave_ip=\"10.0.0.1\", slave_port=\"6379\"}", 100.0),
                            Pair("sidewatch_redis_replication_lag_seconds{slave_ip=\"10.0.0.1\", slave_port=\"6379\"}",
                                 1.0),
                            Pair("sidewatch_redis_replica_lag_bytes{slave_ip=\"10.0.0.2\", slave_port=\"6380\"}",
                                 1000.0)}));
}

TEST_F(RedisInfo, TellsForHowLongAReplicaHasBeenAlone) {
  const auto samples = samples_of(
      "# Server\r\nuptime_in_seconds:500\r\n# Replication\r\nrole:slave\r\nmaster_host:db1\r\nmaster_port:6379\r\n"
      "master_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\nmaster_link_down_since_seconds:1795264291\r\n"
      "slave_read_only:1\r\n");
  EXPECT_THAT(samples, IsSupersetOf({Pair("sidewatch_redis_link_down_seconds", 500.0),
                                     Pair("redis_master_link_up{master_host=\"db1\", master_port=\"6379\"}", 0.0),
                                     Pair("redis_slave_info{master_host=\"db1\", master_port=\"6379\", read_only=\"1\"}",
                                          1.0)}));
}

TEST_F(RedisInfo, KeepsTheStartTimeWhereItIs) {
  under.now = time_at_ms(1'000'000'900);
  EXPECT_THAT(samples_of("uptime_in_seconds:100\r\n"), Contains(Pair("redis_start_time_seconds", 999'900.0)));
  under.now = time_at_ms(1'000'001'100);  // a second later for us, but not yet for the server
  EXPECT_THAT(samples_of("uptime_in_seconds:100\r\n"), Contains(Pair("redis_start_time_seconds", 999'900.0)));
  under.now = time_at_ms(1'000'011'000);
  EXPECT_THAT(samples_of("uptime_in_seconds:1\r\n"), Contains(Pair("redis_start_time_seconds", 1'000'010.0)));
}

TEST_F(RedisInfo, KnowsAClusterAndASentinelWhenItSeesOne) {
  samples_of("# Cluster\r\ncluster_enabled:1\r\n");
  EXPECT_TRUE(facts.cluster);
  EXPECT_FALSE(facts.sentinel);
  const auto samples = samples_of(
      "# Sentinel\r\nsentinel_masters:1\r\nmaster0:name=shop,status=sdown,address=10.0.0.1:6379,slaves=2,sentinels=3\r\n");
  EXPECT_TRUE(facts.sentinel);
  EXPECT_FALSE(facts.cluster);
  EXPECT_THAT(samples, IsSupersetOf({Pair("redis_sentinel_masters", 1.0),
                                     Pair("redis_sentinel_master_status{master_address=\"10.0.0.1:6379\", "
                                          "master_name=\"shop\", master_status=\"sdown\"}", 0.0),
                                     Pair("redis_sentinel_master_slaves{master_address=\"10.0.0.1:6379\", "
                                          "master_name=\"shop\"}", 2.0)}));
}

TEST(RedisFields, HaveOneRowAndOneMetricEach) {
  std::set<std::string_view> fields;
  std::set<std::string_view> names;
  for (const auto& table : {info_fields(), module_fields()}) {
    for (const auto& field : table) {
      EXPECT_TRUE(fields.insert(field.field).second) << field.field;
      EXPECT_TRUE(names.insert(field.metric.name).second) << field.metric.name;
      EXPECT_TRUE(field.metric.help.ends_with('.')) << field.field;
    }
  }
  EXPECT_GT(fields.size(), 150u);
}

TEST(RedisInfoText, IsReadWhateverItHolds) {
  EXPECT_EQ(number_of("ok"), 1);
  EXPECT_EQ(number_of("fail"), 0);
  EXPECT_EQ(number_of("-1"), -1);
  EXPECT_FALSE(number_of("1.5G"));
  EXPECT_FALSE(number_of("nan"));
  EXPECT_FALSE(number_of(""));
  EXPECT_EQ(value_in("ip=::1,port=6379", "port"), "6379");
  EXPECT_EQ(value_in("a,b=1=2", "b"), "1=2");
}

}  // namespace
}  // namespace sidewatch::database::redis
