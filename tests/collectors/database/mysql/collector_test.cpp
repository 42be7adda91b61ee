// A whole pass against a server that answers what a test tells it to: what is asked of which version, and what is said
// when it does not answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collectors/database/mysql/collector.h"
#include "collectors/database/mysql/queries.h"
#include "tests/collectors/database/database_under_test.h"
#include "tests/collectors/database/fake_sql.h"

namespace sidewatch::database::mysql {
namespace {

// The collector owns its connection; the test keeps the server behind it.
class Line final : public SqlConnection {
 public:
  explicit Line(FakeSql& server) : server_(server) {}
  const ServerVersion& version() const override { return server_.version(); }
  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    return server_.query(sql, limits, rows);
  }

 private:
  FakeSql& server_;
};

struct Watched {
  explicit Watched(ServerVersion version, MysqlConfig config = {}) : server(std::move(version)) {
    config.instance.name.value = "main";
    collector = make_mysql_collector(config, under_test.catalog, [this](std::unique_ptr<SqlConnection>& made) {
      if (!reachable) return std::optional<Failure>({FailureKind::unreachable, "db:3306: Connection refused", true});
      made = std::make_unique<Line>(server);
      return std::optional<Failure>();
    });
  }

  std::map<std::string, double> pass() {
    under_test.batch.clear();
    under_test.now += std::chrono::seconds(40);
    outcome = *collector->collect(under_test.batch, under_test.now);
    return under_test.samples();
  }
  bool asked(std::string_view part) const {
    return std::any_of(server.asked.begin(), server.asked.end(),
                       [&](const std::string& sql) { return sql.find(part) != std::string::npos; });
  }

