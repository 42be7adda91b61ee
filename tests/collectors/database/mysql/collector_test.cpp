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
}

TEST(MysqlCollector, WhatIsOnRequestIsNotAskedWithoutRequest) {
  Watched quiet({101106, "mariadb"});
  quiet.pass();
  for (const auto* part : {"events_statements", "* FROM information_schema.innodb_metrics", "auto_increment", "BINARY LOGS"}) {
    EXPECT_FALSE(quiet.asked(part)) << part;
  }
  MysqlConfig config;
  config.statements = StatementsConfig{};
  config.innodb_metrics = config.auto_increment = config.binary_logs = true;
  config.tables.max = 0;
  Watched curious({101106, "mariadb"}, config);
  curious.pass();
  for (const auto* part : {"events_statements", "* FROM information_schema.innodb_metrics", "auto_increment", "BINARY LOGS"}) {
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
