// Answers of servers that are not at hand (MySQL 5.7, 8 and 9, Galera), as samples.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/database/mysql/queries.h"
#include "tests/collectors/database/begin_rows.h"
#include "tests/collectors/database/database_under_test.h"

namespace sidewatch::database::mysql {
namespace {

using Cells = std::vector<std::optional<std::string>>;

class MysqlSinks : public ::testing::Test {
 protected:
  std::unique_ptr<RowSink> make(const MakeSink& sink) { return sink({under_test_.catalog, under_test_.labels, shared_}); }

  std::map<std::string, double> take(RowSink& sink, std::vector<std::string> columns, const std::vector<Cells>& cells) {
    Rows rows;
    begin_rows(rows, std::move(columns), QueryLimits{});
    for (const auto& row : cells) {
      for (const auto& cell : row) rows.add(cell ? std::optional<std::string_view>(*cell) : std::nullopt);
    }
    under_test_.batch.clear();
    trouble_ = sink.take(rows, under_test_.batch);
    return under_test_.samples();
  }
  std::map<std::string, double> take_pairs(RowSink& sink, const std::vector<Cells>& cells) {
    return take(sink, {"Variable_name", "Value"}, cells);
  }

  DatabaseUnderTest under_test_;
  Shared shared_;
  std::optional<Failure> trouble_;
};
using Samples = std::map<std::string, double>;

TEST_F(MysqlSinks, StatusIsOneMetricEachOrPartOfAFamily) {
  const auto sink = make(make_status_sink);
  EXPECT_EQ(take_pairs(*sink, {{"Com_select", "7"},
                               {"Handler_commit", "3"},
                               {"Connection_errors_internal", "1"},
                               {"Innodb_rows_read", "9"},
                               {"Performance_schema_users_lost", "2"},
                               {"Uptime", "100"},
                               {"Ssl_server_not_after", "Nov 21 12:00:00 2026 GMT"},
                               {"Rpl_semi_sync_slave_status", "ON"},
                               {"Innodb_version", "8.0.36"}}),
            (Samples{{"mysql_global_status_commands_total{command=\"select\"}", 7},
                     {"mysql_global_status_handlers_total{handler=\"commit\"}", 3},
                     {"mysql_global_status_connection_errors_total{error=\"internal\"}", 1},
                     {"mysql_global_status_innodb_row_ops_total{operation=\"read\"}", 9},
                     {"mysql_global_status_performance_schema_lost_total{instrumentation=\"users_lost\"}", 2},
                     {"mysql_global_status_uptime", 100},
                     {"mysql_global_status_ssl_server_not_after", 1795262400},
                     {"mysql_global_status_rpl_semi_sync_slave_status", 1}}));
}

TEST_F(MysqlSinks, PagesOfTheBufferPoolAreStatesOrChanges) {
  const auto sink = make(make_status_sink);
  EXPECT_EQ(take_pairs(*sink, {{"Innodb_buffer_pool_pages_data", "10"},
                               {"Innodb_buffer_pool_pages_dirty", "2"},
                               {"Innodb_buffer_pool_pages_flushed", "5"},
                               {"Innodb_buffer_pool_pages_total", "100"}}),
            (Samples{{"mysql_global_status_buffer_pool_pages{state=\"data\"}", 10},
                     {"mysql_global_status_buffer_pool_dirty_pages", 2},
                     {"mysql_global_status_buffer_pool_page_changes_total{operation=\"flushed\"}", 5}}));
}

TEST_F(MysqlSinks, ConnectionUseNeedsStatusAndVariables) {
  const auto status = make(make_status_sink);
  EXPECT_EQ(take_pairs(*status, {{"Threads_connected", "30"}}).count("sidewatch_mysql_connection_usage_ratio"), 0u);
  const auto variables = make(make_variables_sink);
  take_pairs(*variables, {{"max_connections", "40"}});
  const auto samples = take_pairs(*status, {{"Threads_connected", "30"}});
  EXPECT_EQ(samples.at("sidewatch_mysql_connections"), 30);
  EXPECT_EQ(samples.at("sidewatch_mysql_connections_limit"), 40);
  EXPECT_EQ(samples.at("sidewatch_mysql_connection_usage_ratio"), 0.75);
}

TEST_F(MysqlSinks, GaleraSaysWhoItIsAndHowFastItTalks) {
  const auto sink = make(make_status_sink);
  EXPECT_EQ(take_pairs(*sink, {{"wsrep_cluster_status", "Primary"},
                               {"wsrep_local_state_uuid", "aa"},
                               {"wsrep_cluster_state_uuid", "bb"},
                               {"wsrep_provider_version", "26.4"},
                               {"wsrep_evs_repl_latency", "0.1/0.2/0.3/0.04/5"}}),
            (Samples{{"mysql_global_status_wsrep_cluster_status", 1},
                     {"mysql_global_status_wsrep_provider_version", 26.4},
                     {"mysql_galera_status_info{wsrep_cluster_state_uuid=\"bb\", wsrep_local_state_uuid=\"aa\"}", 1},
                     {"mysql_galera_evs_repl_latency_min_seconds", 0.1},
                     {"mysql_galera_evs_repl_latency_avg_seconds", 0.2},
                     {"mysql_galera_evs_repl_latency_max_seconds", 0.3},
                     {"mysql_galera_evs_repl_latency_stdev", 0.04},
                     {"mysql_galera_evs_repl_latency_sample_size", 5}}));
  EXPECT_EQ(take_pairs(*sink, {{"wsrep_evs_repl_latency", "0.1/0.2/x/0.04/5"}}), Samples{});
}

TEST_F(MysqlSinks, VariablesAreNumbersAndAFewTexts) {
  const auto sink = make(make_variables_sink);
  EXPECT_EQ(take_pairs(*sink, {{"innodb_file_per_table", "ON"},
                               {"innodb_buffer_pool_size", "134217728"},
                               {"innodb_version", "8.0.36"},
                               {"version", "8.0.36-28"},
                               {"version_comment", "Percona Server"},
                               {"transaction_isolation", "REPEATABLE-READ"},
                               {"tx_isolation", "IGNORED"},
                               {"wsrep_cluster_name", "shop"},
                               {"wsrep_provider_options", "base_port = 4567; gcache.size = 128M; gcs.fc_limit = 16"},
                               {"sql_mode", "STRICT"}}),
            (Samples{{"mysql_global_variables_innodb_file_per_table", 1},
                     {"mysql_global_variables_innodb_buffer_pool_size", 134217728},
                     {"mysql_version_info{innodb_version=\"8.0.36\", version=\"8.0.36-28\", version_comment=\"Percona "
                      "Server\"}",
                      1},
                     {"mysql_transaction_isolation{level=\"REPEATABLE-READ\"}", 1},
                     {"mysql_galera_variables_info{wsrep_cluster_name=\"shop\"}", 1},
                     {"mysql_galera_gcache_size_bytes", 134217728}}));
}

TEST_F(MysqlSinks, AVariableThatIsGoneLeavesNoSample) {
  const auto sink = make(make_variables_sink);
  take_pairs(*sink, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const auto samples = take_pairs(*sink, {{"c", "4"}, {"a", "5"}});
  EXPECT_EQ(samples.at("mysql_global_variables_a"), 5);
  EXPECT_EQ(samples.at("mysql_global_variables_c"), 4);
  EXPECT_EQ(samples.count("mysql_global_variables_b"), 0u);
}

TEST_F(MysqlSinks, AReplicaOfMysql80IsToldUnderTheNewNamesAndTheOldOnes) {
  const auto sink = make(make_replica_sink);
  const auto samples =
      take(*sink,
           {"Source_Host", "Source_UUID", "Channel_Name", "Replica_IO_Running", "Replica_SQL_Running",
            "Seconds_Behind_Source", "SQL_Delay", "Last_IO_Errno", "Replicate_Do_DB"},
           {{"db1", "u-1", "shop", "Yes", "Yes", "42", "30", "0", "x"}});
  const std::string labels = "{channel_name=\"shop\", master_host=\"db1\", master_uuid=\"u-1\"}";
  EXPECT_EQ(samples, (Samples{{"mysql_slave_status_replica_io_running" + labels, 1},
                              {"mysql_slave_status_slave_io_running" + labels, 1},
                              {"mysql_slave_status_replica_sql_running" + labels, 1},
                              {"mysql_slave_status_slave_sql_running" + labels, 1},
                              {"mysql_slave_status_seconds_behind_source" + labels, 42},
                              {"mysql_slave_status_seconds_behind_master" + labels, 42},
                              {"mysql_slave_status_sql_delay" + labels, 30},
                              {"mysql_slave_status_last_io_errno" + labels, 0},
                              {"sidewatch_mysql_replication_running" + labels, 1},
                              {"sidewatch_mysql_replication_lag_seconds" + labels, 12}}));
}

TEST_F(MysqlSinks, AReplicaThatDoesNotReceiveHasNoLagAndDoesNotRun) {
  const auto sink = make(make_replica_sink);
  const auto samples = take(*sink, {"Connection_name", "Master_Host", "Slave_IO_Running", "Slave_SQL_Running",
                                    "Seconds_Behind_Master", "Gtid_IO_Pos"},
                            {{"a", "db1", "Connecting", "Yes", std::nullopt, "0-1-270,1-2-17"}});
  const std::string labels = "{connection_name=\"a\", master_host=\"db1\"}";
  EXPECT_EQ(samples.at("sidewatch_mysql_replication_running" + labels), 0);
  EXPECT_EQ(samples.at("mysql_slave_status_slave_io_running" + labels), 0);
  EXPECT_EQ(samples.count("sidewatch_mysql_replication_lag_seconds" + labels), 0u);
  const auto position = [](const char* domain, const char* server) {
    return std::string("mysql_slave_status_gtid_io_pos{connection_name=\"a\", domain_id=\"") + domain +
           "\", master_host=\"db1\", server_id=\"" + server + "\"}";
  };
  EXPECT_EQ(samples.at(position("0", "1")), 270);
  EXPECT_EQ(samples.at(position("1", "2")), 17);
}

TEST_F(MysqlSinks, TheProcessListIsCountedByCommandAndStateByUserAndByHost) {
  const auto sink = make(make_processlist_sink);
  const auto samples = take(
      *sink, {"mysql_user", "client_host", "command_name", "state_name", "processes", "seconds", "longest"},
      {{"shop", "10.0.0.1", "Query", "Waiting for table metadata lock", "2", "30", "20"},
       {"shop", "10.0.0.2", "Sleep", "", "3", "600", "400"},
       {"system user", "", "Slave_SQL", "Slave has read all relay log; waiting for more updates", "1", "9000", "9000"}});
  EXPECT_EQ(samples.at("mysql_info_schema_processlist_threads{command=\"query\", state=\"waiting_for_table_metadata_lock\"}"),
            2);
  EXPECT_EQ(samples.at("mysql_info_schema_processlist_seconds{command=\"sleep\", state=\"unknown\"}"), 600);
  EXPECT_EQ(samples.at("mysql_info_schema_processlist_processes_by_user{mysql_user=\"shop\"}"), 5);
  EXPECT_EQ(samples.at("mysql_info_schema_processlist_processes_by_host{client_host=\"unknown\"}"), 1);
  EXPECT_EQ(samples.at("mysql_info_schema_threads{state=\"idle\"}"), 3);
  EXPECT_EQ(samples.at("sidewatch_mysql_connections_active"), 2);
  EXPECT_EQ(samples.at("sidewatch_mysql_connections_idle"), 3);
  EXPECT_EQ(samples.at("sidewatch_mysql_connections_waiting"), 2);
  EXPECT_EQ(samples.at("sidewatch_mysql_longest_query_seconds"), 20) << "a replica's own threads are no clients";
}

TEST_F(MysqlSinks, InnodbMetricsAreThoseThatAreEnabledHoweverTheServerSaysSo) {
  const auto sink = make(make_innodb_metrics_sink);
  const Samples expected{{"mysql_info_schema_innodb_metrics_lock_lock_deadlocks_total", 4},
                         {"mysql_info_schema_innodb_metrics_buffer_page_read_total{type=\"index_leaf\"}", 5},
                         {"mysql_info_schema_innodb_metrics_buffer_pool_pages{state=\"data\"}", 6},
                         {"mysql_info_schema_innodb_metrics_buffer_pool_dirty_pages", 7}};
  const std::vector<std::string> of_mysql{"NAME", "SUBSYSTEM", "COUNT", "STATUS", "TYPE", "COMMENT"};
  EXPECT_EQ(take(*sink, of_mysql,
                 {{"lock_deadlocks", "lock", "4", "enabled", "counter", "Number of deadlocks"},
                  {"buffer_page_read_index_leaf", "buffer_page_io", "5", "enabled", "counter", "x"},
                  {"buffer_pool_pages_data", "buffer", "6", "enabled", "value", "x"},
                  {"buffer_pool_pages_dirty", "buffer", "7", "enabled", "value", "x"},
                  {"buffer_pool_pages_total", "buffer", "9", "enabled", "value", "x"},
                  {"lock_timeouts", "lock", "9", "disabled", "counter", "x"}}),
            expected);
  const auto mariadb = take(*sink, {"NAME", "SUBSYSTEM", "COUNT", "ENABLED", "TYPE", "COMMENT"},
                            {{"lock_deadlocks", "lock", "4", "1", "counter", "x"}, {"off", "lock", "9", "0", "counter", "x"}});
  EXPECT_EQ(mariadb, (Samples{{"mysql_info_schema_innodb_metrics_lock_lock_deadlocks_total", 4}}));
  take(*sink, {"NAME"}, {{"x"}});
  EXPECT_TRUE(trouble_.has_value()) << "columns that are not there are told";
}

TEST_F(MysqlSinks, ResponseTimesAreAHistogram) {
  const auto sink = make(make_response_time_sink);
  EXPECT_EQ(take(*sink, {"TIME", "COUNT", "TOTAL"},
                 {{"      0.000001", "2", "0.000001"}, {"   1.000000", "3", "1.5"}, {"TOO LONG", "1", "TOO LONG"}}),
            (Samples{{"mysql_info_schema_query_response_time_seconds_bucket{le=\"1e-06\"}", 2},
                     {"mysql_info_schema_query_response_time_seconds_bucket{le=\"1\"}", 5},
                     {"mysql_info_schema_query_response_time_seconds_bucket{le=\"+Inf\"}", 6},
                     {"mysql_info_schema_query_response_time_seconds_sum", 1.500001},
                     {"mysql_info_schema_query_response_time_seconds_count", 6}}));
}

TEST_F(MysqlSinks, BinaryLogsAreAddedUp) {
  const auto sink = make(make_binary_logs_sink);
  EXPECT_EQ(take(*sink, {"Log_name", "File_size", "Encrypted"},
                 {{"bin.000006", "100", "No"}, {"bin.000007", "50", "No"}}),
            (Samples{{"mysql_binlog_size_bytes", 150}, {"mysql_binlog_files", 2}, {"mysql_binlog_file_number", 7}}));
}

}  // namespace
}  // namespace sidewatch::database::mysql