  DatabaseUnderTest under_test;
  FakeSql server;
  bool reachable = true;
  std::unique_ptr<Collector> collector;
  PassOutcome outcome;
};

TEST(MysqlCollector, EachServerIsAskedForReplicationAsItSpellsIt) {
  const auto spelling = [](ServerVersion version) {
    Watched watched(std::move(version));
    watched.pass();
    std::vector<std::string> found;
    for (const auto& sql : watched.server.asked) {
      if (sql.ends_with(" STATUS") && sql != "SHOW GLOBAL STATUS") found.push_back(sql);
    }
    return found;
  };
  EXPECT_EQ(spelling({101106, "mariadb"}), std::vector<std::string>{"SHOW ALL SLAVES STATUS"});
  EXPECT_EQ(spelling({50744, "mysql"}), std::vector<std::string>{"SHOW SLAVE STATUS"});
  EXPECT_EQ(spelling({80021, "mysql"}), std::vector<std::string>{"SHOW SLAVE STATUS"});
  EXPECT_EQ(spelling({80022, "mysql"}), std::vector<std::string>{"SHOW REPLICA STATUS"});
  EXPECT_EQ(spelling({90100, "mysql"}), std::vector<std::string>{"SHOW REPLICA STATUS"});
}

TEST(MysqlCollector, DeadlocksAreAskedForWhereTheStatusHasNone) {
  Watched mysql({80036, "mysql"});
  mysql.pass();
  EXPECT_TRUE(mysql.asked("lock_deadlocks"));
  Watched mariadb({101106, "mariadb"});
  mariadb.server.answers["SHOW GLOBAL STATUS"] = {{"Variable_name", "Value"}, {{"Innodb_deadlocks", "3"}}, {}};
  EXPECT_EQ(mariadb.pass().at("sidewatch_mysql_deadlocks_total"), 3);
  EXPECT_FALSE(mariadb.asked("lock_deadlocks"));
  Watched percona({80036, "mysql"});  // calls itself MySQL, and counts them in its status
  percona.server.answers["SHOW GLOBAL STATUS"] = {{"Variable_name", "Value"}, {{"Innodb_deadlocks", "5"}}, {}};
  EXPECT_EQ(percona.pass().at("sidewatch_mysql_deadlocks_total"), 5);
  EXPECT_FALSE(percona.asked("lock_deadlocks"));
}

TEST(MysqlCollector, DeadlocksAreNotAskedForAgainWhereTheServerDoesNotCountThem) {
  Watched mysql({80036, "mysql"});
  mysql.pass();
  const auto sql = *std::find_if(mysql.server.asked.begin(), mysql.server.asked.end(), [](const std::string& one) {
    return one.find("lock_deadlocks") != std::string::npos;
  });
  mysql.under_test.now += std::chrono::minutes(20);  // that it failed is over
  mysql.server.answers[sql] = {{"count"}, {{"2"}}, {}};
  EXPECT_EQ(mysql.pass().at("sidewatch_mysql_deadlocks_total"), 2);
  mysql.server.answers[sql] = {{"count"}, {}, {}};  // it was switched off
  EXPECT_EQ(mysql.pass().count("sidewatch_mysql_deadlocks_total"), 0u);
  mysql.server.asked.clear();
  mysql.pass();
  EXPECT_FALSE(mysql.asked("lock_deadlocks"));
}

// The answer to the one statement that is asked and has this in it.
void answer(Watched& watched, std::string_view part, FakeAnswer with) {
  watched.pass();
  for (const auto& sql : watched.server.asked) {
    if (sql.find(part) != std::string::npos) watched.server.answers[sql] = with;
  }
  watched.under_test.now += std::chrono::minutes(20);
}

TEST(MysqlCollector, QuantilesOfStatementsAreThoseOfMySql8) {
  MysqlConfig config;
  config.statements = StatementsConfig{.top = 7};
  Watched watched({80036, "mysql"}, config);
  answer(watched, "CROSS JOIN",
         {{"schema_of_it", "digest", "text_of_it", "quantile", "latency"},
          {{"shop", "d1", "SELECT ?", "95", "2000000000"}, {"shop", "d1", "SELECT ?", "999", "7000000000000"}}, {}});
  const auto samples = watched.pass();
  const std::string name = "mysql_perf_schema_events_statements_latency{digest=\"d1\", digest_text=\"SELECT ?\", ";
  EXPECT_DOUBLE_EQ(samples.at(name + "quantile=\"95\", schema=\"shop\"}"), 0.002);
  EXPECT_DOUBLE_EQ(samples.at(name + "quantile=\"999\", schema=\"shop\"}"), 7);
  EXPECT_EQ(statement_queries(config).back().query.max_rows, 3 * 7u);
  Watched old({50744, "mysql"}, config);
  old.pass();
  EXPECT_TRUE(old.asked("events_statements_summary_by_digest"));
  EXPECT_FALSE(old.asked("quantile"));
}

TEST(MysqlCollector, MembersOfAReplicationGroupAreToldOfOnRequest) {
  MysqlConfig config;
  config.group_replication = true;
  Watched watched({80036, "mysql"}, config);
  answer(watched, "replication_group_members",
         {{"channel_name", "member_id", "member_host", "member_port", "member_state", "member_role", "member_version", "one"},
          {{"group_replication_applier", "uuid1", "db1", "3306", "ONLINE", "PRIMARY", "8.0.36", "1"},
           {"group_replication_applier", "uuid2", "db2", "3306", "RECOVERING", "SECONDARY", "8.0.36", "1"}}, {}});
  answer(watched, "replication_group_member_stats",
         {{"count_transactions_in_queue", "count_transactions_checked", "count_conflicts_detected",
           "count_transactions_rows_validating", "count_transactions_remote_in_applier_queue",
           "count_transactions_remote_applied", "count_transactions_local_proposed", "count_transactions_local_rollback"},
          {{"1", "2", "3", "4", "5", "6", "7", "8"}}, {}});
  const auto samples = watched.pass();
  EXPECT_EQ(samples.at("mysql_perf_schema_replication_group_member_info{channel_name=\"group_replication_applier\", "
                       "member_host=\"db2\", member_id=\"uuid2\", member_port=\"3306\", member_role=\"SECONDARY\", "
                       "member_state=\"RECOVERING\", member_version=\"8.0.36\"}"),
            1);
  EXPECT_EQ(samples.at("mysql_perf_schema_transactions_in_queue"), 1);
  EXPECT_EQ(samples.at("mysql_perf_schema_conflicts_detected_total"), 3);
  EXPECT_EQ(samples.at("mysql_perf_schema_transactions_remote_in_applier_queue"), 5);
  EXPECT_EQ(samples.at("mysql_perf_schema_transactions_local_rollback_total"), 8);

  Watched old({50744, "mysql"}, config);
  old.pass();
  EXPECT_TRUE(old.asked("replication_group_member_stats"));
  EXPECT_FALSE(old.asked("member_role"));
  EXPECT_FALSE(old.asked("remote_applied"));
  Watched mariadb({101106, "mariadb"}, config);
  mariadb.pass();
  EXPECT_FALSE(mariadb.asked("replication_group"));
}

TEST(MysqlCollector, WhatIsOnRequestIsNotAskedWithoutRequest) {
  Watched quiet({101106, "mariadb"});
  quiet.pass();
  for (const auto* part : {"events_statements", "* FROM information_schema.innodb_metrics", "auto_increment", "BINARY LOGS",
                           "user_statistics", "replication_group"}) {
    EXPECT_FALSE(quiet.asked(part)) << part;
  }
  MysqlConfig config;
  config.statements = StatementsConfig{};
  config.innodb_metrics = config.auto_increment = config.binary_logs = config.user_statistics = true;
  config.tables.max = 0;
  Watched curious({101106, "mariadb"}, config);
  curious.pass();
  for (const auto* part : {"events_statements", "* FROM information_schema.innodb_metrics", "auto_increment", "BINARY LOGS",
                           "user_statistics"}) {
    EXPECT_TRUE(curious.asked(part)) << part;
  }
  EXPECT_FALSE(curious.asked("table_type = 'BASE TABLE'"));
}

TEST(MysqlCollector, CpuTimeOfStatementsIsAskedOfServersThatMeasureIt) {
  MysqlConfig config;
  config.statements = StatementsConfig{};
  const auto asks = [&](ServerVersion version) {
    Watched watched(std::move(version), config);
    watched.pass();
    return watched.asked("sum_cpu_time");
  };
  EXPECT_TRUE(asks({80028, "mysql"}));
  EXPECT_FALSE(asks({80027, "mysql"}));
  EXPECT_FALSE(asks({110402, "mariadb"}));
}

TEST(MysqlCollector, ADownServerIsASampleAndNotAFailedPass) {
  Watched watched({101106, "mariadb"});
  watched.reachable = false;
  const auto samples = watched.pass();
  EXPECT_EQ(samples.at("mysql_up"), 0);
  EXPECT_EQ(watched.outcome.first_partial_error, "db:3306: Connection refused");
  EXPECT_EQ(samples.at("mysql_exporter_last_scrape_error"), 1);
  watched.reachable = true;
  EXPECT_EQ(watched.pass().at("mysql_up"), 1);
}

TEST(MysqlCollector, AQueryThatIsDeniedCostsOnlyItself) {
  Watched watched({101106, "mariadb"});
  watched.server.answers["SHOW GLOBAL STATUS"] = {{"Variable_name", "Value"}, {{"Uptime", "5"}}, {}};
  watched.server.answers["SHOW ALL SLAVES STATUS"] = {{}, {}, Failure{FailureKind::denied, "not you", false}};
  const auto samples = watched.pass();
  EXPECT_EQ(samples.at("mysql_up"), 1);
  EXPECT_EQ(samples.at("mysql_global_status_uptime"), 5);
  EXPECT_EQ(samples.at("mysql_exporter_collector_success{collector=\"collect.slave_status\"}"), 0);
  EXPECT_EQ(samples.at("mysql_exporter_collector_success{collector=\"collect.global_status\"}"), 1);
}

TEST(MysqlCollector, ALostConnectionIsDownInThisVeryPass) {
  Watched watched({101106, "mariadb"});
  watched.server.answers["SHOW GLOBAL STATUS"] = {{}, {}, Failure{FailureKind::lost, "the connection is lost", true}};
  const auto samples = watched.pass();
  EXPECT_EQ(samples.at("mysql_up"), 0);
  EXPECT_EQ(samples.count("mysql_exporter_collector_success{collector=\"collect.global_status\"}"), 0u);
}

}  // namespace
}  // namespace sidewatch::database::mysql
